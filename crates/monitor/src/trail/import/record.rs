//! What is stored of imports.

use jiff::Timestamp;
use keywatch_api::AccountId;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

/// Imports that added records, under [`import_key`].
pub(super) const IMPORT: Kind = Kind("trail.import");
/// The event IDs imported of one minute, under [`minute_key`]: 16 bytes each, in order.
pub(super) const IMPORTED: Kind = Kind("trail.imported");

/// One import, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ImportRecord {
    pub(super) id: String,
    pub(super) time: Timestamp,
    pub(super) name: Option<String>,
    pub(super) principal: String,
    pub(super) records: u64,
    pub(super) imported: u64,
    pub(super) duplicates: u64,
    pub(super) skipped: u64,
    pub(super) faults: Vec<String>,
}

impl Versioned for ImportRecord {
    const MARKER: &'static str = "trail.import/1";
}

/// The rows of an account's imports begin so.
pub(super) fn import_prefix(account: &AccountId) -> String {
    format!("{}/", account.as_str())
}

/// Later imports come first in the order of keys.
pub(super) fn import_key(account: &AccountId, time: Timestamp, id: &str) -> String {
    let before = i64::MAX.abs_diff(time.as_microsecond());
    format!("{}{before:020}/{id}", import_prefix(account))
}

/// The row for the event IDs of the minute in which an event happened: deliveries of an event agree on its
/// time, and the records of one file lie in few minutes.
pub(super) fn minute_key(account: &AccountId, minute: i64) -> String {
    format!("{}/{minute}", account.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_imports_come_first() {
        let account: AccountId = "111122223333".parse().expect("an account");
        let key = |time: &str| import_key(&account, time.parse().expect("a time"), "r");
        let newest_first = [
            "2026-11-22T10:00:00.000001Z",
            "2026-11-22T10:00:00Z",
            "1970-01-01T00:00:00Z",
            "1969-01-01T00:00:00Z",
        ];
        assert!(newest_first.map(key).is_sorted());
        assert!(key("2026-11-22T10:00:00Z").starts_with(&import_prefix(&account)));
    }
}
