//! IAM through its dispatch, with a real store.

use crate::harness::{ACCOUNT, World, allow, encoded, refusal, text};

const TRUST: &str =
    r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}"#;

/// Checks that the root user's request is refused with this code, status and text.
async fn check_refused(world: &World, request: &str, want: (&str, u16, &str)) {
    let got = refusal(world.send(&world.root().await, request).await);
    assert_eq!((got.0.as_str(), got.1, got.2.as_str()), want, "{request}");
}

#[tokio::test]
async fn the_life_of_a_user() {
    let world = World::new().await;
    let made = world
        .ask("CreateUser&UserName=Alice&Path=%2Fteam%2F&Tags.member.1.Key=a&Tags.member.1.Value=b")
        .await;
    let id = text(&made, "UserId").to_owned();
    assert!(id.starts_with("AIDA") && id.len() == 20, "{id}");
    let shown = format!(
        "<User><Path>/team/</Path><UserName>Alice</UserName><UserId>{id}</UserId><Arn>arn:aws:iam::{ACCOUNT}:user/team/Alice</Arn>\
         <CreateDate>2026-11-22T10:00:00Z</CreateDate><Tags><member><Key>a</Key><Value>b</Value></member></Tags></User>"
    );
    assert_eq!(made, shown);
    assert_eq!(world.ask("GetUser&UserName=Alice").await, shown);
    let exists = ("EntityAlreadyExists", 409, "User with name ALICE already exists.");
    check_refused(&world, "CreateUser&UserName=ALICE", exists).await;
    check_refused(
        &world,
        "GetUser&UserName=alice",
        ("NoSuchEntity", 404, "The user with name alice cannot be found."),
    )
    .await;

    world.ask("UpdateUser&UserName=Alice&NewUserName=Bob&NewPath=%2F").await;
    let renamed = world.ask("GetUser&UserName=Bob").await;
    assert_eq!(
        (text(&renamed, "UserId"), text(&renamed, "Arn")),
        (id.as_str(), "arn:aws:iam::111111111111:user/Bob")
    );
    check_refused(
        &world,
        "GetUser&UserName=Alice",
        ("NoSuchEntity", 404, "The user with name Alice cannot be found."),
    )
    .await;
    world.ask("DeleteUser&UserName=Bob").await;
    check_refused(
        &world,
        "DeleteUser&UserName=Bob",
        ("NoSuchEntity", 404, "The user with name Bob cannot be found."),
    )
    .await;
}

#[tokio::test]
async fn get_user_without_a_name_is_the_caller() {
    let world = World::new().await;
    let root = world.ask("GetUser").await;
    assert_eq!((text(&root, "UserId"), text(&root, "Arn")), (ACCOUNT, "arn:aws:iam::111111111111:root"));
    assert!(!root.contains("UserName"));
    let carol = world.user("Carol", "iam:GetUser").await;
    assert_eq!(text(&world.send(&carol, "GetUser").await.unwrap().xml, "UserName"), "Carol");
}

