//! STS through its dispatch, with a real store, and what becomes of the credentials it hands out.

use jiff::SignedDuration;

use crate::credentials::CredentialError;
use crate::harness::{Answer, World, allow, encoded, refusal, text};
use crate::policy::{NoKeys, ResourceSide};
use crate::{Call, Caller, Notes, Origin, Question};
use keywatch_store::Transaction;
use std::sync::Arc;

const ROLE: &str = "arn:aws:iam::111111111111:role/p/R";

/// Makes the role with this principal and condition in its trust policy, allowed everything of KMS.
async fn role(world: &World, principal: &str, condition: &str) {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":["sts:AssumeRole","sts:TagSession"],"Condition":{condition}}}}}"#
    );
    let trust = encoded(&trust);
    world
        .ask(&format!(
            "CreateRole&RoleName=R&Path=%2Fp%2F&AssumeRolePolicyDocument={trust}&MaxSessionDuration=7200"
        ))
        .await;
    world
        .ask(&format!("PutRolePolicy&RoleName=R&PolicyName=p&PolicyDocument={}", allow("kms:* sts:*")))
        .await;
}

fn assume(rest: &str) -> String {
    format!("AssumeRole&RoleArn={ROLE}&RoleSessionName=s1{rest}")
}

/// The caller behind handed-out credentials.
async fn session(world: &World, answer: &Answer) -> Arc<Caller> {
    let (id, token) = (text(&answer.xml, "AccessKeyId"), text(&answer.xml, "SessionToken"));
    let found = world.resolve(id, Some(token)).await.expect("a session");
    assert_eq!(found.secret.expose(), text(&answer.xml, "SecretAccessKey"));
    found.caller.clone()
}

/// Whether the caller may do something of KMS that only identity policies decide.
fn may(world: &World, caller: &Arc<Caller>, action: &str) -> bool {
    let call = Call {
        now: world.now,
        region: "us-east-1".parse().unwrap(),
        caller: caller.clone(),
        origin: Origin {
            request_id: "r",
            event_id: "e",
            source_ip: None,
            user_agent: None,
            secure_transport: false,
            endpoint: "",
            via_service: None,
        },
        tx: Transaction::new(&world.store),
        notes: Notes::default(),
    };
    let (resource, owner, side) = ("*", &caller.account, ResourceSide::None);
    call.authorize(&Question { action, resource, owner, side, granted: false, keys: &NoKeys }).is_ok()
}

#[tokio::test]
async fn who_am_i() {
    let world = World::new().await;
    let root = world.ask("GetCallerIdentity").await;
    assert_eq!(
        root,
        "<UserId>111111111111</UserId><Account>111111111111</Account><Arn>arn:aws:iam::111111111111:root</Arn>"
    );
    let nobody = world.user("nobody", "").await;
    let answer = world.send(&nobody, "GetCallerIdentity").await.unwrap();
    assert_eq!(text(&answer.xml, "Arn"), "arn:aws:iam::111111111111:user/nobody");
    assert!(text(&answer.xml, "UserId").starts_with("AIDA"));
}

#[tokio::test]
async fn a_role_session() {
    let world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let alice = world.user("alice", "sts:AssumeRole").await;
    let answer = world.send(&alice, &assume("&DurationSeconds=7200")).await.unwrap();
    assert_eq!(text(&answer.xml, "Expiration"), "2026-11-22T12:00:00Z");
    assert!(!answer.xml.contains("PackedPolicySize"), "absent without policy and tags");
    let caller = session(&world, &answer).await;
    assert_eq!(caller.arn, "arn:aws:sts::111111111111:assumed-role/R/s1");
    assert_eq!(text(&answer.xml, "AssumedRoleId"), caller.user_id);
    assert_eq!(text(&answer.xml, "Arn"), caller.arn);
    assert!(may(&world, &caller, "kms:ListKeys"));
    assert!(!may(&world, &caller, "sns:ListTopics"));
    let whoami = world.send(&caller, "GetCallerIdentity").await.unwrap();
    assert_eq!(text(&whoami.xml, "Arn"), caller.arn);
    let refused = refusal(world.send(&caller, "GetSessionToken").await);
    assert_eq!(
        (refused.1, refused.2.as_str()),
        (403, "Cannot call GetSessionToken with session credentials")
    );
}

