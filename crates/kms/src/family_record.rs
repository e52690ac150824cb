//! Records that a call leaves in a Region besides its own. Source: CloudTrail's list for KMS: `ReplicateKey` also makes a `CreateKey`
//! event where the replica is, `UpdatePrimaryRegion` is logged in both Regions, and `SynchronizeMultiRegionKey` is a call by AWS.

use jiff::Timestamp;
use keywatch_api::{Region, Service};
use keywatch_crypto::{SystemRandom, random};
use keywatch_iam::record::{ApiCall, Identity};
use keywatch_iam::{Call, Notes, RecordResource};
use keywatch_store::{Append, EntryKind, Partition, Transaction};
use uuid::Uuid;

use crate::key::Key;
use crate::open_key::KEY_RESOURCE;

const INTERNAL: &str = "AWS Internal";

fn new_id() -> String {
    Uuid::from_bytes(random::uuid_bytes(&mut SystemRandom)).to_string()
}

fn resource(key: &Key) -> RecordResource {
    RecordResource { arn: key.arn().to_string(), account: key.account.to_string(), kind: KEY_RESOURCE }
}

fn entry(record: &ApiCall<'_>, region: &Region) -> Append {
    let mut text = String::with_capacity(1_024);
    record.write(&mut text);
    Append {
        kind: EntryKind::Record,
        time: record.time,
        partition: Partition::new(record.recipient.as_str(), region.as_str()),
        bytes: text.into(),
    }
}

/// `SynchronizeMultiRegionKey`: what is shared came to `replica`.
pub(crate) fn append_synchronization(tx: &mut Transaction<'_>, replica: &Key, now: Timestamp) {
    append_internal_call(tx, replica, "SynchronizeMultiRegionKey", now);
}

/// A call about `key` that the server made for its account.
pub(crate) fn append_internal_call(tx: &mut Transaction<'_>, key: &Key, event_name: &str, now: Timestamp) {
    let mut notes = Notes::default();
    notes.resources.push(resource(key));
    notes.set_response(Some(format!("{{\"keyId\":\"{}\"}}", key.arn())));
    let (request_id, event_id) = (new_id(), new_id());
    let record = ApiCall {
        time: now,
        event_source: Service::Kms.event_source(),
        event_name,
        region: &key.region,
        recipient: &key.account,
        shared_event_id: None,
        caller: Identity::Internal { account: &key.account },
        source_address: INTERNAL,
        user_agent: Some(INTERNAL),
        request_id: &request_id,
        event_id: &event_id,
        read_only: false,
        error: None,
        notes: &notes,
        tls: None,
    };
    tx.append(entry(&record, &key.region));
}

/// The record of this call where `key` is; it has the call's request id and an event id of its own.
pub(crate) fn append_elsewhere(call: &mut Call<'_>, key: &Key, event_name: &str, mut notes: Notes) {
    notes.resources = vec![resource(key)];
    let event_id = new_id();
    let caller = call.caller.clone();
    let address =
        call.origin.source_ip.map_or_else(|| INTERNAL.to_owned(), |ip| ip.to_canonical().to_string());
    let record = ApiCall {
        time: call.now,
        event_source: Service::Kms.event_source(),
        event_name,
        region: &key.region,
        recipient: &key.account,
        shared_event_id: None,
        caller: Identity::Known(&caller),
        source_address: &address,
        user_agent: call.origin.user_agent,
        request_id: call.origin.request_id,
        event_id: &event_id,
        read_only: false,
        error: None,
        notes: &notes,
        tls: None,
    };
    let entry = entry(&record, &key.region);
    call.tx.append(entry);
}
