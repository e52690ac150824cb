//! Who is allowed what, as tables: each case is a caller, policies on each side, and the expected decision.

use std::sync::Arc;

use super::*;
use crate::policy::document::PolicyKind;
use crate::policy::request::{Environment, KeyList, Subject, SubjectKind, Values};

const KEY: &str = "arn:aws:kms:us-east-1:111111111111:key/k";
const ROOT: &str = "arn:aws:iam::111111111111:root";
const ALICE: &str = "arn:aws:iam::111111111111:user/Alice";
const ROLE: &str = "arn:aws:iam::111111111111:role/p/R";
const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/R/s";
const MALLORY: &str = "arn:aws:iam::222222222222:user/Mallory";

/// A question with everything that varies between the cases.
struct Case {
    caller: Subject<'static>,
    action: &'static str,
    resource: &'static str,
    identity: Vec<Arc<PolicyDocument>>,
    session: Option<Vec<Arc<PolicyDocument>>>,
    resource_policy: Option<PolicyDocument>,
    side: Kind,
    granted: bool,
    keys: KeyList<'static>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    Optional,
    Required,
}

/// `caller` decrypts with `KEY` and nothing says yes yet.
fn key_case(caller: Subject<'static>) -> Case {
    Case {
        caller,
        action: "kms:Decrypt",
        resource: KEY,
        identity: Vec::new(),
        session: None,
        resource_policy: None,
        side: Kind::Required,
        granted: false,
        keys: KeyList::default(),
    }
}

/// `caller` publishes to a topic without policy.
fn topic_case(caller: Subject<'static>) -> Case {
    let resource = "arn:aws:sns:us-east-1:111111111111:t";
    Case { action: "sns:Publish", resource, side: Kind::Optional, ..key_case(caller) }
}

/// `caller` lists keys, which no resource policy governs.
fn list_case(caller: Subject<'static>) -> Case {
    Case { action: "kms:ListKeys", resource: "*", side: Kind::None, ..key_case(caller) }
}

impl Case {
    /// Adds an identity policy of one statement.
    fn identity(mut self, effect: &str, action: &str, resource: &str) -> Self {
        self.identity.push(identity_policy(effect, action, resource));
        self
    }

    fn session(mut self, effect: &str, action: &str) -> Self {
        self.session.get_or_insert_default().push(identity_policy(effect, action, "*"));
        self
    }

    /// Sets the resource policy to these statements, `'` written for `"`.
    fn policy(mut self, statements: &str) -> Self {
        let text = format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statements}]}}").replace('\'', "\"");
        self.resource_policy = Some(PolicyDocument::parse(PolicyKind::Key, &text).expect("a policy"));
        self
    }

    /// Sets the resource policy to one statement about one `AWS` principal and every action.
    fn names(self, effect: &str, principal: &str) -> Self {
        self.policy(&about(effect, principal))
    }

    fn granted(mut self) -> Self {
        self.granted = true;
        self
    }

    fn key(mut self, key: &'static str, value: Values<'static>) -> Self {
        self.keys = self.keys.with(key, value);
        self
    }

    #[track_caller]
    fn gives(self, want: Decision) {
        let empty = PolicyDocument::parse(PolicyKind::Key, SILENT).expect("a policy");
        let environment = Environment {
            now: "2026-11-22T10:00:00Z".parse().expect("a time"),
            region: "us-east-1",
            source_ip: Some("192.0.2.1".parse().expect("an address")),
            user_agent: Some("test"),
            secure_transport: true,
            via_service: None,
        };
        let request = Request {
            subject: &self.caller,
            action: self.action,
            resource: self.resource,
            resource_account: if self.resource == "*" { self.caller.account } else { "111111111111" },
            environment: &environment,
            keys: &self.keys,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: None,
            session: self.session.as_deref(),
            resource: match self.side {
                Kind::None => ResourceSide::None,
                Kind::Optional => ResourceSide::Optional(self.resource_policy.as_ref()),
                Kind::Required => ResourceSide::Required(self.resource_policy.as_ref().unwrap_or(&empty)),
            },
            granted: self.granted,
        };
        let got = evaluate(&request, &policies);
        assert_eq!(got, want, "{:?}", got.check(&request));
    }

    #[track_caller]
    fn allowed(self) {
        self.gives(Decision::Allow);
    }

    #[track_caller]
    fn lacks(self, side: Side) {
        self.gives(Decision::Deny(Reason::NotAllowed(side)));
    }

    #[track_caller]
    fn denied_by(self, side: Side) {
        self.gives(Decision::Deny(Reason::ExplicitDeny(side)));
    }
}

