//! Takes a log file apart for its import. No I/O.

use std::ops::ControlFlow;

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_api::{AccountId, Region};
use keywatch_crypto::digest::sha256;
use uuid::Uuid;

use super::ImportError;
use keywatch_logfiles::{Faults, RawRecord, Reader};

/// Records of one import, together. Bounded by what one transaction of the store takes, with room for the
/// rows beside them.
pub(super) const TEXT_BYTES_MAX: usize = 48 << 20;
const _: () = assert!(TEXT_BYTES_MAX < keywatch_store::BATCH_BYTES_MAX);
/// An event's identity: its UUID, or a digest of whatever else names it.
pub(super) type EventId = [u8; 16];

/// A record to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: EventId,
    pub(super) time: Timestamp,
    pub(super) region: Region,
    /// Whose copy of the event it is, where the record says so.
    pub(super) account: Option<String>,
    /// Delivered to the importing account, so that it may be one of our own.
    pub(super) may_be_own: bool,
    /// The record's JSON text, unchanged.
    pub(super) json: Bytes,
}

/// A file's content.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) found: Vec<Found>,
    /// Elements that are no records, or that name no Region.
    pub(super) skipped: u64,
    /// What was wrong, in words.
    pub(super) faults: Vec<String>,
}

/// Reads a log file, plain or gzip. What comes before damage is kept and the damage named; a file without a
/// single record because of its damage is refused, and so is one with more than `text_bytes_max` of records.
pub(super) fn parse(file: &[u8], importer: &AccountId, text_bytes_max: usize) -> Result<Parsed, ImportError> {
    let mut parsed = Parsed::default();
    let mut bytes = 0;
    let mut without_region = 0;
    let summary = Reader::default().read_bytes(file, &mut |record| {
        bytes += record.json.len();
        if bytes > text_bytes_max {
            return ControlFlow::Break(());
        }
        match found(&record, importer) {
            Some(found) => parsed.found.push(found),
            None => without_region += 1,
        }
        ControlFlow::Continue(())
    });
    if summary.stopped_by_sink {
        return Err(ImportError::TooLarge { limit_mib: text_bytes_max >> 20 });
    }
    if summary.is_digest {
        return Err(ImportError::Digest);
    }
    let Faults { ended_by, records_skipped, first_skipped } = summary.faults;
    match ended_by {
        Some(fault) if summary.records == 0 => return Err(ImportError::Unusable(fault)),
        Some(fault) => parsed.faults.push(fault.to_string()),
        None => {}
    }
    if let Some((fault, at)) = first_skipped {
        parsed.faults.push(format!("{records_skipped} records skipped, the first at byte {at}: {fault}"));
    }
    if without_region > 0 {
        parsed.faults.push(format!("{without_region} records skipped that name no Region"));
    }
    parsed.skipped = records_skipped + without_region;
    Ok(parsed)
}

fn found(record: &RawRecord<'_>, importer: &AccountId) -> Option<Found> {
    Some(Found {
        id: event_id(record.event_id.as_deref().unwrap_or_default(), record.json),
        time: record.event_time,
        region: record.region.as_deref()?.parse().ok()?,
        account: record.account.as_deref().map(str::to_owned),
        may_be_own: record.account.as_deref() == Some(importer.as_str()),
        json: Bytes::copy_from_slice(record.json),
    })
}

/// Records before event version 1.01 have no ID; they are told by their text.
pub(super) fn event_id(name: &str, record: &[u8]) -> EventId {
    if let Ok(uuid) = Uuid::try_parse(name) {
        return uuid.into_bytes();
    }
    let digest = if name.is_empty() { sha256(record) } else { sha256(name.as_bytes()) };
    *digest.first_chunk().expect("a digest is longer than an event's identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &[u8], text_bytes_max: usize) -> Result<Parsed, ImportError> {
        super::parse(file, &"123456789012".parse().expect("an account"), text_bytes_max)
    }

    #[test]
    fn the_limit_is_on_records() {
        let record = r#"{"eventVersion":"1.08","eventTime":"2023-07-10T11:54:39Z","eventSource":"s","eventName":"n","awsRegion":"r"}"#;
        let file = format!(r#"{{"Records":[{record},{record}]}}"#);
        assert_eq!(parse(file.as_bytes(), 2 * record.len()).expect("it fits").found.len(), 2);
        let refused = parse(file.as_bytes(), 2 * record.len() - 1);
        assert!(matches!(refused, Err(ImportError::TooLarge { .. })));
    }

    #[test]
    fn records_without_an_id_are_told_by_their_text() {
        let record = |name: &str, id: &str| {
            format!(
                r#"{{"eventVersion":"1.0","eventTime":"2023-07-10T11:54:39Z","eventSource":"s","eventName":"{name}","awsRegion":"r"{id}}}"#
            )
        };
        let named = r#","eventID":"not a UUID""#;
        let records =
            [record("a", ""), record("b", ""), record("a", ""), record("c", named), record("d", named)];
        let file = format!(r#"{{"Records":[{}]}}"#, records.join(","));
        let found = parse(file.as_bytes(), TEXT_BYTES_MAX).expect("a log file").found;
        let ids: Vec<EventId> = found.iter().map(|record| record.id).collect();
        assert_eq!(ids[0], ids[2]);
        assert_eq!(ids[3], ids[4]);
        assert!(ids[0] != ids[1] && ids[0] != ids[3]);
    }
}
