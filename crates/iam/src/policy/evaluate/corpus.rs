//! The corpus of decisions (`corpus/decisions.json`): sets of policies with requests and what is expected of each. The expectations were
//! written from AWS's documents, not by this evaluator.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::policy::document::PolicyKind;
use crate::policy::request::{Environment, KeyList, Subject, SubjectKind, Values};

const ACCOUNT: &str = "111111111111";
const STRANGERS: &str = "222222222222";
const CASES_MIN: usize = 400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    name: String,
    /// The document the expectations come from.
    source: String,
    policies: PolicySet,
    cases: Vec<Case>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PolicySet {
    identity: Vec<serde_json::Value>,
    boundary: Option<serde_json::Value>,
    session: Option<Vec<serde_json::Value>>,
    /// The policy of a key, without which nothing is allowed.
    key: Option<serde_json::Value>,
    /// The policy of a topic, of which either side is enough; `null` for a topic without one.
    #[serde(deserialize_with = "given")]
    topic: Option<Option<serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// One of [`caller`].
    caller: String,
    action: String,
    resource: String,
    /// `allow`, `no <side>`, `deny <side>`
    want: String,
    /// A text is a single value, a list a list.
    #[serde(default)]
    keys: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    granted: bool,
}

/// A `null` that is written is not the same as nothing.
fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<serde_json::Value>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[test]
fn every_case_is_decided_as_expected() {
    let sets: Vec<Set> =
        serde_json::from_str(include_str!("../../../corpus/decisions.json")).expect("the corpus reads");
    let (mut count, mut wrong) = (0, Vec::new());
    for set in &sets {
        let policies = Parsed::new(set);
        for case in &set.cases {
            count += 1;
            let got = policies.decide(case);
            if got != case.want {
                let Case { caller, action, resource, want, keys, .. } = case;
                let asked = format!("{caller} {action} {resource} {keys:?}");
                wrong.push(format!("{} ({}): {asked}: {got} and not {want}", set.name, set.source));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= CASES_MIN, "{count}");
}

struct Parsed {
    identity: Vec<Arc<PolicyDocument>>,
    boundary: Option<PolicyDocument>,
    session: Option<Vec<Arc<PolicyDocument>>>,
    key: Option<PolicyDocument>,
    topic: Option<Option<PolicyDocument>>,
}

impl Parsed {
    fn new(set: &Set) -> Self {
        let read = |kind: PolicyKind, json: &serde_json::Value| {
            let parsed = PolicyDocument::parse(kind, &json.to_string());
            parsed.unwrap_or_else(|error| panic!("{}: {error}", set.name))
        };
        let own = |json| Arc::new(read(PolicyKind::Identity, json));
        let PolicySet { identity, boundary, session, key, topic } = &set.policies;
        Self {
            identity: identity.iter().map(own).collect(),
            boundary: boundary.as_ref().map(|json| read(PolicyKind::Identity, json)),
            session: session.as_ref().map(|session| session.iter().map(own).collect()),
            key: key.as_ref().map(|json| read(PolicyKind::Key, json)),
            topic: topic.as_ref().map(|json| json.as_ref().map(|json| read(PolicyKind::Resource, json))),
        }
    }

    fn decide(&self, case: &Case) -> String {
        let tags = [("team".to_owned(), "blue".to_owned())];
        let subject = caller(&case.caller, &tags);
        let environment = Environment {
            now: "2026-11-22T10:00:00Z".parse().expect("a time"),
            region: "us-east-1",
            source_ip: (subject.kind != SubjectKind::Service)
                .then(|| "192.0.2.1".parse().expect("an address")),
            user_agent: Some("test/1.0"),
            secure_transport: true,
            via_service: None,
        };
        let mut keys = KeyList::default();
        for (key, value) in &case.keys {
            let text = |value: &serde_json::Value| value.as_str().expect("values are texts").to_owned();
            let values = match value {
                serde_json::Value::Array(list) => Values::many(list.iter().map(text)),
                one => Values::one(text(one)),
            };
            keys = keys.with(key.clone(), values);
        }
        let request = Request {
            subject: &subject,
            action: &case.action,
            resource: &case.resource,
            resource_account: if case.resource == "*" { subject.account } else { ACCOUNT },
            environment: &environment,
            keys: &keys,
        };
        let resource = match (&self.key, &self.topic) {
            (Some(key), _) => ResourceSide::Required(key),
            (None, Some(topic)) => ResourceSide::Optional(topic.as_ref()),
            (None, None) => ResourceSide::None,
        };
        let policies = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            session: self.session.as_deref(),
            resource,
            granted: case.granted,
        };
        named(&evaluate(&request, &policies))
    }
}

fn named(decision: &Decision) -> String {
    let (verb, side) = match decision {
        Decision::Allow => return "allow".to_owned(),
        Decision::Deny(Reason::NotAllowed(side)) => ("no", side),
        Decision::Deny(Reason::ExplicitDeny(side)) => ("deny", side),
    };
    format!("{verb} {}", format!("{side:?}").to_lowercase())
}

/// The callers cases name.
fn caller<'t>(name: &str, tags: &'t [(String, String)]) -> Subject<'t> {
    let user = Subject {
        kind: SubjectKind::User,
        account: ACCOUNT,
        arn: "arn:aws:iam::111111111111:user/Alice",
        user_id: "AIDAALICEALICEALICE1",
        user_name: Some("Alice"),
        tags,
        ..Subject::ANONYMOUS
    };
    let since = Some("2026-11-22T09:30:00Z".parse().expect("a time"));
    match name {
        "user" => user,
        "other-user" => Subject {
            arn: "arn:aws:iam::111111111111:user/Bob",
            user_id: "AIDABOBBOBBOBBOBBOB1",
            user_name: Some("Bob"),
            tags: &[],
            ..user
        },
        "session" => Subject {
            kind: SubjectKind::RoleSession,
            arn: "arn:aws:sts::111111111111:assumed-role/R/s",
            role_arn: Some("arn:aws:iam::111111111111:role/p/R"),
            user_id: "AROAROLEROLEROLEROLE:s",
            user_name: None,
            source_identity: Some("me"),
            session_since: since,
            ..user
        },
        "federated" => Subject {
            kind: SubjectKind::FederatedUser,
            arn: "arn:aws:sts::111111111111:federated-user/Bob",
            role_arn: Some("arn:aws:iam::111111111111:user/Alice"),
            user_id: "111111111111:Bob",
            user_name: None,
            session_since: since,
            ..user
        },
        "root" => root(ACCOUNT, "arn:aws:iam::111111111111:root"),
        "stranger-root" => root(STRANGERS, "arn:aws:iam::222222222222:root"),
        "stranger" => Subject {
            account: STRANGERS,
            arn: "arn:aws:iam::222222222222:user/Mallory",
            user_id: "AIDAMALLORYMALLORY01",
            user_name: Some("Mallory"),
            ..user
        },
        "service" => Subject::service("events.amazonaws.com"),
        "anonymous" => Subject::ANONYMOUS,
        other => panic!("no caller {other}"),
    }
}

fn root(account: &'static str, arn: &'static str) -> Subject<'static> {
    Subject { kind: SubjectKind::Root, account, arn, user_id: account, ..Subject::ANONYMOUS }
}
