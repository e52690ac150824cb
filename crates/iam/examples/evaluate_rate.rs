//! How long a decision takes: `cargo run --release -p keywatch-iam --example evaluate_rate`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use keywatch_iam::policy::{
    Decision, Environment, KeyList, Policies, PolicyDocument, PolicyKind, Request, ResourceSide, Subject,
    SubjectKind, Values, evaluate,
};

const ROUNDS: u32 = 1_000_000;

fn main() {
    let key = r#"{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"kms:*","Resource":"*"}]}"#;
    let plain = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    let conditions = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
        {"Effect":"Deny","Action":"kms:*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}},
        {"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*"],
         "Resource":"arn:aws:kms:*:111111111111:key/*","Condition":{
            "StringEquals":{"kms:EncryptionContext:app":"${aws:username}"},
            "StringLike":{"kms:ViaService":["s3.*.amazonaws.com","sqs.*.amazonaws.com"]}}}]}"#;
    measure("root, default key policy", SubjectKind::Root, key, plain);
    measure("user, default key policy, kms:*", SubjectKind::User, key, plain);
    measure("user, default key policy, five conditions", SubjectKind::User, key, conditions);
}

fn measure(name: &str, kind: SubjectKind, key: &str, identity: &str) {
    let key = PolicyDocument::parse(PolicyKind::Key, key).expect("a key policy");
    let identity = [Arc::new(PolicyDocument::parse(PolicyKind::Identity, identity).expect("a policy"))];
    let subject = Subject {
        kind,
        account: "111111111111",
        arn: "arn:aws:iam::111111111111:user/alice",
        user_id: "AIDAALICEALICEALICE1",
        user_name: Some("alice"),
        ..Subject::ANONYMOUS
    };
    let environment = Environment {
        now: jiff::Timestamp::UNIX_EPOCH,
        region: "us-east-1",
        source_ip: Some([192, 0, 2, 7].into()),
        user_agent: Some("example"),
        secure_transport: true,
        via_service: None,
    };
    let keys = KeyList::default()
        .with("kms:EncryptionContext:app", Values::one("alice"))
        .with("kms:ViaService", Values::one("sqs.us-east-1.amazonaws.com"));
    let request = Request {
        subject: &subject,
        action: "kms:Decrypt",
        resource: "arn:aws:kms:us-east-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        resource_account: "111111111111",
        environment: &environment,
        keys: &keys,
    };
    let identity = if kind == SubjectKind::Root { &identity[..0] } else { &identity[..] };
    let policies = Policies { identity, resource: ResourceSide::Required(&key), ..Policies::default() };
    let start = Instant::now();
    for _ in 0..ROUNDS {
        assert_eq!(evaluate(black_box(&request), black_box(&policies)), Decision::Allow);
    }
    println!("{name}: {} ns", start.elapsed().as_nanos() / u128::from(ROUNDS));
}
