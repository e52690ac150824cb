//! Policies: input up to the first zero byte is a document, the rest the request's resource and the value of a condition key. Nothing may
//! panic, reading is repeatable, and the laws of evaluation hold for whatever document was read.
#![no_main]

mod caller;

use std::sync::Arc;

use keywatch_iam::policy::{
    Decision, Effect, KeyList, Policies, PolicyDocument, PolicyKind, Reason, Request, ResourceSide, Side,
    Values, evaluate, matched, statement_spans,
};
use libfuzzer_sys::fuzz_target;

use caller::{ACCOUNT, ALICE, environment};

const KINDS: [PolicyKind; 4] =
    [PolicyKind::Identity, PolicyKind::Key, PolicyKind::Resource, PolicyKind::Trust];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, resource) = text.split_once('\0').unwrap_or((text, "*"));
    for kind in KINDS {
        let Ok(document) = PolicyDocument::parse(kind, text) else { continue };
        assert_eq!(PolicyDocument::parse(kind, document.text()).as_ref(), Ok(&document));
        check_laws(kind, document, resource);
    }
});

fn check_laws(kind: PolicyKind, document: PolicyDocument, resource: &str) {
    let environment = environment(Some(resource));
    let keys = KeyList::default()
        .with("kms:EncryptionContext:a", Values::one(resource))
        .with("kms:EncryptionContextKeys", Values::many(["a"]));
    let request = Request {
        subject: &ALICE,
        action: "kms:Decrypt",
        resource,
        resource_account: ACCOUNT,
        environment: &environment,
        keys: &keys,
    };
    let identity = [Arc::new(document.clone())];
    let policies = match kind {
        PolicyKind::Identity => Policies { identity: &identity, ..Policies::default() },
        _ => Policies { resource: ResourceSide::Required(&document), ..Policies::default() },
    };
    let decision = evaluate(&request, &policies);
    // A grant adds, and never overrides an explicit deny.
    let granted = evaluate(&request, &Policies { granted: true, ..policies });
    match decision {
        Decision::Deny(Reason::ExplicitDeny(_)) => assert_eq!(granted, decision),
        _ => assert_eq!(granted, Decision::Allow),
    }
    // A session without any permission takes away what was not given to exactly this user.
    let limited = evaluate(&request, &Policies { session: Some(&[]), ..policies });
    if kind == PolicyKind::Identity && decision == Decision::Allow {
        assert_eq!(limited, Decision::Deny(Reason::NotAllowed(Side::Session)));
    }
    if decision != Decision::Allow {
        assert_ne!(limited, Decision::Allow);
    }
    // Nor does a boundary ever allow more, whatever document it is.
    if kind == PolicyKind::Identity && decision != Decision::Allow {
        let bounded = evaluate(&request, &Policies { boundary: Some(&document), ..policies });
        assert_ne!(bounded, Decision::Allow);
    }
    // A simulation names as many places as there are statements, and asks for keys it can show.
    assert_eq!(statement_spans(document.text()).len(), document.statements().len());
    assert!(document.context_keys().iter().all(|key| !key.is_empty()));
    for effect in [Effect::Allow, Effect::Deny] {
        assert!(
            matched(&document, effect, &request).iter().all(|place| *place < document.statements().len())
        );
    }
}