/// A key policy that says nothing to anyone.
const SILENT: &str = r#"{"Statement":{"Effect":"Allow","Principal":"*"}}"#;

fn about(effect: &str, principal: &str) -> String {
    format!("{{'Effect':'{effect}','Principal':{{'AWS':'{principal}'}},'Action':'*','Resource':'*'}}")
}

fn identity_policy(effect: &str, action: &str, resource: &str) -> Arc<PolicyDocument> {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}}}"#
    );
    Arc::new(PolicyDocument::parse(PolicyKind::Identity, &text).expect("a policy"))
}

fn root() -> Subject<'static> {
    let account = "111111111111";
    Subject { kind: SubjectKind::Root, account, arn: ROOT, user_id: account, ..Subject::ANONYMOUS }
}

fn alice() -> Subject<'static> {
    Subject {
        kind: SubjectKind::User,
        account: "111111111111",
        arn: ALICE,
        user_id: "AIDAALICEALICEALICE1",
        user_name: Some("Alice"),
        ..Subject::ANONYMOUS
    }
}

fn session() -> Subject<'static> {
    Subject {
        kind: SubjectKind::RoleSession,
        account: "111111111111",
        arn: SESSION,
        role_arn: Some(ROLE),
        user_id: "AROAROLEROLEROLEROLE:s",
        ..Subject::ANONYMOUS
    }
}

/// A user of another account.
fn mallory() -> Subject<'static> {
    let user_name = Some("Mallory");
    Subject { account: "222222222222", arn: MALLORY, user_id: "AIDAMALLORYMALLORY01", user_name, ..alice() }
}

#[test]
fn keys_need_their_own_policy() {
    key_case(alice()).identity("Allow", "kms:*", "*").lacks(Side::Resource);
    key_case(root()).lacks(Side::Resource);
    key_case(alice()).lacks(Side::Resource);
    key_case(session()).identity("Allow", "*", "*").lacks(Side::Resource);
}

#[test]
fn an_account_statement_delegates_to_identity_policies() {
    for account in [ROOT, "111111111111"] {
        key_case(root()).names("Allow", account).allowed();
        key_case(alice()).names("Allow", account).lacks(Side::Identity);
        key_case(alice()).names("Allow", account).identity("Allow", "kms:Decrypt", KEY).allowed();
        key_case(alice())
            .names("Allow", account)
            .identity("Allow", "KMS:decrypt", "arn:aws:kms:*:key/*")
            .allowed();
        key_case(alice()).names("Allow", account).identity("Allow", "kms:Encrypt", "*").lacks(Side::Identity);
        key_case(alice())
            .names("Allow", account)
            .identity("Allow", "kms:Decrypt", "arn:*:key/other")
            .lacks(Side::Identity);
        key_case(session()).names("Allow", account).identity("Allow", "kms:*", "*").allowed();
        key_case(session()).names("Allow", account).lacks(Side::Identity);
    }
    key_case(alice()).names("Allow", "222222222222").identity("Allow", "*", "*").lacks(Side::Resource);
}

#[test]
fn naming_a_principal_is_enough_in_its_account() {
    key_case(alice()).names("Allow", ALICE).allowed();
    key_case(alice()).names("Allow", "*").allowed();
    key_case(alice()).names("Allow", "AIDAALICEALICEALICE1").allowed();
    key_case(session()).names("Allow", ROLE).allowed();
    key_case(session()).names("Allow", SESSION).allowed();
    key_case(session()).names("Allow", "AROAROLEROLEROLEROLE").allowed();
    key_case(root()).names("Allow", "*").allowed();
    key_case(alice()).names("Allow", "AIDASOMEONEELSE00001").lacks(Side::Resource);
    key_case(root()).names("Allow", ALICE).lacks(Side::Resource);
    key_case(session()).names("Allow", ALICE).lacks(Side::Resource);
}

#[test]
fn statements_without_action_or_resource_have_no_effect() {
    key_case(alice()).policy("{'Effect':'Allow','Principal':'*','Resource':'*'}").lacks(Side::Resource);
    key_case(alice()).policy("{'Effect':'Allow','Principal':'*','Action':'*'}").lacks(Side::Resource);
    key_case(alice()).policy("{'Effect':'Allow','Principal':'*','Action':'*','Resource':'*'}").allowed();
}

