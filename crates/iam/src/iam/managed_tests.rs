//! Groups, managed policies, boundaries, passwords and simulations through IAM's dispatch, with a real store.

use std::cell::RefCell;
use std::sync::{Arc, mpsc};

use crate::harness::{World, allow, encoded, refusal, text};
use crate::slow::Pool;
use crate::{Caller, policy::NoKeys, policy::ResourceSide};

const ARN: &str = "arn:aws:iam::111111111111:policy/p/Keys";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Checks that the root user's request is refused with this code, status and text.
async fn check_refused(world: &World, request: &str, want: (&str, u16, &str)) {
    let got = refusal(world.send(&world.root().await, request).await);
    assert_eq!((got.0.as_str(), got.1, got.2.as_str()), want, "{request}");
}

/// Makes the managed policy [`ARN`] that allows these actions.
async fn policy(world: &World, actions: &str) {
    let document = allow(actions);
    world
        .ask(&format!("CreatePolicy&PolicyName=Keys&Path=%2Fp%2F&PolicyDocument={document}&Description=d"))
        .await;
}

/// The same user as its access key finds it now.
async fn again(world: &World, caller: &Arc<Caller>) -> Arc<Caller> {
    world.resolve(caller.access_key_id.as_deref().unwrap(), None).await.unwrap().caller.clone()
}

/// Whether the caller may, by what its own side says.
async fn may(world: &World, caller: &Arc<Caller>, action: &str) -> bool {
    let caller = again(world, caller).await;
    let call = world.call(&caller);
    let question = crate::Question {
        action,
        resource: "*",
        owner: &caller.account,
        side: ResourceSide::None,
        granted: false,
        keys: &NoKeys,
    };
    call.authorize(&question).is_ok()
}

#[tokio::test]
async fn a_group_gives_to_its_members() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let made = world.ask("CreateGroup&GroupName=Ops&Path=%2Fteam%2F").await;
    assert_eq!(text(&made, "Arn"), "arn:aws:iam::111111111111:group/team/Ops");
    assert!(text(&made, "GroupId").starts_with("AGPA"));
    check_refused(
        &world,
        "CreateGroup&GroupName=OPS",
        ("EntityAlreadyExists", 409, "Group with name OPS already exists."),
    )
    .await;
    world.ask("AddUserToGroup&GroupName=Ops&UserName=alice").await;
    world.ask("AddUserToGroup&GroupName=Ops&UserName=alice").await;
    assert!(!may(&world, &alice, "kms:ListKeys").await);
    world
        .ask(&format!("PutGroupPolicy&GroupName=Ops&PolicyName=in&PolicyDocument={}", allow("kms:List*")))
        .await;
    assert!(may(&world, &alice, "kms:ListKeys").await, "an inline policy of the group");
    policy(&world, "sns:*").await;
    world.ask(&format!("AttachGroupPolicy&GroupName=Ops&PolicyArn={ARN}")).await;
    assert!(may(&world, &alice, "sns:ListTopics").await, "an attached policy of the group");

    world.ask("UpdateGroup&GroupName=Ops&NewGroupName=Admins&NewPath=%2F").await;
    assert!(may(&world, &alice, "sns:ListTopics").await, "members follow a renamed group");
    let listed = world.ask("ListGroupsForUser&UserName=alice").await;
    assert_eq!(text(&listed, "Arn"), "arn:aws:iam::111111111111:group/Admins");
    let members = world.ask("GetGroup&GroupName=Admins").await;
    assert_eq!((text(&members, "GroupName"), text(&members, "UserName")), ("Admins", "alice"));
    let conflict = |text| ("DeleteConflict", 409, text);
    let remove = "Cannot delete entity, must remove users from group first.";
    check_refused(&world, "DeleteGroup&GroupName=Admins", conflict(remove)).await;
    world.ask("RemoveUserFromGroup&GroupName=Admins&UserName=alice").await;
    assert!(!may(&world, &alice, "kms:ListKeys").await);
    let detach = "Cannot delete entity, must detach all policies first.";
    check_refused(&world, "DeleteGroup&GroupName=Admins", conflict(detach)).await;
    world.ask(&format!("DetachGroupPolicy&GroupName=Admins&PolicyArn={ARN}")).await;
    let delete = "Cannot delete entity, must delete policies first.";
    check_refused(&world, "DeleteGroup&GroupName=Admins", conflict(delete)).await;
    world.ask("DeleteGroupPolicy&GroupName=Admins&PolicyName=in").await;
    world.ask("DeleteGroup&GroupName=Admins").await;
    let gone = ("NoSuchEntity", 404, "The group with name Admins cannot be found.");
    check_refused(&world, "GetGroup&GroupName=Admins", gone).await;
    assert!(!world.ask("ListGroups").await.contains("GroupName"));
}

