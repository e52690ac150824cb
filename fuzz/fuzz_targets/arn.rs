//! ARNs: input up to the first zero byte is a pattern, the rest an ARN. Any text is an ARN that prints as it was read, or an error; a
//! policy of the pattern decides about the ARN without a panic; and a pattern without wildcards names itself.
#![no_main]

mod caller;

use std::sync::Arc;

use keywatch_api::{AccountId, Arn, Region};
use keywatch_iam::policy::{
    Decision, KeyList, Policies, PolicyDocument, PolicyKind, Request, Values, evaluate,
};
use libfuzzer_sys::fuzz_target;

use caller::{ACCOUNT, ALICE, environment};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, text) = text.split_once('\0').unwrap_or((text, text));
    read(pattern);
    read(text);
    let decision = decide(pattern, text);
    if !pattern.contains(['*', '?', '$']) && pattern == text && pattern.parse::<Arn>().is_ok() {
        assert_ne!(decision, Some(false), "{pattern}");
    }
});

fn read(text: &str) {
    let (account, region) = (text.parse::<AccountId>(), text.parse::<Region>());
    if let (Ok(account), Ok(region)) = (&account, &region) {
        assert_ne!(account.as_str(), region.as_str(), "an account is digits, a Region begins with a letter");
    }
    let Ok(arn) = text.parse::<Arn>() else { return };
    assert!(Arn::is_arn(text));
    assert_eq!(arn.to_string(), text);
    assert!(text.ends_with(arn.resource_name()));
    assert!([&arn.partition, &arn.service, &arn.region, &arn.account].iter().all(|part| !part.contains(':')));
    let stored = serde_json::to_string(&arn).expect("a text");
    assert_eq!(serde_json::from_str::<Arn>(&stored).expect("what was written"), arn);
}

/// Whether a policy that allows the pattern, by its `Resource` and by a condition, allows a call on the ARN; nothing when it is no policy.
fn decide(pattern: &str, resource: &str) -> Option<bool> {
    let document = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow", "Action": "kms:*", "Resource": pattern,
            "Condition": { "ArnLikeIfExists": { "aws:SourceArn": [pattern, "arn:aws:kms:*:*:key/?*"] } },
        },
    });
    let document = PolicyDocument::parse(PolicyKind::Identity, &document.to_string()).ok()?;
    let identity = [Arc::new(document)];
    let environment = environment(None);
    let keys = KeyList::default().with("aws:SourceArn", Values::one(resource));
    let request = Request {
        subject: &ALICE,
        action: "kms:Decrypt",
        resource,
        resource_account: ACCOUNT,
        environment: &environment,
        keys: &keys,
    };
    Some(evaluate(&request, &Policies { identity: &identity, ..Policies::default() }) == Decision::Allow)
}