#[test]
fn explicit_deny_wins_wherever_it_is() {
    let yes = || key_case(alice()).identity("Allow", "*", "*").names("Allow", ALICE).granted();
    yes().allowed();
    yes().identity("Deny", "kms:Decrypt", "*").denied_by(Side::Identity);
    yes().identity("Deny", "kms:Encrypt", "*").allowed();
    yes().session("Allow", "*").session("Deny", "kms:*").denied_by(Side::Session);
    for whom in [ALICE, "*", ROOT, "111111111111", "AIDAALICEALICEALICE1"] {
        let both = format!("{},{}", about("Allow", ALICE), about("Deny", whom));
        yes().policy(&both).denied_by(Side::Resource);
    }
    let others = format!("{},{}", about("Allow", ALICE), about("Deny", MALLORY));
    yes().policy(&others).allowed();
    let root_too = format!("{},{}", about("Allow", ROOT), about("Deny", ROOT));
    key_case(root()).policy(&root_too).denied_by(Side::Resource);
}

#[test]
fn grants_are_the_resources_yes() {
    key_case(alice()).granted().allowed();
    key_case(session()).granted().allowed();
    key_case(session()).granted().session("Allow", "kms:Encrypt").lacks(Side::Session);
    key_case(mallory()).granted().lacks(Side::Identity);
    key_case(mallory()).granted().identity("Allow", "kms:Decrypt", "*").allowed();
    key_case(alice()).granted().names("Deny", ALICE).denied_by(Side::Resource);
    key_case(Subject::service("s3.amazonaws.com")).granted().allowed();
}

#[test]
fn other_accounts_need_both_sides() {
    for whom in ["222222222222", "arn:aws:iam::222222222222:root", MALLORY, "*"] {
        key_case(mallory()).names("Allow", whom).lacks(Side::Identity);
        key_case(mallory()).names("Allow", whom).identity("Allow", "kms:*", KEY).allowed();
    }
    key_case(mallory()).names("Allow", ALICE).identity("Allow", "kms:*", KEY).lacks(Side::Resource);
    key_case(mallory()).lacks(Side::Identity);
    let stranger = Subject { account: "222222222222", arn: "arn:aws:iam::222222222222:root", ..root() };
    key_case(stranger.clone()).names("Allow", "222222222222").allowed();
    key_case(stranger).names("Allow", ROOT).lacks(Side::Resource);
    topic_case(mallory()).identity("Allow", "*", "*").lacks(Side::Resource);
    topic_case(mallory()).identity("Allow", "*", "*").names("Allow", MALLORY).allowed();
}

#[test]
fn other_services_take_either_side_within_the_account() {
    topic_case(alice()).lacks(Side::Identity);
    topic_case(alice()).identity("Allow", "sns:Publish", "*").allowed();
    topic_case(alice()).names("Allow", ALICE).allowed();
    topic_case(alice()).names("Allow", ROOT).lacks(Side::Identity);
    topic_case(alice()).names("Allow", ROOT).identity("Allow", "sns:*", "*").allowed();
    topic_case(alice()).names("Allow", MALLORY).identity("Allow", "sns:*", "*").allowed();
    topic_case(root()).allowed();
    topic_case(root()).names("Deny", "*").denied_by(Side::Resource);
    topic_case(session()).names("Allow", ROLE).allowed();
}

#[test]
fn actions_without_resource_policy() {
    list_case(root()).allowed();
    list_case(alice()).lacks(Side::Identity);
    list_case(alice()).identity("Allow", "kms:List*", "*").allowed();
    list_case(alice()).identity("Allow", "kms:List*", KEY).lacks(Side::Identity);
    list_case(session()).identity("Allow", "*", "*").allowed();
    list_case(Subject::ANONYMOUS).lacks(Side::Resource);
}

#[test]
fn session_policies_intersect() {
    let delegated = || key_case(session()).names("Allow", ROOT).identity("Allow", "kms:*", "*");
    delegated().session("Allow", "kms:Decrypt").allowed();
    delegated().session("Allow", "kms:Encrypt").lacks(Side::Session);
    key_case(session()).names("Allow", ROOT).session("Allow", "*").lacks(Side::Identity);
    // A resource policy naming the role is limited by the session policy, one naming the session is not.
    key_case(session()).names("Allow", ROLE).session("Allow", "kms:Encrypt").lacks(Side::Session);
    key_case(session()).names("Allow", SESSION).session("Allow", "kms:Encrypt").allowed();
    list_case(session()).identity("Allow", "*", "*").session("Allow", "kms:ListKeys").allowed();
    list_case(session()).identity("Allow", "*", "*").session("Allow", "sns:*").lacks(Side::Session);
}

