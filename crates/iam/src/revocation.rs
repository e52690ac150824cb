//! # Revocation: temporary credentials that end before their time
//! Sessions live in their tokens and are stored nowhere, so ending one is what is stored: a row under its access key id, which [`credentials`]
//! look for, and which may go once no session of that time can be left. What sessions there are is told by the records of the calls that
//! handed them out ([`IssuedSession::of_record`]).
//! **Not here:** who may revoke (the command line, which has the data directory).
//!
//! [`credentials`]: crate::credentials

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Kind, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

/// Rows by access key id.
pub(crate) const REVOKED: Kind = Kind("iam.revoked_session");
/// No session lasts longer (STS API reference, `DurationSeconds`: 129,600).
pub const SESSION_MAX: SignedDuration = SignedDuration::from_hours(36);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RevokedRecord {
    pub(crate) revoked: Timestamp,
}

impl Versioned for RevokedRecord {
    const MARKER: &'static str = "iam.revoked_session/1";
}

/// Ends the session of this access key id. Ending it twice changes nothing; rows of sessions that are over by now go.
pub async fn revoke_session(
    tx: &mut Transaction<'_>,
    access_key_id: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scan = keywatch_store::Scan { prefix: "", after: None, limit: PURGED_AT_ONCE };
    for (id, record) in tx.scan::<RevokedRecord>(REVOKED, scan).await? {
        if record.revoked + SESSION_MAX < now {
            tx.delete(REVOKED, &id);
        }
    }
    tx.put(REVOKED, access_key_id, &RevokedRecord { revoked: now })
}

const PURGED_AT_ONCE: usize = 1_000;

/// Whether the session of this access key id was revoked.
pub async fn is_revoked(tx: &mut Transaction<'_>, access_key_id: &str) -> Result<bool, StoreError> {
    Ok(tx.get::<RevokedRecord>(REVOKED, access_key_id).await?.is_some())
}

/// A session as the record of its making tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssuedSession {
    pub access_key_id: String,
    /// Whose session it is: an assumed role, a federated user, or the caller again.
    pub arn: String,
    /// Who asked for it.
    pub issued_to: String,
    pub source_ip: Option<String>,
    pub expires: Timestamp,
}

/// The members of a record that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    event_source: String,
    user_identity: Identity,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<String>,
    response_elements: Option<Elements>,
}

#[derive(Deserialize)]
struct Identity {
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Elements {
    credentials: Option<Handed>,
    assumed_role_user: Option<Identity>,
    federated_user: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handed {
    access_key_id: String,
    /// `Nov 22, 2026, 11:00:00 AM`
    expiration: String,
}

impl IssuedSession {
    /// The session a record of STS handed out; `None` for every other record.
    pub fn of_record(record: &[u8]) -> Option<Self> {
        let told: Told = serde_json::from_slice(record).ok()?;
        if told.event_source != "sts.amazonaws.com" {
            return None;
        }
        let elements = told.response_elements?;
        let handed = elements.credentials?;
        let expires = DateTime::strptime("%b %d, %Y, %I:%M:%S %p", &handed.expiration).ok()?;
        let issued_to = told.user_identity.arn.unwrap_or_default();
        let other = elements.assumed_role_user.or(elements.federated_user).and_then(|identity| identity.arn);
        Some(Self {
            access_key_id: handed.access_key_id,
            arn: other.unwrap_or_else(|| issued_to.clone()),
            issued_to,
            source_ip: told.source_ip_address,
            expires: expires.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_by_records() {
        let record = |source: &str, elements: &str| {
            format!(
                r#"{{"userIdentity":{{"arn":"arn:aws:iam::1:user/u"}},"eventSource":"{source}","sourceIPAddress":"192.0.2.1","responseElements":{elements}}}"#
            )
        };
        let handed = r#"{"accessKeyId":"ASIA1","expiration":"Nov 2, 2026, 1:05:00 PM"}"#;
        let session = |arn: &str| IssuedSession {
            access_key_id: "ASIA1".into(),
            arn: arn.into(),
            issued_to: "arn:aws:iam::1:user/u".into(),
            source_ip: Some("192.0.2.1".into()),
            expires: "2026-11-02T13:05:00Z".parse().unwrap(),
        };
        let role = format!(r#"{{"credentials":{handed},"assumedRoleUser":{{"arn":"arn:r"}}}}"#);
        let own = format!(r#"{{"credentials":{handed}}}"#);
        for (source, elements, want) in [
            ("sts.amazonaws.com", role.as_str(), Some(session("arn:r"))),
            ("sts.amazonaws.com", own.as_str(), Some(session("arn:aws:iam::1:user/u"))),
            ("iam.amazonaws.com", own.as_str(), None),
            ("sts.amazonaws.com", "null", None),
            ("sts.amazonaws.com", "{}", None),
        ] {
            assert_eq!(IssuedSession::of_record(record(source, elements).as_bytes()), want, "{elements}");
        }
        assert_eq!(IssuedSession::of_record(b"no record"), None);
    }
}
