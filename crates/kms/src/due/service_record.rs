//! The record of what KMS did by itself. Source: CloudTrail user guide, "Non-API events"; KMS developer guide, the examples of
//! `DeleteKey`, `DeleteExpiredKeyMaterial` and `RotateKey`.

use jiff::Timestamp;
use keywatch_api::Service;
use keywatch_crypto::{SystemRandom, random};
use keywatch_iam::RecordResource;
use keywatch_iam::record::ServiceEvent;
use keywatch_store::{Append, EntryKind, Transaction};
use uuid::Uuid;

use crate::key::Key;
use crate::open_key::KEY_RESOURCE;

/// Appends a record about `key` with `details`, which is JSON text.
pub(crate) fn append_service_record(
    tx: &mut Transaction<'_>,
    key: &Key,
    event_name: &str,
    details: &str,
    now: Timestamp,
) {
    let event_id = Uuid::from_bytes(random::uuid_bytes(&mut SystemRandom)).to_string();
    let resource =
        RecordResource { arn: key.arn().to_string(), account: key.account.to_string(), kind: KEY_RESOURCE };
    let event = ServiceEvent {
        time: now,
        event_source: Service::Kms.event_source(),
        event_name,
        region: &key.region,
        account: &key.account,
        event_id: &event_id,
        resources: &[resource],
        details: Some(details),
    };
    let mut text = String::with_capacity(768);
    event.write(&mut text);
    tx.append(Append { kind: EntryKind::Record, time: now, partition: key.partition(), bytes: text.into() });
}
