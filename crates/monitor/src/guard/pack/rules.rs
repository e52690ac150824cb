//! Event rules of the pack.

use serde_json::{Value, json};

use super::{NAME_PREFIX, Part, PartKind, Words};

/// Where texts are found in the events CloudTrail brings.
const OF_CALLS: [(&str, &str); 4] = [
    ("event", "$.detail.eventName"),
    ("key", "$.detail.resources[0].ARN"),
    ("who", "$.detail.userIdentity.arn"),
    ("from", "$.detail.sourceIPAddress"),
];
/// Where they are in events of our own.
const OF_FINDINGS: [(&str, &str); 4] = [
    ("event", "$.detail-type"),
    ("key", "$.detail.keyArn"),
    ("who", "$.detail.principal"),
    ("from", "$.detail.sourceIPAddress"),
];

pub(super) fn unusable_key_used(words: &Words) -> Vec<Part> {
    let detail = json!({"$or": [
        {"errorCode": ["DisabledException"]},
        {"errorCode": ["KMSInvalidStateException"], "errorMessage": [{"wildcard": "*pending deletion*"}]}]});
    of_calls(words, "aws.kms", detail, &[("error", "$.detail.errorMessage")])
}

pub(super) fn deletion_scheduled(words: &Words) -> Vec<Part> {
    let more = [("deletionDate", "$.detail.responseElements.deletionDate")];
    of_calls(words, "aws.kms", done(&["ScheduleKeyDeletion"]), &more)
}

pub(super) fn key_disabled(words: &Words) -> Vec<Part> {
    of_calls(words, "aws.kms", done(&["DisableKey"]), &[])
}

pub(super) fn material_deleted(words: &Words) -> Vec<Part> {
    of_calls(words, "aws.kms", done(&["DeleteImportedKeyMaterial", "DeleteExpiredKeyMaterial"]), &[])
}

pub(super) fn rotation_overdue(words: &Words) -> Vec<Part> {
    let more = [
        ("lastRotation", "$.detail.lastRotation"),
        ("rotationPeriodInDays", "$.detail.rotationPeriodInDays"),
    ];
    of_findings(words, "Key Rotation Overdue", None, &more)
}

pub(super) fn policy_changed(words: &Words) -> Vec<Part> {
    let more = [("summary", "$.detail.summary"), ("gained", "$.detail.gained"), ("lost", "$.detail.lost")];
    of_findings(words, "Key Policy Changed", None, &more)
}

pub(super) fn open_grant(words: &Words) -> Vec<Part> {
    let more = [
        ("grantee", "$.detail.granteePrincipal"),
        ("operations", "$.detail.operations"),
        ("grantId", "$.detail.grantId"),
    ];
    let detail = json!({"$or": [{"unrestricted": [true]}, {"foreign": [true]}]});
    of_findings(words, "Key Grant Created", Some(detail), &more)
}

pub(super) fn first_seen_principal(words: &Words) -> Vec<Part> {
    let more = [("keyKnownDays", "$.detail.keyKnownDays"), ("knownPrincipals", "$.detail.knownPrincipals")];
    let detail =
        json!({"keyKnownDays": [{"numeric": [">=", 1]}], "knownPrincipals": [{"numeric": [">=", 1]}]});
    of_findings(words, "Key First Used By Principal", Some(detail), &more)
}

pub(super) fn re_encrypt_burst(words: &Words) -> Vec<Part> {
    let more = [("source", "$.detail.sourceKeyArn"), ("calls", "$.detail.calls")];
    let detail = json!({"calls": [{"numeric": [">=", 10]}]});
    of_findings(words, "Re-encryption To New Key", Some(detail), &more)
}

pub(super) fn silent_key_used(words: &Words) -> Vec<Part> {
    let more = [("silentDays", "$.detail.silentDays"), ("lastUse", "$.detail.lastUse")];
    let detail = json!({"silentDays": [{"numeric": [">=", 30]}]});
    of_findings(words, "Key Used After Silence", Some(detail), &more)
}

pub(super) fn decrypt_share(words: &Words) -> Vec<Part> {
    let more = [
        ("percent", "$.detail.percent"),
        ("percentBefore", "$.detail.percentBefore"),
        ("calls", "$.detail.calls"),
    ];
    of_findings(words, "Key Decrypt Share Shifted", None, &more)
}

pub(super) fn trail_stopped(words: &Words) -> Vec<Part> {
    let mut parts = of_calls(
        words,
        "aws.cloudtrail",
        done(&["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"]),
        &[("trail", "$.detail.requestParameters.name")],
    );
    let name = format!("{NAME_PREFIX}{}", words.name);
    let late = json!({"source": ["keywatch.guard"], "detail-type": ["Trail Digest Late"]});
    let more = [("trail", "$.detail.trailArn"), ("due", "$.detail.due"), ("error", "$.detail.errorCode")];
    parts.push(part(format!("{name}-digest"), words, &late, &more));
    let contradicted =
        json!({"source": ["aws.keywatch"], "detail": {"eventName": ["ImportedLogFileContradicted"]}});
    let more = [("event", "$.detail.eventName"), ("details", "$.detail.serviceEventDetails")];
    parts.push(part(format!("{name}-contradicted"), words, &contradicted, &more));
    parts
}

/// Calls that succeeded, and what services did by themselves.
fn done(names: &[&str]) -> Value {
    json!({"eventName": names, "errorCode": [{"exists": false}]})
}

fn of_calls(words: &Words, source: &str, detail: Value, more: &[(&str, &str)]) -> Vec<Part> {
    // KMS tells some of what it did by itself in a form of its own too; once is enough.
    let detail_types = ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"];
    let pattern = json!({"source": [source], "detail-type": detail_types, "detail": detail});
    let paths = [&OF_CALLS[..], more].concat();
    vec![part(format!("{NAME_PREFIX}{}", words.name), words, &pattern, &paths)]
}

fn of_findings(words: &Words, detail_type: &str, detail: Option<Value>, more: &[(&str, &str)]) -> Vec<Part> {
    let mut pattern = json!({"source": ["keywatch.guard"], "detail-type": [detail_type]});
    if let Some(detail) = detail {
        pattern["detail"] = detail;
    }
    let paths = [&OF_FINDINGS[..], more].concat();
    vec![part(format!("{NAME_PREFIX}{}", words.name), words, &pattern, &paths)]
}

fn part(name: String, words: &Words, pattern: &Value, paths: &[(&str, &str)]) -> Part {
    let common = [("account", "$.account"), ("region", "$.region"), ("time", "$.time")];
    let all = || common.iter().chain(paths);
    // Placeholders stand bare, so that values of any kind and with any character give JSON.
    let mut template = format!(r#"{{"keywatchGuard":{},"what":{}"#, json!(words.name), json!(words.watches));
    for (member, _) in all() {
        template += &format!(r#","{member}":<{member}>"#);
    }
    template += &format!(r#","runbook":{}}}"#, json!(words.runbook));
    let map: serde_json::Map<String, Value> =
        all().map(|(name, path)| ((*name).to_owned(), json!(path))).collect();
    let definition = json!({
        "Description": format!("{} {}", words.watches, words.runbook),
        "EventPattern": pattern.to_string(),
        "State": "ENABLED",
        "InputTransformer": {"InputPathsMap": map, "InputTemplate": template},
    });
    Part { name, kind: PartKind::Rule, definition }
}
