//! # Denials: why a call was refused, for those who may know
//! A refusal's text is public and says little. Beside it a service may hand out an **encoded message**: the whole decision, sealed under the
//! root keyring, which `DecodeAuthorizationMessage` opens for whom a policy allows it.
//! **Invariant:** a message opens only in the account whose caller was refused, and only while a root key of its time is in the ring.
//! **Not here:** which services hand messages out.
//!
//! Source: STS API reference, "DecodeAuthorizationMessage".

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use keywatch_api::AccountId;
use keywatch_crypto::{Binding, RootKeyring, SystemRandom};
use serde::Serialize;
use serde_json::Value;

use crate::iam::Iam;
use crate::policy::{
    Decision, Effect, NoKeys, Policies, PolicyDocument, Reason, Request, ResourceSide, Values, evaluate,
    matched,
};
use crate::{Call, Question};

const PURPOSE: &str = "authorization-message";
/// Characters of an encoded message, as the request that brings it back may have.
const MESSAGE_LENGTH_MAX: usize = 10_240;
/// The context that is shown, as far as the request has it.
const CONTEXT_KEYS: [&str; 8] = [
    "aws:PrincipalType",
    "aws:RequestedRegion",
    "aws:SecureTransport",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:ViaAWSService",
];

/// A message that is not one of ours, or not of this account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidMessage;

impl Iam {
    /// The encoded message of the refusal that the caller's own policies give an action; `None` where they allow it, and where the
    /// message would be longer than what can be brought back.
    pub fn encode_denial(&self, call: &Call<'_>, action: &str, resource: &str) -> Option<String> {
        let owner = &call.caller.account;
        let question =
            Question { action, resource, owner, side: ResourceSide::None, granted: false, keys: &NoKeys };
        let json = call.ask(&question, |request, policies| match evaluate(request, policies) {
            Decision::Allow => None,
            Decision::Deny(reason) => Some(explain(request, policies, reason)),
        })?;
        let sealed = self.keyring.seal(&binding(owner), json.as_bytes(), &mut SystemRandom).ok()?;
        Some(BASE64.encode(sealed)).filter(|message| message.len() <= MESSAGE_LENGTH_MAX)
    }
}

/// The decision inside an encoded message, as JSON.
pub(crate) fn decode(
    message: &str,
    account: &AccountId,
    keyring: &RootKeyring,
) -> Result<String, InvalidMessage> {
    let sealed = BASE64.decode(message).map_err(|_| InvalidMessage)?;
    let json = keyring.open(&binding(account), &sealed).map_err(|_| InvalidMessage)?;
    String::from_utf8(json.expose().to_vec()).map_err(|_| InvalidMessage)
}

fn binding(account: &AccountId) -> Binding<'_> {
    Binding::Other { purpose: PURPOSE, owner: account.as_str() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Denial<'d> {
    allowed: bool,
    explicit_deny: bool,
    matched_statements: Items<MatchedStatement>,
    failures: Items<()>,
    context: Context<'d>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
struct Item {
    value: String,
}

/// A statement that denied.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchedStatement {
    statement_id: String,
    effect: &'static str,
    actions: Items<Item>,
    resources: Items<Item>,
}

#[derive(Serialize)]
struct Context<'d> {
    principal: Principal<'d>,
    action: &'d str,
    resource: &'d str,
    conditions: Items<Condition>,
}

#[derive(Serialize)]
struct Principal<'d> {
    id: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'d str>,
    arn: &'d str,
}

#[derive(Serialize)]
struct Condition {
    key: &'static str,
    values: Items<Item>,
}

fn explain(request: &Request<'_>, policies: &Policies<'_>, reason: Reason) -> String {
    let session = policies.session.unwrap_or_default();
    let documents = policies.identity.iter().chain(session).map(|document| &**document);
    let denied = documents.chain(policies.boundary).flat_map(|document| denying(document, request));
    let denial = Denial {
        allowed: false,
        explicit_deny: matches!(reason, Reason::ExplicitDeny(_)),
        matched_statements: Items { items: denied.collect() },
        failures: Items { items: Vec::new() },
        context: Context {
            principal: Principal {
                id: request.subject.user_id,
                name: request.subject.user_name,
                arn: request.subject.arn,
            },
            action: request.action,
            resource: request.resource,
            conditions: Items {
                items: CONTEXT_KEYS.iter().filter_map(|key| condition(request, key)).collect(),
            },
        },
    };
    serde_json::to_string(&denial).expect("a denial has a form in JSON")
}

fn condition(request: &Request<'_>, key: &'static str) -> Option<Condition> {
    let items = match request.value(key)? {
        Values::One(value) => vec![Item { value: value.into_owned() }],
        Values::Many(values) => values.into_iter().map(|value| Item { value: value.into_owned() }).collect(),
    };
    Some(Condition { key, values: Items { items } })
}

/// The statements of a policy that deny the request, as they are written.
fn denying(document: &PolicyDocument, request: &Request<'_>) -> Vec<MatchedStatement> {
    let places = matched(document, Effect::Deny, request);
    if places.is_empty() {
        return Vec::new();
    }
    let written: Value = serde_json::from_str(document.text()).unwrap_or_default();
    let statements = match &written["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        one => std::slice::from_ref(one),
    };
    let shown = |statement: &Value| MatchedStatement {
        statement_id: statement["Sid"].as_str().unwrap_or_default().to_owned(),
        effect: "DENY",
        actions: texts(&statement["Action"]),
        resources: texts(&statement["Resource"]),
    };
    places.iter().filter_map(|place| statements.get(*place)).map(shown).collect()
}

/// A policy element that is a string or a list of strings.
fn texts(element: &Value) -> Items<Item> {
    let listed = match element {
        Value::Array(listed) => listed.as_slice(),
        one => std::slice::from_ref(one),
    };
    let items = listed.iter().filter_map(Value::as_str).map(|text| Item { value: text.to_owned() });
    Items { items: items.collect() }
}