#[test]
fn services_and_strangers() {
    let events = || Subject::service("events.amazonaws.com");
    let names = |name: &str| {
        format!("{{'Effect':'Allow','Principal':{{'Service':'{name}'}},'Action':'*','Resource':'*'}}")
    };
    topic_case(events()).lacks(Side::Resource);
    topic_case(events()).policy(&names("events.amazonaws.com")).allowed();
    topic_case(events()).policy(&names("cloudwatch.amazonaws.com")).lacks(Side::Resource);
    topic_case(events()).names("Allow", "*").allowed();
    topic_case(events()).names("Allow", ROOT).lacks(Side::Resource);
    topic_case(Subject::ANONYMOUS).names("Allow", "*").allowed();
    topic_case(Subject::ANONYMOUS).names("Allow", ROOT).lacks(Side::Resource);
    topic_case(Subject::ANONYMOUS).lacks(Side::Resource);
    let confined =
        "{'Effect':'Allow','Principal':{'Service':'events.amazonaws.com'},'Action':'*','Resource':'*',
        'Condition':{'ArnEquals':{'aws:SourceArn':'arn:aws:events:us-east-1:111111111111:rule/r'}}}";
    let rule = |arn| topic_case(events()).policy(confined).key("aws:SourceArn", Values::one(arn));
    rule("arn:aws:events:us-east-1:111111111111:rule/r").allowed();
    rule("arn:aws:events:us-east-1:111111111111:rule/x").lacks(Side::Resource);
}

#[test]
fn not_principal() {
    let deny_all_but = |whom: &str| {
        format!(
            "{},{{'Effect':'Deny','NotPrincipal':{{'AWS':[{whom}]}},'Action':'*','Resource':'*'}}",
            about("Allow", "*")
        )
    };
    let whom = format!("'{ALICE}','{ROOT}'");
    key_case(alice()).policy(&deny_all_but(&whom)).allowed();
    key_case(session()).policy(&deny_all_but(&whom)).denied_by(Side::Resource);
    key_case(root()).policy(&deny_all_but(&whom)).allowed();
    // The user alone does not spare the user: its account is denied.
    key_case(alice()).policy(&deny_all_but(&format!("'{ALICE}'"))).denied_by(Side::Resource);
    key_case(alice()).policy(&deny_all_but(&format!("'{ROOT}'"))).denied_by(Side::Resource);
    let whom = format!("'{SESSION}','{ROLE}','{ROOT}'");
    key_case(session()).policy(&deny_all_but(&whom)).allowed();
    key_case(session()).policy(&deny_all_but(&format!("'{SESSION}','{ROOT}'"))).denied_by(Side::Resource);
    let allow_all_but =
        format!("{{'Effect':'Allow','NotPrincipal':{{'AWS':'{ALICE}'}},'Action':'*','Resource':'*'}}");
    key_case(alice()).policy(&allow_all_but).lacks(Side::Resource);
    key_case(session()).policy(&allow_all_but).allowed();
}

#[test]
fn not_action_and_not_resource() {
    let with = |members: &str| {
        let text = format!("{{'Statement':{{'Effect':'Allow',{members}}}}}").replace('\'', "\"");
        let document = PolicyDocument::parse(PolicyKind::Identity, &text).expect("a policy");
        Case { identity: vec![Arc::new(document)], ..topic_case(alice()) }
    };
    with("'NotAction':'kms:*','Resource':'*'").allowed();
    with("'NotAction':['kms:*','SNS:publish'],'Resource':'*'").lacks(Side::Identity);
    with("'Action':'*','NotResource':'arn:aws:sns:*:*:other'").allowed();
    with("'Action':'*','NotResource':'arn:aws:sns:*'").lacks(Side::Identity);
}

#[test]
fn conditions_of_kms() {
    let policy = |condition: &str| {
        format!(
            "{{'Effect':'Allow','Principal':'*','Action':'kms:*','Resource':'*','Condition':{condition}}}"
        )
    };
    let context = policy("{'StringEquals':{'kms:EncryptionContext:App':'billing'}}");
    let decrypt = || key_case(alice()).policy(&context);
    decrypt().key("kms:EncryptionContext:App", Values::one("billing")).allowed();
    decrypt().key("kms:EncryptionContext:App", Values::one("Billing")).lacks(Side::Resource);
    decrypt().key("kms:EncryptionContext:Other", Values::one("billing")).lacks(Side::Resource);
    decrypt().lacks(Side::Resource);

    let service = policy(
        "{'StringEquals':{'kms:ViaService':'s3.us-east-1.amazonaws.com','kms:CallerAccount':'111111111111'}}",
    );
    let via = |service_name| {
        key_case(alice())
            .policy(&service)
            .key("kms:ViaService", Values::one(service_name))
            .key("kms:CallerAccount", Values::one("111111111111"))
    };
    via("s3.us-east-1.amazonaws.com").allowed();
    via("ebs.us-east-1.amazonaws.com").lacks(Side::Resource);

    let keys = policy(
        "{'ForAllValues:StringEquals':{'kms:EncryptionContextKeys':['a','b']},'Null':{'kms:EncryptionContextKeys':'false'}}",
    );
    let given = |names: &'static [&'static str]| {
        key_case(alice()).policy(&keys).key("kms:EncryptionContextKeys", Values::many(names.iter().copied()))
    };
    given(&["a"]).allowed();
    given(&["a", "c"]).lacks(Side::Resource);
    given(&[]).lacks(Side::Resource);
}

