//! `DeleteKey`: the waiting period of a scheduled deletion is over; key, aliases and material go.

use jiff::Timestamp;
use keywatch_store::Transaction;

use super::append_service_record;
use crate::key::Key;
use crate::rows;

pub(super) fn delete_key(tx: &mut Transaction<'_>, key: &Key, now: Timestamp) {
    rows::remove(tx, key);
    append_service_record(tx, key, "DeleteKey", &format!("{{\"keyId\":\"{}\"}}", key.id), now);
}