#[tokio::test]
async fn a_refusal_is_explained_to_whom_a_policy_allows_it() {
    let world = World::new().await;
    let alice = world.user("alice", "sts:GetSessionToken").await;
    let policy = encoded(
        r#"{"Version":"2012-10-17","Statement":{"Sid":"Hands0ff","Effect":"Deny","Action":"keywatch:*","Resource":"*"}}"#,
    );
    world.ask(&format!("PutUserPolicy&UserName=alice&PolicyName=q&PolicyDocument={policy}")).await;
    let alice = world.resolve(alice.access_key_id.as_deref().unwrap(), None).await.unwrap().caller.clone();
    let call = world.call(&alice);
    assert_eq!(world.iam.encode_denial(&call, "sts:GetSessionToken", "*"), None, "nothing was refused");
    let message = world.iam.encode_denial(&call, "keywatch:AdvanceClock", "*").unwrap();
    let decode = |message: &str| format!("DecodeAuthorizationMessage&EncodedMessage={message}");

    let decoded = world.ask(&decode(&message)).await.replace("&quot;", "\"");
    for part in [
        r#""allowed":false,"explicitDeny":true"#,
        r#""statementId":"Hands0ff","effect":"DENY","actions":{"items":[{"value":"keywatch:*"}]}"#,
        r#""name":"alice","arn":"arn:aws:iam::111111111111:user/alice"},"action":"keywatch:AdvanceClock""#,
        r#"{"key":"aws:RequestedRegion","values":{"items":[{"value":"us-east-1"}]}}"#,
    ] {
        assert!(decoded.contains(part), "{part} in {decoded}");
    }
    let unasked = refusal(world.send(&alice, &decode(&message)).await);
    assert_eq!((unasked.0.as_str(), unasked.1), ("AccessDenied", 403));
    for invalid in ["AAAA", "not%20base64", &message[2..]] {
        let refused = refusal(world.send(&world.root().await, &decode(invalid)).await);
        assert_eq!(
            (refused.0.as_str(), refused.1),
            ("InvalidAuthorizationMessageException", 400),
            "{invalid}"
        );
    }
}

#[tokio::test]
async fn secrets_are_in_no_record() {
    let world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let alice = world.user("alice", "sts:AssumeRole").await;
    for request in [assume(""), "GetSessionToken".to_owned()] {
        let answer = world.send(&alice, &request).await.unwrap();
        let recorded = answer.notes.response_elements.unwrap();
        assert!(recorded.contains(text(&answer.xml, "AccessKeyId")), "{recorded}");
        for secret in ["SecretAccessKey", "SessionToken"] {
            assert!(!recorded.contains(text(&answer.xml, secret)), "{recorded}");
        }
    }
}

#[tokio::test]
async fn both_sides_of_trust() {
    let world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let denied = |who: &str| {
        let text = format!(
            "User: arn:aws:iam::111111111111:user/{who} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
        );
        ("AccessDenied".to_owned(), 403, text)
    };
    let mallory = world.user("mallory", "").await;
    assert_eq!(refusal(world.send(&mallory, &assume("")).await), denied("mallory"));
    // A role that does not exist is refused in the same words.
    let missing = refusal(world.send(&mallory, &assume("").replace("role/p/R", "role/p/X")).await);
    assert_eq!(missing.2, denied("mallory").2.replace("role/p/R", "role/p/X"));
    let elsewhere = refusal(world.send(&mallory, &assume("").replace("role/p/R", "role/R")).await);
    assert_eq!(elsewhere.1, 403, "the path belongs to the name");
    let root = refusal(world.send(&world.root().await, &assume("")).await);
    assert_eq!((root.1, root.2.as_str()), (403, "Roles may not be assumed by root accounts."));
    let not_a_role =
        refusal(world.send(&mallory, "AssumeRole&RoleArn=nothing-valid-in-here&RoleSessionName=s1").await);
    assert_eq!(not_a_role, ("ValidationError".into(), 400, "nothing-valid-in-here is invalid".into()));

    let named = World::new().await;
    let bob = named.user("bob", "").await;
    role(&named, "arn:aws:iam::111111111111:user/bob", "{}").await;
    assert!(
        named.send(&bob, &assume("")).await.is_ok(),
        "a user named by the trust policy needs no policy of its own"
    );
}