#[tokio::test]
async fn the_default_version_counts() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    policy(&world, "kms:*").await;
    let shown = world.ask(&format!("GetPolicy&PolicyArn={ARN}")).await;
    assert_eq!(
        (text(&shown, "DefaultVersionId"), text(&shown, "AttachmentCount"), text(&shown, "Description")),
        ("v1", "0", "d")
    );
    world.ask(&format!("AttachUserPolicy&UserName=alice&PolicyArn={ARN}")).await;
    assert!(may(&world, &alice, "kms:ListKeys").await);
    let document = allow("sns:*");
    let second = world.ask(&format!("CreatePolicyVersion&PolicyArn={ARN}&PolicyDocument={document}")).await;
    assert_eq!((text(&second, "VersionId"), text(&second, "IsDefaultVersion")), ("v2", "false"));
    assert!(may(&world, &alice, "kms:ListKeys").await, "the default is still the first");
    world.ask(&format!("SetDefaultPolicyVersion&PolicyArn={ARN}&VersionId=v2")).await;
    assert!(!may(&world, &alice, "kms:ListKeys").await);
    assert!(may(&world, &alice, "sns:ListTopics").await);
    let version = world.ask(&format!("GetPolicyVersion&PolicyArn={ARN}&VersionId=v2")).await;
    assert_eq!(text(&version, "Document"), document);
    let default = ("DeleteConflict", 409, "Cannot delete the default version of a policy.");
    check_refused(&world, &format!("DeletePolicyVersion&PolicyArn={ARN}&VersionId=v2"), default).await;
    for _ in 0..3 {
        world
            .ask(&format!("CreatePolicyVersion&PolicyArn={ARN}&PolicyDocument={document}&SetAsDefault=true"))
            .await;
    }
    let listed = world.ask(&format!("ListPolicyVersions&PolicyArn={ARN}")).await;
    assert_eq!(
        (listed.matches("<VersionId>").count(), text(&listed, "VersionId")),
        (5, "v5"),
        "newest first"
    );
    let sixth = world
        .send(&world.root().await, &format!("CreatePolicyVersion&PolicyArn={ARN}&PolicyDocument={document}"))
        .await;
    assert_eq!(refusal(sixth).0, "LimitExceeded");
    let used = ("DeleteConflict", 409, "Cannot delete a policy attached to entities.");
    check_refused(&world, &format!("DeletePolicy&PolicyArn={ARN}"), used).await;
    world.ask(&format!("DetachUserPolicy&UserName=alice&PolicyArn={ARN}")).await;
    let versions = refusal(world.send(&world.root().await, &format!("DeletePolicy&PolicyArn={ARN}")).await);
    assert_eq!((versions.0.as_str(), versions.1), ("DeleteConflict", 409));
    for version in ["v1", "v2", "v3", "v4"] {
        world.ask(&format!("DeletePolicyVersion&PolicyArn={ARN}&VersionId={version}")).await;
    }
    world.ask(&format!("DeletePolicy&PolicyArn={ARN}")).await;
    let gone = format!("Policy {ARN} was not found.");
    check_refused(&world, &format!("DeletePolicy&PolicyArn={ARN}"), ("NoSuchEntity", 404, &gone)).await;
}