#[test]
fn conditions_on_the_caller_and_its_way() {
    let with = |condition: &str| {
        topic_case(alice()).policy(&format!(
            "{{'Effect':'Allow','Principal':{{'AWS':'*'}},'Action':'*','Resource':'*','Condition':{condition}}}"
        ))
    };
    with("{'ArnLike':{'aws:PrincipalArn':'arn:aws:iam::*:user/Al*'}}").allowed();
    with("{'StringEquals':{'aws:username':'Bob'}}").lacks(Side::Identity);
    with("{'IpAddress':{'aws:SourceIp':'192.0.2.0/24'},'Bool':{'aws:SecureTransport':'true'}}").allowed();
    with("{'IpAddress':{'aws:SourceIp':'192.0.2.0/24'},'Bool':{'aws:SecureTransport':'false'}}")
        .lacks(Side::Identity);
    with("{'DateGreaterThan':{'aws:CurrentTime':'2026-11-22T09:00:00Z'}}").allowed();
    with("{'DateGreaterThan':{'aws:CurrentTime':'2026-11-22T11:00:00Z'}}").lacks(Side::Identity);
    with("{'NumericLessThan':{'aws:EpochTime':1795342300}}").allowed();
    with("{'BoolIfExists':{'aws:MultiFactorAuthPresent':'true'}}").allowed();
    with("{'Bool':{'aws:MultiFactorAuthPresent':'true'}}").lacks(Side::Identity);
    with("{'StringEquals':{'aws:RequestedRegion':['eu-west-1','us-east-1']}}").allowed();
}

#[test]
fn resources_with_variables() {
    let own = "arn:aws:sns:us-east-1:111111111111:${aws:username}";
    let topic = |resource| Case { resource, ..topic_case(alice()) };
    topic("arn:aws:sns:us-east-1:111111111111:Alice").identity("Allow", "*", own).allowed();
    topic("arn:aws:sns:us-east-1:111111111111:Bob").identity("Allow", "*", own).lacks(Side::Identity);
    let nobody = "arn:aws:sns:us-east-1:111111111111:${aws:PrincipalTag/none}";
    topic("arn:aws:sns:us-east-1:111111111111:").identity("Allow", "*", nobody).lacks(Side::Identity);
}

#[test]
fn texts_are_those_of_aws() {
    let environment = Environment {
        now: jiff::Timestamp::UNIX_EPOCH,
        region: "us-east-1",
        source_ip: None,
        user_agent: None,
        secure_transport: false,
        via_service: None,
    };
    let caller = alice();
    let request = Request {
        subject: &caller,
        action: "kms:Decrypt",
        resource: KEY,
        resource_account: "111111111111",
        environment: &environment,
        keys: &KeyList::default(),
    };
    let check = |reason: Reason, rest: &str| {
        let want =
            format!("User: {ALICE} is not authorized to perform: kms:Decrypt on resource: {KEY} {rest}");
        assert_eq!(Decision::Deny(reason).check(&request), Err(want));
    };
    let (lacks, denies) = (Reason::NotAllowed, Reason::ExplicitDeny);
    check(lacks(Side::Identity), "because no identity-based policy allows the kms:Decrypt action");
    check(lacks(Side::Resource), "because no resource-based policy allows the kms:Decrypt action");
    check(lacks(Side::Session), "because no session policy allows the kms:Decrypt action");
    check(lacks(Side::Boundary), "because no permissions boundary allows the kms:Decrypt action");
    check(denies(Side::Boundary), "with an explicit deny in a permissions boundary");
    check(denies(Side::Identity), "with an explicit deny in an identity-based policy");
    check(denies(Side::Resource), "with an explicit deny in a resource-based policy");
    check(denies(Side::Session), "with an explicit deny in a session policy");
    assert_eq!(Decision::Allow.check(&request), Ok(()));
}