#[tokio::test]
async fn the_external_id() {
    let world = World::new().await;
    role(&world, "111111111111", r#"{"StringEquals":{"sts:ExternalId":"unique"}}"#).await;
    let alice = world.user("alice", "sts:*").await;
    assert!(world.send(&alice, &assume("&ExternalId=unique")).await.is_ok());
    assert_eq!(refusal(world.send(&alice, &assume("&ExternalId=other")).await).1, 403);
    assert_eq!(refusal(world.send(&alice, &assume("")).await).1, 403);
}

#[tokio::test]
async fn session_policies_limit() {
    let world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let alice = world.user("alice", "sts:*").await;
    let answer = world.send(&alice, &assume(&format!("&Policy={}", allow("kms:List* sns:*")))).await.unwrap();
    assert_eq!(text(&answer.xml, "PackedPolicySize"), "2");
    let caller = session(&world, &answer).await;
    assert!(may(&world, &caller, "kms:ListKeys"));
    assert!(!may(&world, &caller, "kms:CreateKey"), "not in the session policy");
    assert!(!may(&world, &caller, "sns:ListTopics"), "not in the role's policy");

    let malformed = refusal(world.send(&alice, &assume("&Policy=%7B")).await);
    assert_eq!(
        malformed,
        ("MalformedPolicyDocument".into(), 400, "This policy contains invalid Json".into())
    );
    let large =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"kms:{}","Resource":"*"}}}}"#, "a".repeat(4096));
    let refused = refusal(world.send(&alice, &assume(&format!("&Policy={}", encoded(&large)))).await);
    assert_eq!((refused.0.as_str(), refused.1), ("PackedPolicyTooLarge", 400));
    let managed =
        refusal(world.send(&alice, &assume("&PolicyArns.member.1.arn=arn:aws:iam::aws:policy/X")).await);
    assert_eq!(managed.2, "Policy ARN arn:aws:iam::aws:policy/X does not exist or is not attachable.");
}

#[tokio::test]
async fn managed_session_policies_limit() {
    let world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let alice = world.user("alice", "sts:*").await;
    let read = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let answer = world.send(&alice, &assume(&format!("&PolicyArns.member.1.arn={read}"))).await.unwrap();
    assert!(answer.xml.contains("<PackedPolicySize>"));
    let caller = session(&world, &answer).await;
    assert!(may(&world, &caller, "kms:ListKeys"));
    assert!(!may(&world, &caller, "kms:CreateKey"));

    // A session policy of the account that is deleted takes the session with it.
    let own = "arn:aws:iam::111111111111:policy/own";
    world.ask(&format!("CreatePolicy&PolicyName=own&PolicyDocument={}", allow("kms:*"))).await;
    let answer = world.send(&alice, &assume(&format!("&PolicyArns.member.1.arn={own}"))).await.unwrap();
    session(&world, &answer).await;
    world.ask(&format!("DeletePolicy&PolicyArn={own}")).await;
    let (id, token) = (text(&answer.xml, "AccessKeyId"), text(&answer.xml, "SessionToken"));
    assert!(matches!(world.resolve(id, Some(token)).await, Err(CredentialError::Invalid)));
}

#[tokio::test]
async fn federated_users() {
    let world = World::new().await;
    let alice = world.user("alice", "kms:* sts:GetFederationToken sts:TagSession").await;
    let federate = |more: &str| format!("GetFederationToken&Name=bob{more}");
    let answer = world.send(&alice, &federate("")).await.unwrap();
    assert_eq!(text(&answer.xml, "FederatedUserId"), "111111111111:bob");
    let caller = session(&world, &answer).await;
    assert_eq!(caller.arn, "arn:aws:sts::111111111111:federated-user/bob");
    assert!(!may(&world, &caller, "kms:ListKeys"), "without session policies nothing is allowed");
    let answer = world
        .send(
            &alice,
            &federate(&format!(
                "&Policy={}&Tags.member.1.Key=team&Tags.member.1.Value=blue",
                allow("kms:List* sns:*")
            )),
        )
        .await
        .unwrap();
    let caller = session(&world, &answer).await;
    assert!(may(&world, &caller, "kms:ListKeys"));
    assert!(!may(&world, &caller, "kms:CreateKey"), "not in the session policy");
    assert!(!may(&world, &caller, "sns:ListTopics"), "not in the user's policies");
    assert_eq!(caller.tags, [("team".to_owned(), "blue".to_owned())]);
    assert_eq!(refusal(world.send(&caller, &federate("")).await).1, 403);
    assert_eq!(refusal(world.send(&caller, "ListUsers").await).0, "InvalidClientTokenId");

    let nobody = world.user("nobody", "").await;
    let denied = refusal(world.send(&nobody, &federate("")).await);
    assert!(
        denied.2.contains("sts:GetFederationToken on resource: arn:aws:sts::111111111111:federated-user/bob")
    );
    let root = world.root().await;
    let answer = world.send(&root, &federate(&format!("&Policy={}", allow("kms:*")))).await.unwrap();
    let caller = session(&world, &answer).await;
    assert!(may(&world, &caller, "kms:ListKeys") && !may(&world, &caller, "sns:ListTopics"));
}

