//! A record as the guard sees it: who did what to which keys. Pure.

use keywatch_api::kms::KEY_USES;
use keywatch_iam::record::OwnRecord;
use serde_json::Value;

use super::memory::Act;
use super::memory::{Grant, Made};

const SOURCE: &str = "kms.amazonaws.com";
/// Calls besides the uses of keys that change what is remembered.
const MANAGEMENT: [&str; 10] = [
    "CreateKey",
    "PutKeyPolicy",
    "CreateGrant",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "RotateKeyOnDemand",
    "RotateKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "DeleteKey",
];
/// The period of automatic rotation where none is said.
const ROTATION_DAYS: u32 = 365;

/// A successful act on keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Seconds since 1970.
    pub time: i64,
    /// A role rather than its sessions, a service by its name.
    pub principal: String,
    /// ARNs; of a re-encryption the source and the destination.
    pub keys: Vec<String>,
    pub act: Act,
}

impl Sight {
    /// What a record of KMS shows; none of records that do not matter: refused calls, other services, reading of settings, and the
    /// caller's copy of a call on another account's key, whose owner has one too.
    pub fn of(record: &[u8]) -> Option<Self> {
        match OwnRecord::of(record) {
            Some(own) if own.event_source != SOURCE || own.failed => None,
            Some(own) if KEY_USES.contains(&own.event_name) => Some(Self {
                time: own.event_time.parse::<jiff::Timestamp>().ok()?.as_second(),
                principal: own.signer.map(|signer| role_of(signer.arn).to_owned())?,
                keys: own.resource_arns().map(str::to_owned).collect(),
                act: use_of(own.event_name),
            }),
            Some(own) if !MANAGEMENT.contains(&own.event_name) => None,
            _ => Self::parsed(&serde_json::from_slice(record).ok()?),
        }
    }

    fn parsed(record: &Value) -> Option<Self> {
        let text = |name: &str| record[name].as_str();
        let name = text("eventName")?;
        if text("eventSource") != Some(SOURCE) || !record["errorCode"].is_null() {
            return None;
        }
        let keys = keys(record);
        let owner = keys.last().and_then(|arn| arn.split(':').nth(4));
        let recipient = text("recipientAccountId");
        if !record["sharedEventID"].is_null() && owner.is_some() && owner != recipient {
            return None;
        }
        let act = if KEY_USES.contains(&name) { use_of(name) } else { management(name, record, &keys)? };
        Some(Self {
            time: text("eventTime")?.parse::<jiff::Timestamp>().ok()?.as_second(),
            principal: principal(&record["userIdentity"]),
            keys,
            act,
        })
    }
}

fn use_of(operation: &str) -> Act {
    if operation == "ReEncrypt" { Act::ReEncrypt } else { Act::Use }
}

fn management(name: &str, record: &Value, keys: &[String]) -> Option<Act> {
    let asked = &record["requestParameters"];
    let account = keys.first()?.split(':').nth(4)?;
    Some(match name {
        "CreateKey" => {
            let made = &record["responseElements"]["keyMetadata"];
            let spec = made["keySpec"].as_str().or(made["customerMasterKeySpec"].as_str());
            let origin = made["origin"].as_str();
            let policy = asked["policy"].as_str().map_or_else(|| default_policy(account), str::to_owned);
            let rotates = spec == Some("SYMMETRIC_DEFAULT") && matches!(origin, Some("AWS_KMS" | "EXTERNAL"));
            Act::Create(Made { policy, rotates })
        }
        "PutKeyPolicy" => Act::Policy(asked["policy"].as_str()?.to_owned()),
        "CreateGrant" => Act::Grant(grant(asked, &record["responseElements"], account)),
        "EnableKeyRotation" => {
            let days = asked["rotationPeriodInDays"].as_u64().and_then(|days| u32::try_from(days).ok());
            Act::RotationPeriod(days.unwrap_or(ROTATION_DAYS))
        }
        "DisableKeyRotation" => Act::RotationPeriod(ROTATION_DAYS),
        "RotateKeyOnDemand" | "RotateKey" => Act::Rotated,
        "ScheduleKeyDeletion" => Act::Leaving,
        "CancelKeyDeletion" => Act::Staying,
        "DeleteKey" => Act::Gone,
        _ => return None,
    })
}

/// What `CreateKey` gives a key that is made without one.
fn default_policy(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}]}}"#
    )
}

fn grant(asked: &Value, answered: &Value, account: &str) -> Grant {
    let grantee = asked["granteePrincipal"].as_str().unwrap_or_default();
    let constraints = asked["constraints"].as_object();
    let binds = constraints.is_some_and(|constraints| {
        constraints.values().any(|value| match value {
            Value::Object(pairs) => !pairs.is_empty(),
            Value::Null => false,
            _ => true,
        })
    });
    let operations = asked["operations"].as_array();
    let operations = operations.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let of = account_of(grantee);
    Grant {
        id: answered["grantId"].as_str().unwrap_or_default().to_owned(),
        grantee: grantee.to_owned(),
        operations,
        unrestricted: !binds,
        foreign: of.is_some_and(|of| of != account),
    }
}