#[tokio::test]
async fn attachments_are_counted_and_listed() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    policy(&world, "kms:*").await;
    world.ask(&format!("AttachUserPolicy&UserName=alice&PolicyArn={ARN}")).await;
    world.ask(&format!("AttachUserPolicy&UserName=alice&PolicyArn={ARN}")).await;
    world.ask(&format!("AttachUserPolicy&UserName=alice&PolicyArn={ADMINISTRATOR}")).await;
    world.ask(&format!("PutUserPermissionsBoundary&UserName=alice&PermissionsBoundary={ARN}")).await;
    let counts = |shown: &str| {
        (text(shown, "AttachmentCount").to_owned(), text(shown, "PermissionsBoundaryUsageCount").to_owned())
    };
    let shown = world.ask(&format!("GetPolicy&PolicyArn={ARN}")).await;
    assert_eq!(counts(&shown), ("1".to_owned(), "1".to_owned()));
    let shown = world.ask(&format!("GetPolicy&PolicyArn={ADMINISTRATOR}")).await;
    assert_eq!(counts(&shown), ("1".to_owned(), "0".to_owned()));
    let attached = world.ask("ListAttachedUserPolicies&UserName=alice").await;
    assert_eq!(attached.matches("<PolicyArn>").count(), 2);
    let below = world.ask("ListAttachedUserPolicies&UserName=alice&PathPrefix=%2Fp%2F").await;
    assert_eq!((below.matches("<PolicyArn>").count(), text(&below, "PolicyName")), (1, "Keys"));
    let entities = world.ask(&format!("ListEntitiesForPolicy&PolicyArn={ARN}")).await;
    assert_eq!((text(&entities, "UserName"), entities.matches("<member>").count()), ("alice", 1));
    let only = world.ask("ListPolicies&Scope=Local&OnlyAttached=true").await;
    assert_eq!((only.matches("<Arn>").count(), text(&only, "Arn")), (1, ARN));
    let aws = world.ask("ListPolicies&Scope=AWS&OnlyAttached=true").await;
    assert_eq!((aws.matches("<Arn>").count(), text(&aws, "Arn")), (1, ADMINISTRATOR));
    assert!(may(&world, &alice, "kms:ListKeys").await);
    assert!(!may(&world, &alice, "sns:ListTopics").await, "outside the boundary");
    let user = world.ask("GetUser&UserName=alice").await;
    assert_eq!(
        (text(&user, "PermissionsBoundaryType"), text(&user, "PermissionsBoundaryArn")),
        ("Policy", ARN)
    );
    world.ask("DeleteUserPermissionsBoundary&UserName=alice").await;
    assert!(may(&world, &alice, "sns:ListTopics").await);
    let unknown = "arn:aws:iam::111111111111:policy/none";
    let none = format!("Policy {unknown} does not exist or is not attachable.");
    let request = format!("AttachUserPolicy&UserName=alice&PolicyArn={unknown}");
    check_refused(&world, &request, ("NoSuchEntity", 404, &none)).await;
    let linked =
        "arn:aws:iam::aws:policy/aws-service-role/AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy";
    let refused =
        world.send(&world.root().await, &format!("AttachUserPolicy&UserName=alice&PolicyArn={linked}")).await;
    assert_eq!(refusal(refused).0, "PolicyNotAttachable");
}

#[tokio::test]
async fn conditions_on_what_is_attached() {
    let world = World::new().await;
    let policy = encoded(&format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{{"ArnLike":{{"iam:PolicyARN":"{ADMINISTRATOR}"}}}}}}}}"#
    ));
    let eve = world.user("eve", "").await;
    world.ask(&format!("PutUserPolicy&UserName=eve&PolicyName=p&PolicyDocument={policy}")).await;
    let eve = again(&world, &eve).await;
    let attach = |arn: &str| format!("AttachUserPolicy&UserName=eve&PolicyArn={arn}");
    let read = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    assert_eq!(refusal(world.send(&eve, &attach(read)).await).1, 403);
    assert!(world.send(&eve, &attach(ADMINISTRATOR)).await.is_ok());
}

#[tokio::test]
async fn quotas_hold() {
    let world = World::new().await;
    world.user("alice", "").await;
    for n in 0..11 {
        world.ask(&format!("CreateGroup&GroupName=g{n}")).await;
        let request = format!("AddUserToGroup&GroupName=g{n}&UserName=alice");
        if n < 10 {
            world.ask(&request).await;
        } else {
            let full = ("LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10");
            check_refused(&world, &request, full).await;
        }
    }
    let summary = world.ask("GetAccountSummary").await;
    let count =
        |key: &str| text(summary.split_once(&format!("<key>{key}</key>")).unwrap().1, "value").to_owned();
    assert_eq!(
        (count("Users"), count("Groups"), count("GroupsQuota")),
        ("1".into(), "11".into(), "300".into())
    );
    let long =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"kms:{}","Resource":"*"}}}}"#, "a".repeat(6144));
    let request = format!("CreatePolicy&PolicyName=long&PolicyDocument={}", encoded(&long));
    let full = ("LimitExceeded", 409, "Cannot exceed quota for PolicySize: 6144");
    check_refused(&world, &request, full).await;
}

