//! Laws of evaluation over any policies: a denial never allows more, and an allowance in an identity policy never allows less.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::policy::document::PolicyKind;
use crate::policy::request::{Environment, KeyList, Subject, SubjectKind, Values};

const ARNS: [&str; 4] = [
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::111111111111:user/Alice",
    "arn:aws:iam::222222222222:user/Mallory",
    "*",
];

fn any_of(choices: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop::sample::select(choices)
}

/// The members of a statement without effect and principal.
fn body() -> impl Strategy<Value = String> {
    let action = any_of(&["kms:Decrypt", "kms:*", "*", "sns:Publish", "kms:?ecrypt", "KMS:DE*"]);
    let resource = any_of(&["*", "arn:aws:kms:*:111111111111:key/k", "arn:aws:kms:*:key/other", "arn:*"]);
    let condition = any_of(&[
        "",
        r#","Condition":{"StringEquals":{"t:key":"a"}}"#,
        r#","Condition":{"StringNotEquals":{"t:key":"a"}}"#,
        r#","Condition":{"ForAllValues:StringLike":{"t:list":["a*","b"]}}"#,
        r#","Condition":{"ForAnyValue:StringNotEquals":{"t:list":"a"}}"#,
        r#","Condition":{"Null":{"t:key":"true"}}"#,
        r#","Condition":{"NumericLessThanIfExists":{"t:key":"7"},"Bool":{"aws:SecureTransport":"true"}}"#,
        r#","Condition":{"StringLike":{"t:key":"${aws:username, 'none'}*"}}"#,
    ]);
    let negated = (any::<bool>(), any::<bool>());
    (action, resource, condition, negated).prop_map(
        |(action, resource, condition, (no_action, no_resource))| {
            let (a, r) = (if no_action { "Not" } else { "" }, if no_resource { "Not" } else { "" });
            format!(r#""{a}Action":"{action}","{r}Resource":"{resource}"{condition}"#)
        },
    )
}

/// A statement of an identity policy.
fn own(effect: &'static str) -> impl Strategy<Value = String> {
    body().prop_map(move |body| format!(r#"{{"Effect":"{effect}",{body}}}"#))
}

/// A statement of a key's policy.
fn of_key(effect: &'static str) -> impl Strategy<Value = String> {
    (body(), any_of(&ARNS), any::<bool>()).prop_map(move |(body, arn, negated)| {
        let principal = if negated { "NotPrincipal" } else { "Principal" };
        format!(r#"{{"Effect":"{effect}","{principal}":{{"AWS":"{arn}"}},{body}}}"#)
    })
}

fn several(
    one: fn(&'static str) -> BoxedStrategy<String>,
    least: usize,
) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![one("Allow"), one("Deny")], least..4)
}

fn own_boxed(effect: &'static str) -> BoxedStrategy<String> {
    own(effect).boxed()
}

fn of_key_boxed(effect: &'static str) -> BoxedStrategy<String> {
    of_key(effect).boxed()
}

/// Statements of each kind of policy, and who asks with what.
#[derive(Clone, Debug)]
struct World {
    identity: Vec<String>,
    boundary: Option<Vec<String>>,
    session: Option<Vec<String>>,
    key: Vec<String>,
    required: bool,
    granted: bool,
    caller: usize,
    value: Option<&'static str>,
    list: Option<Vec<&'static str>>,
}

fn world() -> impl Strategy<Value = World> {
    let policies = (
        several(own_boxed, 0),
        prop::option::of(several(own_boxed, 1)),
        prop::option::of(several(own_boxed, 0)),
        several(of_key_boxed, 1),
    );
    let asked = (
        any::<bool>(),
        any::<bool>(),
        0..ARNS.len() - 1,
        prop::option::of(any_of(&["a", "b", "3", "Alice"])),
        prop::option::of(prop::collection::vec(any_of(&["a", "b", "c"]), 0..3)),
    );
    (policies, asked).prop_map(
        |((identity, boundary, session, key), (required, granted, caller, value, list))| World {
            identity,
            boundary,
            session,
            key,
            required,
            granted,
            caller,
            value,
            list,
        },
    )
}

fn document(kind: PolicyKind, statements: &[String]) -> PolicyDocument {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    PolicyDocument::parse(kind, &text).expect("the statements are in the grammar")
}

fn own_documents(statements: &[String]) -> Vec<Arc<PolicyDocument>> {
    statements.iter().map(|one| Arc::new(document(PolicyKind::Identity, std::slice::from_ref(one)))).collect()
}

impl World {
    fn is_allowed(&self) -> bool {
        let (kind, account) = match self.caller {
            0 => (SubjectKind::Root, "111111111111"),
            1 => (SubjectKind::User, "111111111111"),
            _ => (SubjectKind::User, "222222222222"),
        };
        let user_name = (kind == SubjectKind::User).then_some("Alice");
        let subject = Subject {
            kind,
            account,
            arn: ARNS[self.caller],
            user_id: "AIDA",
            user_name,
            ..Subject::ANONYMOUS
        };
        let environment = Environment {
            now: jiff::Timestamp::UNIX_EPOCH,
            region: "us-east-1",
            source_ip: None,
            user_agent: None,
            secure_transport: true,
            via_service: None,
        };
        let mut keys = KeyList::default();
        if let Some(value) = self.value {
            keys = keys.with("t:key", Values::one(value));
        }
        if let Some(list) = &self.list {
            keys = keys.with("t:list", Values::many(list.iter().copied()));
        }
        let request = Request {
            subject: &subject,
            action: "kms:Decrypt",
            resource: "arn:aws:kms:us-east-1:111111111111:key/k",
            resource_account: "111111111111",
            environment: &environment,
            keys: &keys,
        };
        let identity = own_documents(&self.identity);
        let boundary = self.boundary.as_ref().map(|statements| document(PolicyKind::Identity, statements));
        let session = self.session.as_ref().map(|statements| own_documents(statements));
        let key = document(PolicyKind::Key, &self.key);
        let resource =
            if self.required { ResourceSide::Required(&key) } else { ResourceSide::Optional(Some(&key)) };
        let policies = Policies {
            identity: &identity,
            boundary: boundary.as_ref(),
            session: session.as_deref(),
            resource,
            granted: self.granted,
        };
        evaluate(&request, &policies).is_allowed()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_denial_never_allows_more(world in world(), own in own("Deny"), of_key in of_key("Deny"), place in 0..4) {
        let mut denied = world.clone();
        match place {
            0 => denied.identity.push(own),
            1 => denied.boundary.get_or_insert_with(Vec::new).push(own),
            2 => denied.session.get_or_insert_with(Vec::new).push(own),
            _ => denied.key.push(of_key),
        }
        prop_assert!(world.is_allowed() || !denied.is_allowed(), "{world:?}\n{denied:?}");
    }

    #[test]
    fn an_allowance_never_allows_less(world in world(), own in own("Allow"), of_key in of_key("Allow"), at_key: bool) {
        let mut more = world.clone();
        if at_key { more.key.push(of_key) } else { more.identity.push(own) }
        prop_assert!(more.is_allowed() || !world.is_allowed(), "{world:?}\n{more:?}");
    }

    #[test]
    fn a_limit_never_allows_more(world in world(), own in own("Allow")) {
        let mut limited = world.clone();
        limited.boundary = Some(vec![own.clone()]);
        let unlimited = World { boundary: None, ..world.clone() };
        prop_assert!(unlimited.is_allowed() || !limited.is_allowed(), "{world:?}");
        let limited = World { session: Some(vec![own]), ..world.clone() };
        let unlimited = World { session: None, ..world.clone() };
        prop_assert!(unlimited.is_allowed() || !limited.is_allowed(), "{world:?}");
    }
}