/// The account a principal belongs to; none of a service.
fn account_of(principal: &str) -> Option<&str> {
    let is_number = |text: &&str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match principal.strip_prefix("arn:") {
        Some(rest) => rest.split(':').nth(3).filter(is_number),
        None => Some(principal).filter(is_number),
    }
}

/// The keys of `resources`, or the one that parameters or answer name by ARN.
fn keys(record: &Value) -> Vec<String> {
    let is_key = |arn: &&str| arn.starts_with("arn:") && arn.contains(":kms:") && arn.contains(":key/");
    let resources = record["resources"].as_array().into_iter().flatten();
    let listed: Vec<String> =
        resources.filter_map(|resource| resource["ARN"].as_str()).filter(is_key).map(str::to_owned).collect();
    if !listed.is_empty() {
        return listed;
    }
    let named = [
        &record["requestParameters"]["keyId"],
        &record["responseElements"]["keyId"],
        &record["responseElements"]["keyMetadata"]["arn"],
    ];
    named.into_iter().filter_map(Value::as_str).filter(is_key).take(1).map(str::to_owned).collect()
}

fn principal(identity: &Value) -> String {
    let names = [&identity["arn"], &identity["invokedBy"], &identity["accountId"]];
    names.into_iter().find_map(Value::as_str).map_or("Unknown", role_of).to_owned()
}

/// `arn:aws:sts::A:assumed-role/R/session` without the session.
fn role_of(arn: &str) -> &str {
    if arn.contains(":assumed-role/") { arn.rsplit_once('/').map_or(arn, |(role, _)| role) } else { arn }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/k";

    fn record(name: &str, more: Value) -> Value {
        let mut record = json!({"eventSource": SOURCE, "eventName": name, "eventTime": "1970-01-01T00:01:00Z",
            "recipientAccountId": "111122223333", "resources": [{"ARN": KEY}],
            "userIdentity": {"arn": "arn:aws:sts::111122223333:assumed-role/app/i-1", "accountId": "111122223333"}});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    }

    fn act(name: &str, more: Value) -> Option<Act> {
        Sight::of(record(name, more).to_string().as_bytes()).map(|sight| sight.act)
    }

    #[test]
    fn uses() {
        let sight = Sight::of(record("Decrypt", json!({})).to_string().as_bytes()).unwrap();
        let principal = "arn:aws:sts::111122223333:assumed-role/app".to_owned();
        assert_eq!(sight, Sight { time: 60, principal, keys: vec![KEY.into()], act: Act::Use });
        assert_eq!(act("ReEncrypt", json!({})), Some(Act::ReEncrypt));
        for (name, more) in [
            ("Decrypt", json!({"errorCode": "AccessDenied"})),
            ("Decrypt", json!({"eventSource": "s3.amazonaws.com"})),
            ("Decrypt", json!({"recipientAccountId": "444455556666", "sharedEventID": "s"})),
            ("DescribeKey", json!({})),
        ] {
            assert_eq!(act(name, more.clone()), None, "{name} {more}");
        }
        assert_eq!(Sight::of(b"no json"), None);
        assert_eq!(Sight::of(b"[]"), None);
    }

    #[test]
    fn made_and_rotated() {
        let made = |spec: &str, origin: &str| {
            let answer = json!({"keyMetadata": {"keySpec": spec, "origin": origin}});
            match act("CreateKey", json!({"responseElements": answer, "requestParameters": null})) {
                Some(Act::Create(made)) => {
                    assert!(made.policy.contains("arn:aws:iam::111122223333:root"));
                    made.rotates
                }
                other => panic!("{other:?}"),
            }
        };
        assert!(made("SYMMETRIC_DEFAULT", "AWS_KMS"));
        assert!(!made("SYMMETRIC_DEFAULT", "AWS_CLOUDHSM"));
        assert!(!made("RSA_2048", "AWS_KMS"));
        let period = json!({"requestParameters": {"rotationPeriodInDays": 90}});
        assert_eq!(act("EnableKeyRotation", period), Some(Act::RotationPeriod(90)));
        assert_eq!(act("EnableKeyRotation", json!({})), Some(Act::RotationPeriod(365)));
    }

    #[test]
    fn grants() {
        let subset = json!({"encryptionContextSubset": {"a": "b"}});
        for (grantee, constraints, unrestricted, foreign) in [
            ("arn:aws:iam::111122223333:role/a", json!(null), true, false),
            ("arn:aws:iam::111122223333:role/a", json!({"encryptionContextSubset": {}}), true, false),
            ("arn:aws:iam::111122223333:role/a", subset.clone(), false, false),
            ("arn:aws:iam::444455556666:root", subset.clone(), false, true),
            ("444455556666", subset.clone(), false, true),
            ("dynamodb.eu-west-1.amazonaws.com", subset.clone(), false, false),
        ] {
            let asked =
                json!({"granteePrincipal": grantee, "constraints": constraints, "operations": ["Decrypt"]});
            let Some(Act::Grant(grant)) = act("CreateGrant", json!({"requestParameters": asked})) else {
                panic!("{grantee}")
            };
            assert_eq!(
                (grant.unrestricted, grant.foreign),
                (unrestricted, foreign),
                "{grantee} {constraints}"
            );
            assert_eq!(grant.operations, ["Decrypt"]);
        }
    }
}
