//! Who gets in, and how the others are told.

use jiff::SignedDuration;
use keywatch_api::Service;
use keywatch_server::clock::world_now;
use serde_json::json;

use crate::client::{Ask, Client, Reply};
use crate::server::Server;

fn caller_arn(client: &Client) -> String {
    let reply = client.query(Service::Sts, "GetCallerIdentity", "");
    reply.element("Arn").unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

#[test]
fn users_and_sessions_get_in() {
    let server = Server::start(&[]);
    let root = server.as_root();
    assert_eq!(caller_arn(&root), "arn:aws:iam::000000000000:root");
    assert_eq!(root.query(Service::Iam, "CreateUser", "UserName=Alice").status, 200);
    let key = root.query(Service::Iam, "CreateAccessKey", "UserName=Alice");
    let part = |reply: &Reply, name: &str| reply.element(name).expect("in the answer").to_owned();
    let alice = root.with_key(&part(&key, "AccessKeyId"), &part(&key, "SecretAccessKey"), None);
    assert_eq!(caller_arn(&alice), "arn:aws:iam::000000000000:user/Alice");
    let session = alice.query(Service::Sts, "GetSessionToken", "");
    let token = part(&session, "SessionToken");
    let (id, secret) = (part(&session, "AccessKeyId"), part(&session, "SecretAccessKey"));
    let temporary = alice.with_key(&id, &secret, Some(&token));
    assert_eq!(caller_arn(&temporary), "arn:aws:iam::000000000000:user/Alice");
    let without_token = alice.with_key(&id, &secret, None);
    let reply = without_token.query(Service::Sts, "GetCallerIdentity", "");
    assert_eq!((reply.status, reply.code().as_str()), (403, "InvalidClientTokenId"));

    let deleted =
        root.query(Service::Iam, "DeleteAccessKey", &format!("UserName=Alice&AccessKeyId={}", alice.id));
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(alice.query(Service::Sts, "GetCallerIdentity", "").code(), "InvalidClientTokenId");
}

#[test]
fn a_changed_request_is_refused_in_the_words_of_its_protocol() {
    let server = Server::start(&[]);
    let root = server.as_root();
    let sts = || Ask::query(Service::Sts, "GetCallerIdentity", "");
    let own = || Ask::json(Service::Keywatch, "DescribeClock", &json!({}));
    let changed = |ask: Ask<'static>| Ask { spoil: |_, body| body.push(b' '), ..ask };
    let unsigned =
        |ask: Ask<'static>| Ask { spoil: |headers, _| drop(headers.remove("authorization")), ..ask };
    let garbled = |ask: Ask<'static>| Ask {
        spoil: |headers, _| {
            drop(headers.insert("authorization", "AWS4-HMAC-SHA256 x".parse().expect("a header")))
        },
        ..ask
    };
    let late = |ask: Ask<'static>| Ask { at: world_now() - SignedDuration::from_mins(16), ..ask };
    let early = |ask: Ask<'static>| Ask { at: world_now() + SignedDuration::from_mins(16), ..ask };
    let misdirected = |ask: Ask<'static>| Ask { service: "sqs", ..ask };
    for (name, spoil, query, json) in [
        (
            "changed",
            &changed as &dyn Fn(Ask<'static>) -> Ask<'static>,
            (403, "SignatureDoesNotMatch"),
            "InvalidSignatureException",
        ),
        ("late", &late, (403, "SignatureDoesNotMatch"), "InvalidSignatureException"),
        ("early", &early, (403, "SignatureDoesNotMatch"), "InvalidSignatureException"),
        ("unsigned", &unsigned, (403, "MissingAuthenticationToken"), "MissingAuthenticationTokenException"),
        ("garbled", &garbled, (400, "IncompleteSignature"), "IncompleteSignatureException"),
    ] {
        let reply = root.send(spoil(sts()));
        assert_eq!((reply.status, reply.code().as_str()), query, "{name}: {reply:?}");
        let reply = root.send(spoil(own()));
        assert_eq!((reply.status, reply.code().as_str()), (400, json), "{name}: {reply:?}");
    }
    let reply = root.send(misdirected(own()));
    assert!(reply.body.contains("Credential should be scoped to correct service: 'keywatch'."), "{reply:?}");
    let stranger = server.as_stranger().send(sts());
    assert_eq!((stranger.status, stranger.code().as_str()), (403, "InvalidClientTokenId"));
    let stranger = server.as_stranger().send(own());
    assert_eq!((stranger.status, stranger.code().as_str()), (400, "UnrecognizedClientException"));
}

#[test]
fn development_mode_takes_anybody_in() {
    let server = Server::start(&["--dev"]);
    let stranger = server.as_stranger();
    assert_eq!(caller_arn(&stranger), "arn:aws:iam::000000000000:root");
    // A page of another site may make a browser send requests, but not as a developer; nor is nobody anybody.
    let from_elsewhere = Ask {
        spoil: |headers, _| drop(headers.insert("sec-fetch-site", "cross-site".parse().expect("a header"))),
        ..Ask::query(Service::Sts, "GetCallerIdentity", "")
    };
    assert_eq!(stranger.send(from_elsewhere).code(), "InvalidClientTokenId");
    let unsigned = Ask {
        spoil: |headers, _| drop(headers.remove("authorization")),
        ..Ask::query(Service::Sts, "GetCallerIdentity", "")
    };
    assert_eq!(stranger.send(unsigned).code(), "MissingAuthenticationToken");
}