#[tokio::test]
async fn a_revoked_session_ends() {
    let world = World::new().await;
    let alice = world.user("alice", "kms:*").await;
    let answer = world.send(&alice, "GetSessionToken").await.unwrap();
    let other = world.send(&alice, "GetSessionToken").await.unwrap();
    session(&world, &answer).await;
    let mut tx = Transaction::new(&world.store);
    crate::revocation::revoke_session(&mut tx, text(&answer.xml, "AccessKeyId"), world.now).await.unwrap();
    tx.commit().await.unwrap();
    let (id, token) = (text(&answer.xml, "AccessKeyId"), text(&answer.xml, "SessionToken"));
    assert!(matches!(world.resolve(id, Some(token)).await, Err(CredentialError::Invalid)));
    session(&world, &other).await;
}

#[tokio::test]
async fn accounts_of_access_keys() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let info = format!("GetAccessKeyInfo&AccessKeyId={}", alice.access_key_id.as_deref().unwrap());
    assert_eq!(text(&world.ask(&info).await, "Account"), "111111111111");
    assert_eq!(refusal(world.send(&alice, &info).await).1, 403);
    let unknown = world.send(&world.root().await, "GetAccessKeyInfo&AccessKeyId=AKIA2345672345672345").await;
    assert_eq!(refusal(unknown).0, "ValidationError");
}

#[tokio::test]
async fn durations() {
    let world = World::new().await;
    role(&world, "*", "{}").await;
    let alice = world.user("alice", "sts:*").await;
    let long = refusal(world.send(&alice, &assume("&DurationSeconds=7201")).await);
    assert_eq!(long.2, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    let caller = session(&world, &world.send(&alice, &assume("")).await.unwrap()).await;
    let chained = refusal(world.send(&caller, &assume("&DurationSeconds=3601")).await);
    assert_eq!(
        chained.2,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    );
    assert!(world.send(&caller, &assume("&DurationSeconds=3600")).await.is_ok());
}

/// The cases of `test_assume_role_tag_validation`, recorded on AWS.
#[tokio::test]
async fn tags_as_recorded() {
    let world = World::new().await;
    role(&world, "111111111111", r#"{"StringEqualsIfExists":{"aws:RequestTag/team":"blue"}}"#).await;
    let alice = world.user("alice", "sts:*").await;
    let tag =
        |index: usize, key: &str| format!("&Tags.member.{index}.Key={key}&Tags.member.{index}.Value=blue");
    let invalid = |text: &str| ("InvalidParameterValue".to_owned(), 400, text.to_owned());
    let transitive = assume(&format!("{}&TransitiveTagKeys.member.1=other", tag(1, "team")));
    assert_eq!(
        refusal(world.send(&alice, &transitive).await),
        invalid("The specified transitive tag key must be included in the requested tags.")
    );
    let twice = assume(&format!("{}{}", tag(1, "team"), tag(2, "TEAM")));
    assert_eq!(
        refusal(world.send(&alice, &twice).await),
        invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    );
    let answer = world.send(&alice, &assume(&tag(1, "team"))).await.unwrap();
    assert_eq!(session(&world, &answer).await.tags, [("team".to_owned(), "blue".to_owned())]);
    let red = assume(&tag(1, "team").replace("blue", "red"));
    assert_eq!(refusal(world.send(&alice, &red).await).1, 403);
}

#[tokio::test]
async fn transitive_tags_go_on() {
    let world = World::new().await;
    role(&world, "*", "{}").await;
    let alice = world.user("alice", "sts:*").await;
    let tag =
        |index: usize, key: &str| format!("&Tags.member.{index}.Key={key}&Tags.member.{index}.Value=v-{key}");
    let tags = format!("{}{}&TransitiveTagKeys.member.1=TEAM", tag(1, "team"), tag(2, "own"));
    let first = session(&world, &world.send(&alice, &assume(&tags)).await.unwrap()).await;
    assert_eq!(first.tags.len(), 2);
    let second = session(&world, &world.send(&first, &assume(&tag(1, "more"))).await.unwrap()).await;
    let pair = |key: &str| (key.to_owned(), format!("v-{key}"));
    assert_eq!(second.tags, [pair("team"), pair("more")]);
    let third = session(&world, &world.send(&second, &assume("")).await.unwrap()).await;
    assert_eq!(third.tags, [pair("team")]);
    let again = refusal(world.send(&second, &assume(&tag(1, "Team"))).await);
    assert_eq!((again.0.as_str(), again.1), ("InvalidParameterValue", 400));
}

#[tokio::test]
async fn a_source_identity_stays() {
    let world = World::new().await;
    let trust = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}}"#;
    world
        .ask(&format!("CreateRole&RoleName=R&Path=%2Fp%2F&AssumeRolePolicyDocument={}", encoded(trust)))
        .await;
    let alice = world.user("alice", "sts:*").await;
    let answer = world.send(&alice, &assume("&SourceIdentity=me")).await.unwrap();
    assert_eq!(text(&answer.xml, "SourceIdentity"), "me");
    let caller = session(&world, &answer).await;
    assert_eq!(caller.source_identity.as_deref(), Some("me"));
    let chained = world.send(&caller, &assume("")).await.unwrap();
    assert_eq!(text(&chained.xml, "SourceIdentity"), "me");
    assert_eq!(refusal(world.send(&caller, &assume("&SourceIdentity=you")).await).1, 403);
}