#[tokio::test]
async fn lists_are_paged() {
    let world = World::new().await;
    for name in ["c", "a", "B"] {
        world.ask(&format!("CreateUser&UserName={name}&Path=%2Fx%2F")).await;
    }
    world.ask("CreateUser&UserName=other").await;
    let names = |xml: &str| -> Vec<String> {
        xml.split("<UserName>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    };
    let first = world.ask("ListUsers&PathPrefix=%2Fx&MaxItems=2").await;
    assert_eq!((names(&first), text(&first, "IsTruncated")), (vec!["a".to_owned(), "B".to_owned()], "true"));
    let marker = text(&first, "Marker");
    let second = world.ask(&format!("ListUsers&PathPrefix=%2Fx&MaxItems=2&Marker={marker}")).await;
    assert_eq!((names(&second), text(&second, "IsTruncated")), (vec!["c".to_owned()], "false"));
    assert!(!second.contains("Marker"));
    assert_eq!(names(&world.ask("ListUsers").await).len(), 4);
    let misplaced = format!("ListUsers&Marker={marker}");
    check_refused(&world, &misplaced, ("ValidationError", 400, "Invalid Marker.")).await;
}

#[tokio::test]
async fn access_keys_sign_while_they_are_active() {
    let world = World::new().await;
    world.ask("CreateUser&UserName=u").await;
    let made = world.ask("CreateAccessKey&UserName=u").await;
    let (id, secret) = (text(&made, "AccessKeyId"), text(&made, "SecretAccessKey"));
    assert!(id.starts_with("AKIA") && secret.len() == 40, "{made}");
    let found = world.resolve(id, None).await.unwrap();
    assert_eq!(
        (found.secret.expose(), found.caller.arn.as_str()),
        (secret, "arn:aws:iam::111111111111:user/u")
    );

    world.ask(&format!("UpdateAccessKey&UserName=u&AccessKeyId={id}&Status=Inactive")).await;
    assert!(world.resolve(id, None).await.is_err(), "an inactive key signs nothing");
    world.ask(&format!("UpdateAccessKey&UserName=u&AccessKeyId={id}&Status=Active")).await;
    assert!(world.resolve(id, None).await.is_ok());
    assert!(world.resolve(id, Some("token")).await.is_err(), "a long-term key has no token");

    world.ask("CreateAccessKey&UserName=u").await;
    let limit = ("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2");
    check_refused(&world, "CreateAccessKey&UserName=u", limit).await;
    let listed = world.ask("ListAccessKeys&UserName=u").await;
    assert_eq!(listed.matches("<AccessKeyId>").count(), 2);
    assert!(!listed.contains("Secret") && !listed.contains(secret));

    let conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete access keys first.");
    check_refused(&world, "DeleteUser&UserName=u", conflict).await;
    world.ask(&format!("DeleteAccessKey&UserName=u&AccessKeyId={id}")).await;
    assert!(world.resolve(id, None).await.is_err(), "a deleted key signs nothing");
    let gone = format!("The Access Key with id {id} cannot be found.");
    let request = format!("DeleteAccessKey&UserName=u&AccessKeyId={id}");
    check_refused(&world, &request, ("NoSuchEntity", 404, &gone)).await;
}

#[tokio::test]
async fn a_secret_is_in_no_record() {
    let world = World::new().await;
    world.ask("CreateUser&UserName=u").await;
    let answer = world.send(&world.root().await, "CreateAccessKey&UserName=u").await.unwrap();
    let recorded = answer.notes.response_elements.unwrap();
    assert!(recorded.contains(text(&answer.xml, "AccessKeyId")));
    assert!(!recorded.contains(text(&answer.xml, "SecretAccessKey")), "{recorded}");
}

#[tokio::test]
async fn keys_follow_a_renamed_user_and_not_its_namesake() {
    let world = World::new().await;
    world.ask("CreateUser&UserName=old").await;
    let made = world.ask("CreateAccessKey&UserName=old").await;
    world.ask("UpdateUser&UserName=old&NewUserName=new").await;
    let found = world.resolve(text(&made, "AccessKeyId"), None).await.unwrap();
    assert_eq!(found.caller.arn, "arn:aws:iam::111111111111:user/new");
    world.ask("CreateUser&UserName=old").await;
    assert!(!world.ask("ListAccessKeys&UserName=old").await.contains("<AccessKeyId>"));
}

#[tokio::test]
async fn inline_policies_of_users() {
    let world = World::new().await;
    let dave = world.user("Dave", "").await;
    let denied = "User: arn:aws:iam::111111111111:user/Dave is not authorized to perform: iam:ListUsers on resource: \
                  arn:aws:iam::111111111111:user/ because no identity-based policy allows the iam:ListUsers action";
    let got = refusal(world.send(&dave, "ListUsers").await);
    assert_eq!(got, ("AccessDenied".into(), 403, denied.into()));

    let policy = allow("iam:List*");
    world.ask(&format!("PutUserPolicy&UserName=Dave&PolicyName=q&PolicyDocument={policy}")).await;
    let key = dave.access_key_id.clone().unwrap();
    let dave = world.resolve(&key, None).await.unwrap().caller.clone();
    assert!(world.send(&dave, "ListUsers").await.is_ok(), "the new policy counts at once");

    let got = world.ask("GetUserPolicy&UserName=Dave&PolicyName=q").await;
    assert_eq!(text(&got, "PolicyDocument"), policy, "documents are percent-encoded");
    assert_eq!(text(&world.ask("ListUserPolicies&UserName=Dave").await, "PolicyNames"), "<member>q</member>");
    let conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete access keys first.");
    check_refused(&world, "DeleteUser&UserName=Dave", conflict).await;
    world.ask(&format!("DeleteAccessKey&UserName=Dave&AccessKeyId={key}")).await;
    let conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete policies first.");
    check_refused(&world, "DeleteUser&UserName=Dave", conflict).await;
    world.ask("DeleteUserPolicy&UserName=Dave&PolicyName=q").await;
    let none = ("NoSuchEntity", 404, "The user policy with name q cannot be found.");
    check_refused(&world, "DeleteUserPolicy&UserName=Dave&PolicyName=q", none).await;
    check_refused(&world, "GetUserPolicy&UserName=Dave&PolicyName=q", none).await;
}

#[tokio::test]
async fn policies_that_are_none_or_too_large() {
    let world = World::new().await;
    world.ask("CreateUser&UserName=u").await;
    let put = |text: &str| format!("PutUserPolicy&UserName=u&PolicyName=p&PolicyDocument={}", encoded(text));
    let malformed = ("MalformedPolicyDocument", 400, "This policy contains invalid Json");
    check_refused(&world, &put("{"), malformed).await;
    let long =
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"kms:{}","Resource":"*"}}}}"#, "a".repeat(2048));
    let limit = ("LimitExceeded", 409, "Maximum policy size of 2048 bytes exceeded for user u");
    check_refused(&world, &put(&long), limit).await;
    let role = format!("CreateRole&RoleName=r&AssumeRolePolicyDocument={}", encoded("{}"));
    check_refused(&world, &role, ("MalformedPolicyDocument", 400, "Syntax errors in policy.")).await;
    let nobody = TRUST.replace("111111111111", "arn:aws:iam::111111111111:user/nobody");
    let role = format!("CreateRole&RoleName=r&AssumeRolePolicyDocument={}", encoded(&nobody));
    let text = "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:user/nobody\"";
    check_refused(&world, &role, ("MalformedPolicyDocument", 400, text)).await;
}