#[tokio::test]
async fn the_account_has_a_name() {
    let world = World::new().await;
    assert!(!world.ask("ListAccountAliases").await.contains("<member>"));
    world.ask("CreateAccountAlias&AccountAlias=example").await;
    world.ask("CreateAccountAlias&AccountAlias=another").await;
    assert_eq!(text(&world.ask("ListAccountAliases").await, "member"), "another");
    let none = ("NoSuchEntity", 404, "The account alias with name example cannot be found.");
    check_refused(&world, "DeleteAccountAlias&AccountAlias=example", none).await;
    world.ask("DeleteAccountAlias&AccountAlias=another").await;
    assert!(!world.ask("ListAccountAliases").await.contains("<member>"));
}

#[tokio::test]
async fn passwords_wait_for_a_turn_and_nothing_else_does() {
    let pool = Pool::new(1);
    let mut world = World::new().await;
    world.iam.digests = pool.clone();
    world.user("alice", "iam:ChangePassword").await;
    let ended = RefCell::new(Vec::new());
    let (release, released) = mpsc::channel::<()>();
    let slow = async {
        world.ask("CreateLoginProfile&UserName=alice&Password=Str0ng-enough").await;
        ended.borrow_mut().push("slow");
    };
    let quick = async {
        for _ in 0..5 {
            world.ask("ListUsers").await;
        }
        ended.borrow_mut().push("quick");
        drop(release);
    };
    let (turn, (), ()) = tokio::join!(pool.run(move || released.recv()), slow, quick);
    assert!(turn.unwrap().is_err(), "nobody sends");
    assert_eq!(*ended.borrow(), ["quick", "slow"]);
}

#[tokio::test]
async fn passwords_keep_the_rules() {
    let world = World::new().await;
    let alice = world.user("alice", "iam:ChangePassword").await;
    let create = |password: &str| format!("CreateLoginProfile&UserName=alice&Password={}", encoded(password));
    let weak = ("PasswordPolicyViolation", 400, "Password does not conform to the account password policy.");
    check_refused(&world, &create("weak"), weak).await;
    let answer = world.send(&world.root().await, &create("Str0ng-enough")).await.unwrap();
    assert!(!answer.notes.request_parameters.unwrap().contains("Str0ng"), "no password is in a record");
    let profile = world.ask("GetLoginProfile&UserName=alice").await;
    assert_eq!(text(&profile, "PasswordResetRequired"), "false");
    let conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete login profile first.");
    world.ask("UpdateAccountPasswordPolicy&MinimumPasswordLength=10&PasswordReusePrevention=2").await;
    let shown = world.ask("GetAccountPasswordPolicy").await;
    assert_eq!((text(&shown, "MinimumPasswordLength"), text(&shown, "ExpirePasswords")), ("10", "false"));
    let change = |old: &str, new: &str| {
        format!("ChangePassword&OldPassword={}&NewPassword={}", encoded(old), encoded(new))
    };
    let code = |answer| refusal(answer).0;
    assert_eq!(code(world.send(&alice, &change("wrong", "long enough")).await), "PasswordPolicyViolation");
    assert_eq!(
        code(world.send(&alice, &change("Str0ng-enough", "Str0ng-enough")).await),
        "PasswordPolicyViolation",
        "it may not come back"
    );
    world.send(&alice, &change("Str0ng-enough", "long enough")).await.unwrap();
    assert_eq!(
        code(world.send(&alice, &change("Str0ng-enough", "long and new")).await),
        "PasswordPolicyViolation"
    );
    assert_eq!(code(world.send(&world.root().await, &change("a", "b")).await), "InvalidUserType");
    world.ask("DeleteUserPolicy&UserName=alice&PolicyName=p").await;
    let id = alice.access_key_id.clone().unwrap();
    world.ask(&format!("DeleteAccessKey&UserName=alice&AccessKeyId={id}")).await;
    check_refused(&world, "DeleteUser&UserName=alice", conflict).await;
    world.ask("DeleteLoginProfile&UserName=alice").await;
    world.ask("DeleteUser&UserName=alice").await;
    world.ask("DeleteAccountPasswordPolicy").await;
    let none = "The Password Policy with domain name 111111111111 cannot be found.";
    check_refused(&world, "GetAccountPasswordPolicy", ("NoSuchEntity", 404, none)).await;
}