#[tokio::test]
async fn session_tokens_of_users_and_of_root() {
    let world = World::new().await;
    let alice = world.user("alice", "kms:* iam:*").await;
    let answer = world.send(&alice, "GetSessionToken").await.unwrap();
    assert_eq!(text(&answer.xml, "Expiration"), "2026-11-22T22:00:00Z");
    let caller = session(&world, &answer).await;
    assert_eq!((caller.arn.as_str(), &caller.user_id), (alice.arn.as_str(), &alice.user_id));
    assert!(may(&world, &caller, "kms:ListKeys"), "the same permissions");
    let iam = refusal(world.send(&caller, "ListUsers").await);
    assert_eq!((iam.0.as_str(), iam.1), ("InvalidClientTokenId", 403), "but IAM does not take them");
    assert_eq!(refusal(world.send(&caller, "GetSessionToken").await).1, 403);

    let root = world.root().await;
    let answer = world.send(&root, "GetSessionToken&DurationSeconds=7200").await.unwrap();
    assert_eq!(text(&answer.xml, "Expiration"), "2026-11-22T11:00:00Z", "an hour at most");
    assert!(session(&world, &answer).await.is_root());
}

#[tokio::test]
async fn sessions_end() {
    let mut world = World::new().await;
    role(&world, "111111111111", "{}").await;
    let alice = world.user("alice", "sts:*").await;
    let answer = world.send(&alice, &assume("")).await.unwrap();
    let (id, token) =
        (text(&answer.xml, "AccessKeyId").to_owned(), text(&answer.xml, "SessionToken").to_owned());
    assert!(matches!(world.resolve(&id, None).await, Err(CredentialError::Invalid)), "the token is missing");
    assert!(matches!(world.resolve("ASIAOTHER", Some(&token)).await, Err(CredentialError::Invalid)));
    assert!(world.resolve(&id, Some(&token)).await.is_ok());
    assert!(
        matches!(world.resolve(&id, Some("x")).await, Err(CredentialError::Invalid)),
        "cached, and another token"
    );

    let start = world.now;
    world.now = start + SignedDuration::from_secs(3599);
    assert!(world.resolve(&id, Some(&token)).await.is_ok());
    world.now = start + SignedDuration::from_secs(3600);
    assert!(matches!(world.resolve(&id, Some(&token)).await, Err(CredentialError::Expired)));
    world.now = start;

    // A changed role policy counts at once, a deleted role ends its sessions, a namesake does not revive them.
    world.ask("DeleteRolePolicy&RoleName=R&PolicyName=p").await;
    let caller = world.resolve(&id, Some(&token)).await.unwrap().caller.clone();
    assert!(!may(&world, &caller, "kms:ListKeys"));
    world.ask("DeleteRole&RoleName=R").await;
    assert!(matches!(world.resolve(&id, Some(&token)).await, Err(CredentialError::Invalid)));
    role(&world, "111111111111", "{}").await;
    assert!(matches!(world.resolve(&id, Some(&token)).await, Err(CredentialError::Invalid)));
}