#[tokio::test]
async fn the_life_of_a_role() {
    let world = World::new().await;
    let trust = encoded(TRUST);
    let create = format!(
        "CreateRole&RoleName=R&Path=%2Fp%2F&AssumeRolePolicyDocument={trust}&Description=d&MaxSessionDuration=7200"
    );
    let made = world.ask(&create).await;
    assert!(text(&made, "RoleId").starts_with("AROA"));
    assert!(!made.contains("MaxSessionDuration"), "as recorded");
    let got = world.ask("GetRole&RoleName=R").await;
    assert_eq!(text(&got, "Arn"), "arn:aws:iam::111111111111:role/p/R");
    assert_eq!(
        (text(&got, "AssumeRolePolicyDocument"), text(&got, "MaxSessionDuration")),
        (trust.as_str(), "7200")
    );
    check_refused(&world, &create, ("EntityAlreadyExists", 409, "Role with name R already exists.")).await;

    world.ask("UpdateRole&RoleName=R&MaxSessionDuration=3600").await;
    world.ask("UpdateRoleDescription&RoleName=R&Description=new").await;
    let got = world.ask("GetRole&RoleName=R").await;
    assert_eq!((text(&got, "Description"), text(&got, "MaxSessionDuration")), ("new", "3600"));
    let other = encoded(&TRUST.replace("Allow", "Deny"));
    world.ask(&format!("UpdateAssumeRolePolicy&RoleName=R&PolicyDocument={other}")).await;
    assert_eq!(text(&world.ask("GetRole&RoleName=R").await, "AssumeRolePolicyDocument"), other);

    world.ask(&format!("PutRolePolicy&RoleName=R&PolicyName=p&PolicyDocument={}", allow("kms:*"))).await;
    assert_eq!(text(&world.ask("ListRolePolicies&RoleName=R").await, "PolicyNames"), "<member>p</member>");
    assert_eq!(
        text(&world.ask("GetRolePolicy&RoleName=R&PolicyName=p").await, "PolicyDocument"),
        allow("kms:*")
    );
    let conflict = ("DeleteConflict", 409, "Cannot delete entity, must delete policies first.");
    check_refused(&world, "DeleteRole&RoleName=R", conflict).await;
    world.ask("DeleteRolePolicy&RoleName=R&PolicyName=p").await;
    assert!(world.ask("ListRoles&PathPrefix=%2Fp").await.contains("<RoleName>R</RoleName>"));
    world.ask("DeleteRole&RoleName=R").await;
    check_refused(
        &world,
        "GetRole&RoleName=R",
        ("NoSuchEntity", 404, "The role with name R cannot be found."),
    )
    .await;
}