#[tokio::test]
async fn simulations_decide_as_the_evaluation() {
    let world = World::new().await;
    world.user("alice", "").await;
    let document = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {"StringEquals": {"aws:UserAgent": "bad"}}}]}"#;
    world.ask("CreateGroup&GroupName=g").await;
    world
        .ask(&format!("PutGroupPolicy&GroupName=g&PolicyName=in&PolicyDocument={}", encoded(document)))
        .await;
    world.ask("AddUserToGroup&GroupName=g&UserName=alice").await;
    let source = encoded("arn:aws:iam::111111111111:user/alice");
    let simulate = |more: &str| {
        format!(
            "SimulatePrincipalPolicy&PolicySourceArn={source}&ActionNames.member.1=s3:PutObject&ActionNames.member.2=s3:GetObject\
             &ResourceArns.member.1=arn:aws:s3:::bucket{more}"
        )
    };
    let answer = world.ask(&simulate("")).await;
    let decisions: Vec<&str> =
        answer.split("<EvalDecision>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(decisions, ["allowed", "implicitDeny"]);
    assert_eq!(text(&answer, "SourcePolicyId"), "group_g_in");
    assert!(answer.contains("<StartPosition><Line>1</Line><Column>41</Column></StartPosition>"), "{answer}");
    assert!(
        answer.contains("<MissingContextValues><member>aws:UserAgent</member></MissingContextValues>"),
        "{answer}"
    );
    let context = "&ContextEntries.member.1.ContextKeyName=aws:UserAgent&ContextEntries.member.1.ContextKeyValues.member.1=bad\
                   &ContextEntries.member.1.ContextKeyType=string";
    assert_eq!(text(&world.ask(&simulate(context)).await, "EvalDecision"), "explicitDeny");
    let first = world.ask(&simulate("&MaxItems=1")).await;
    assert_eq!((first.matches("<EvalDecision>").count(), text(&first, "IsTruncated")), (1, "true"));

    let custom = format!(
        "SimulateCustomPolicy&PolicyInputList.member.1={}&ActionNames.member.1=kms:Encrypt&PermissionsBoundaryPolicyInputList.member.1={}",
        allow("kms:*"),
        allow("sns:*")
    );
    let answer = world.ask(&custom).await;
    assert_eq!(
        (text(&answer, "EvalDecision"), text(&answer, "AllowedByPermissionsBoundary")),
        ("implicitDeny", "false")
    );
    let keys = world.ask(&format!("GetContextKeysForPrincipalPolicy&PolicySourceArn={source}")).await;
    assert_eq!(text(&keys, "member"), "aws:UserAgent");
    let malformed = refusal(
        world
            .send(
                &world.root().await,
                "SimulateCustomPolicy&PolicyInputList.member.1=x&ActionNames.member.1=kms:x",
            )
            .await,
    );
    assert_eq!((malformed.0.as_str(), malformed.1), ("InvalidInput", 400));
}

#[tokio::test]
async fn a_key_that_never_signed() {
    let world = World::new().await;
    let alice = world.user("alice", "").await;
    let id = alice.access_key_id.as_deref().unwrap();
    let answer = world.ask(&format!("GetAccessKeyLastUsed&AccessKeyId={id}")).await;
    assert_eq!(
        answer,
        "<UserName>alice</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"
    );
    let denied = "User: arn:aws:iam::111111111111:root is not authorized to perform: iam:GetAccessKeyLastUsed on resource: \
                  access key AKIA2345672345672345";
    let request = "GetAccessKeyLastUsed&AccessKeyId=AKIA2345672345672345";
    check_refused(&world, request, ("AccessDenied", 403, denied)).await;
}
