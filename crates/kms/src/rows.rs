//! Keys in the store: reading, and writing so that the index of due things always fits.
//!
//! **Invariant:** a key with something due has exactly one row in [`DUE`], at the moment of [`due::next`]. It holds because every
//! write of a key goes through here.

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{Kind, Transaction};

use crate::aliases::{self, ALIASES};
use crate::due;
use crate::error::KmsError;
use crate::key::{KEYS, Key};

/// What is due: `time/account/region/id`, empty rows.
pub(crate) const DUE: Kind = Kind("kms.due");

/// Adds a new key.
pub(crate) fn insert(tx: &mut Transaction<'_>, key: &Key) -> Result<(), KmsError> {
    tx.insert(KEYS, &key.row(), key)?;
    index(tx, key);
    Ok(())
}

/// Replaces a key that was read in this transaction by what `transition` makes of it.
pub(crate) fn change(
    tx: &mut Transaction<'_>,
    key: Key,
    transition: impl FnOnce(Key) -> Result<Key, KmsError>,
) -> Result<Key, KmsError> {
    let before = due_row(&key);
    let key = transition(key)?;
    if let Some(row) = before.filter(|row| due_row(&key).as_ref() != Some(row)) {
        tx.delete(DUE, &row);
    }
    index(tx, &key);
    tx.put(KEYS, &key.row(), &key)?;
    Ok(key)
}

/// Removes a key and its aliases.
pub(crate) fn remove(tx: &mut Transaction<'_>, key: &Key) {
    for name in &key.aliases {
        tx.delete(ALIASES, &aliases::row(&key.account, &key.region, name));
    }
    if let Some(row) = due_row(key) {
        tx.delete(DUE, &row);
    }
    tx.delete(KEYS, &key.row());
}

fn index(tx: &mut Transaction<'_>, key: &Key) {
    if let Some(row) = due_row(key) {
        tx.put_bytes(DUE, &row, Bytes::new());
    }
}

/// The row of a key in [`DUE`].
pub(crate) fn due_row(key: &Key) -> Option<String> {
    due::next(key).map(|due| format!("{}/{}", due_prefix(due), key.row()))
}

/// Fixed width, so that rows are in order of time: `2026-11-22T07:00:00.000000000Z`.
pub(crate) fn due_prefix(due: Timestamp) -> String {
    due.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

/// Takes a row of [`DUE`] apart: the moment, and the key's row.
pub(crate) fn split_due_row(row: &str) -> Option<(Timestamp, &str)> {
    let (due, key) = row.split_once('/')?;
    Some((due.parse().ok()?, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_rows_are_in_order_of_time_and_come_apart() {
        let times = [
            "2026-11-22T07:00:00Z",
            "2026-11-22T07:00:00.000000001Z",
            "2026-11-22T07:00:00.5Z",
            "2027-01-01T00:00:00Z",
        ];
        let rows: Vec<String> =
            times.iter().map(|time| format!("{}/a/r/id", due_prefix(time.parse().unwrap()))).collect();
        assert!(rows.is_sorted(), "{rows:?}");
        for (row, time) in rows.iter().zip(times) {
            assert_eq!(split_due_row(row), Some((time.parse().unwrap(), "a/r/id")));
        }
        assert_eq!(split_due_row("tomorrow/a/r/id"), None);
    }
}