#[tokio::test]
async fn tags() {
    let world = World::new().await;
    world.ask("CreateUser&UserName=u").await;
    world.ask(&format!("CreateRole&RoleName=u&AssumeRolePolicyDocument={}", encoded(TRUST))).await;
    for who in ["User", "Role"] {
        let tag = |key: &str| format!("Tag{who}&{who}Name=u&Tags.member.1.Key={key}&Tags.member.1.Value=v");
        world.ask(&tag("a")).await;
        world.ask(&tag("b")).await;
        world.ask(&tag("A")).await;
        let first = world.ask(&format!("List{who}Tags&{who}Name=u&MaxItems=1")).await;
        assert_eq!((text(&first, "Key"), text(&first, "IsTruncated")), ("A", "true"));
        let marker = text(&first, "Marker");
        let second = world.ask(&format!("List{who}Tags&{who}Name=u&Marker={marker}")).await;
        assert_eq!((text(&second, "Key"), second.matches("<Key>").count()), ("b", 1));
        world.ask(&format!("Untag{who}&{who}Name=u&TagKeys.member.1=B")).await;
        assert_eq!(world.ask(&format!("List{who}Tags&{who}Name=u")).await.matches("<Key>").count(), 1);
        let reserved = ("InvalidInput", 400, "System tags cannot be added by the requester.");
        check_refused(&world, &tag("aws%3Ax"), reserved).await;
    }
}

#[tokio::test]
async fn conditions_on_tags_and_own_resources() {
    let world = World::new().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"iam:CreateUser","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/team":"blue"}}},
        {"Effect":"Allow","Action":"iam:TagUser","Resource":"*"},
        {"Effect":"Allow","Action":"iam:DeleteUser","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/team":"blue"}}},
        {"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::*:user/${aws:username}"}]}"#;
    let eve = world.user("eve", "").await;
    world.ask(&format!("PutUserPolicy&UserName=eve&PolicyName=p&PolicyDocument={}", encoded(policy))).await;
    let eve = world.resolve(eve.access_key_id.as_deref().unwrap(), None).await.unwrap().caller.clone();
    let create = |name: &str, team: &str| {
        format!("CreateUser&UserName={name}&Tags.member.1.Key=team&Tags.member.1.Value={team}")
    };
    assert!(world.send(&eve, &create("x", "blue")).await.is_ok());
    assert_eq!(refusal(world.send(&eve, &create("y", "red")).await).1, 403);
    assert_eq!(refusal(world.send(&eve, "CreateUser&UserName=z").await).1, 403);
    world.ask(&create("r", "red")).await;
    assert_eq!(refusal(world.send(&eve, "DeleteUser&UserName=r").await).1, 403);
    assert!(world.send(&eve, "DeleteUser&UserName=x").await.is_ok());
    assert!(world.send(&eve, "ListAccessKeys").await.is_ok());
    assert_eq!(refusal(world.send(&eve, "ListAccessKeys&UserName=r").await).1, 403);
}

#[tokio::test]
async fn strangers_are_refused_by_every_operation() {
    let world = World::new().await;
    let stranger = world.user("stranger", "").await;
    let pair = encoded(TRUST);
    let policy = encoded("arn:aws:iam::111111111111:policy/none");
    let user = encoded("arn:aws:iam::111111111111:user/none");
    let members = format!(
        "&UserName=none&RoleName=none&GroupName=none&PolicyName=none&PolicyDocument={pair}&AssumeRolePolicyDocument={pair}&Status=Active\
         &AccessKeyId=AKIA2345672345672345&Tags.member.1.Key=k&Tags.member.1.Value=v&TagKeys.member.1=k&Description=d\
         &PolicyArn={policy}&PermissionsBoundary={policy}&VersionId=v1&PolicySourceArn={user}&ActionNames.member.1=kms%3AEncrypt\
         &PolicyInputList.member.1={pair}&AccountAlias=none&Password=x&OldPassword=x&NewPassword=y"
    );
    let built = keywatch_api::iam::IamOperation::ALL.iter().filter(|op| op.info().handler.is_some());
    let mut checked = 0;
    for op in built {
        let name = op.info().name;
        let (code, status, text) = refusal(world.send(&stranger, &format!("{name}{members}")).await);
        assert_eq!((code.as_str(), status), ("AccessDenied", 403), "{name}: {text}");
        assert!(text.contains(&format!("is not authorized to perform: iam:{name} on resource: ")), "{text}");
        checked += 1;
    }
    assert_eq!(checked, 86);
    let missing = refusal(world.send(&stranger, "CreateVirtualMFADevice&VirtualMFADeviceName=g").await);
    assert_eq!((missing.0.as_str(), missing.1), ("InvalidAction", 400));
}
