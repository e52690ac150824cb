//! Findings as events of the bus: `keywatch.guard`, with what the record tells beside what was found. Pure.

use jiff::Timestamp;
use keywatch_store::Partition;
use serde_json::{Map, Value, json};

use super::memory::Finding;
use crate::entry::Event;
use crate::events::envelope::{Head, derived_id};

/// Source of our own events; `aws.` is AWS's.
pub const SOURCE: &str = "keywatch.guard";
/// Texts of callers are cut here.
const TEXT_CHARS_MAX: usize = 512;

/// What a finding is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The account and Region whose bus it goes to.
    pub partition: &'a Partition,
    pub key_arn: &'a str,
    /// The record it comes from, as JSON text; none of what only time brought about.
    pub record: Option<&'a [u8]>,
    pub principal: Option<&'a str>,
    /// Seconds since 1970.
    pub time: i64,
    /// The record was imported.
    pub imported: bool,
}

impl<'a> About<'a> {
    /// What only time brought about.
    pub fn of_time(partition: &'a Partition, key_arn: &'a str, time: i64) -> Self {
        Self { partition, key_arn, record: None, principal: None, time, imported: false }
    }
}

impl Finding {
    /// `detail-type`
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::FirstSeenPrincipal { .. } => "Key First Used By Principal",
            Self::UsedAfterSilence { .. } => "Key Used After Silence",
            Self::ReEncryptedToNewKey { .. } => "Re-encryption To New Key",
            Self::PolicyChanged { .. } => "Key Policy Changed",
            Self::GrantCreated(_) => "Key Grant Created",
            Self::DecryptShareShifted { .. } => "Key Decrypt Share Shifted",
            Self::RotationOverdue { .. } => "Key Rotation Overdue",
        }
    }

    fn members(&self) -> Value {
        match self {
            Self::FirstSeenPrincipal { known_days, known_principals } => {
                json!({"keyKnownDays": known_days, "knownPrincipals": known_principals})
            }
            Self::UsedAfterSilence { silent_days, last_use } => {
                json!({"silentDays": silent_days, "lastUse": last_use.map(wire_time)})
            }
            Self::ReEncryptedToNewKey { source, calls, since } => {
                json!({"sourceKeyArn": source, "calls": calls, "firstCall": wire_time(*since)})
            }
            Self::PolicyChanged { previous_known, change } => {
                json!({"previousKnown": previous_known, "gained": change.gained, "lost": change.lost,
                    "summary": change.summary()})
            }
            Self::GrantCreated(grant) => json!(grant),
            Self::DecryptShareShifted { percent_before, percent, calls } => {
                json!({"percentBefore": percent_before, "percent": percent, "calls": calls})
            }
            Self::RotationOverdue { since, period_days } => {
                json!({"lastRotation": wire_time(*since), "rotationPeriodInDays": period_days})
            }
        }
    }

    /// The event, with the same id whenever it is derived again.
    pub fn event(&self, about: &About<'_>) -> Event {
        let record =
            about.record.and_then(|record| serde_json::from_slice(record).ok()).unwrap_or(Value::Null);
        let mut detail = Map::new();
        detail.insert("keyArn".into(), about.key_arn.into());
        detail.insert("imported".into(), about.imported.into());
        if let Some(principal) = about.principal {
            detail.insert("principal".into(), principal.into());
        }
        for (name, value) in [
            ("eventID", &record["eventID"]),
            ("eventName", &record["eventName"]),
            ("eventTime", &record["eventTime"]),
            ("userIdentityArn", &record["userIdentity"]["arn"]),
            ("sourceIPAddress", &record["sourceIPAddress"]),
            ("userAgent", &record["userAgent"]),
        ] {
            if let Some(text) = value.as_str() {
                detail.insert(name.into(), text.chars().take(TEXT_CHARS_MAX).collect::<String>().into());
            }
        }
        if let Value::Object(members) = self.members() {
            detail.extend(members);
        }
        let time = wire_time(about.time);
        let id = record["eventID"].as_str().unwrap_or(&time);
        let head = Head {
            id: derived_id(&[about.partition.as_str(), about.key_arn, id, self.detail_type()]),
            detail_type: self.detail_type(),
            source: SOURCE,
            account: about.partition.account(),
            time: &time,
            region: about.partition.region(),
        };
        Event::on_default_bus(head.envelope(&[about.key_arn], &Value::Object(detail).to_string()))
    }
}

fn wire_time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_tells_what_the_record_tells() {
        let partition = Partition::new("111122223333", "us-west-2");
        let record = br#"{"eventID":"e","eventName":"Decrypt","eventTime":"2026-09-14T11:18:46Z","sourceIPAddress":"192.0.2.7","userIdentity":{"arn":"u"}}"#;
        let about = About {
            partition: &partition,
            key_arn: "arn:aws:kms:us-west-2:111122223333:key/k",
            record: Some(record),
            principal: Some("u"),
            time: 1_789_384_726,
            imported: false,
        };
        let finding = Finding::UsedAfterSilence { silent_days: 40, last_use: Some(0) };
        let event = finding.event(&about);
        assert_eq!(event, finding.event(&about));
        let mut event: Value = serde_json::from_str(&event.envelope).unwrap();
        event["id"] = "-".into();
        assert_eq!(
            event,
            json!({"version": "0", "id": "-", "detail-type": "Key Used After Silence", "source": "keywatch.guard",
                "account": "111122223333", "time": "2026-09-14T11:18:46Z", "region": "us-west-2",
                "resources": ["arn:aws:kms:us-west-2:111122223333:key/k"],
                "detail": {"keyArn": "arn:aws:kms:us-west-2:111122223333:key/k", "imported": false, "principal": "u",
                    "eventID": "e", "eventName": "Decrypt", "eventTime": "2026-09-14T11:18:46Z", "userIdentityArn": "u",
                    "sourceIPAddress": "192.0.2.7", "silentDays": 40, "lastUse": "1970-01-01T00:00:00Z"}})
        );
    }
}
