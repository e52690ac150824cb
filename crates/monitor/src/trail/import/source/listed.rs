//! Log files against the digests that name them, whichever comes first: one row for each file that waits for the other side.
//!
//! **What a late digest contradicts stays:** the trail only grows, and metrics, alarms and rules acted on those records already. That they
//! are not what was delivered is a finding, and a record of its own ([`EVENT_NAME`]) in the trail of the importing account, which
//! alarms and rules can watch. A file that is restored afterwards is read again: records that differ in their `eventID` come in.

use keywatch_api::{Region, Service};
use keywatch_iam::record::ServiceEvent;
use keywatch_store::{Append, EntryKind, Partition, Transaction};
use serde::Serialize;
use uuid::Uuid;

use super::intake::Intake;
use super::layout::object_tail;
use super::poll::PollError;
use super::record::{LISTED, ListedRecord, ProgressRecord, part_key};
use crate::trail::digest::document::{ChainName, ListedFile};

/// The record of a contradiction.
const EVENT_NAME: &str = "ImportedLogFileContradicted";
/// How a finding begins that no later file takes back.
pub(super) const CONTRADICTED: &str = "contradicted";
const REFUSED: &str = "refused: its digest names another hash";
pub(super) const MISSING: &str = "a digest names it, and it is not there";

/// A log file that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'f> {
    /// An object's key, or a path.
    pub(super) name: &'f str,
    /// SHA-256 of its text in hexadecimal.
    pub(super) hash: &'f str,
    /// What tells an object from another one under its key.
    pub(super) tag: Option<&'f str>,
}

/// What a digest says of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// None has come that names it.
    Unknown,
    Matching,
    Refused,
}

/// Holds a log file against the digest that names it, if one does.
pub(super) async fn hold(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    file: Read<'_>,
) -> Result<Held, PollError> {
    let row = part_key(&intake.source.id, object_tail(file.name));
    match tx.get::<ListedRecord>(LISTED, &row).await? {
        Some(ListedRecord::Named { hash, told, .. }) if hash == file.hash => {
            progress.files_matching += 1;
            progress.restored += u64::from(told);
            progress.settle(file.name);
            tx.delete(LISTED, &row);
            Ok(Held::Matching)
        }
        Some(ListedRecord::Named { .. }) => {
            note_not_taken(tx, &row, file.tag).await?;
            progress.refused += 1;
            progress.find(intake.now(), file.name, REFUSED);
            Ok(Held::Refused)
        }
        Some(ListedRecord::Imported { .. }) | None => Ok(Held::Unknown),
    }
}

/// Notes that a log file was imported, for a digest to come that names it.
pub(super) async fn note_imported(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    file: Read<'_>,
    records: u64,
) -> Result<(), PollError> {
    let row = part_key(&intake.source.id, object_tail(file.name));
    let tag = file.tag.map(str::to_owned);
    let since = intake.now();
    Ok(tx.put(LISTED, &row, &ListedRecord::Imported { hash: file.hash.to_owned(), since, tag, records })?)
}

/// Notes of a file that a digest names, and that was told of, which object it was.
pub(super) async fn note_not_taken(
    tx: &mut Transaction<'_>,
    row: &str,
    tag: Option<&str>,
) -> Result<(), PollError> {
    if let Some(ListedRecord::Named { hash, since, .. }) = tx.get::<ListedRecord>(LISTED, row).await? {
        let not_taken = tag.map(str::to_owned);
        tx.put(LISTED, row, &ListedRecord::Named { hash, since, told: true, not_taken })?;
    }
    Ok(())
}

/// Holds what a digest names against what was imported already, and notes the rest.
pub(super) async fn note_named(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    chain: &ChainName,
    file: &ListedFile,
) -> Result<(), PollError> {
    let row = part_key(&intake.source.id, object_tail(&file.s3_object));
    let since = intake.now();
    let hash = file.hash_value.clone();
    match tx.get::<ListedRecord>(LISTED, &row).await? {
        Some(ListedRecord::Imported { hash: imported, .. }) if imported == hash => {
            progress.files_matching += 1;
            tx.delete(LISTED, &row);
        }
        Some(ListedRecord::Imported { hash: imported, tag, records, .. }) => {
            progress.files_changed += 1;
            let reason = format!(
                "{CONTRADICTED}: imported before its digest came, which names another hash; the {records} records that it brought stay"
            );
            progress.find(since, &file.s3_object, &reason);
            append_record(intake, tx, chain, file, &imported, records)?;
            tx.put(LISTED, &row, &ListedRecord::Named { hash, since, told: true, not_taken: tag })?;
        }
        Some(ListedRecord::Named { .. }) => {}
        None => {
            let named = ListedRecord::Named { hash, since, told: false, not_taken: None };
            tx.put(LISTED, &row, &named)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'d> {
    import_source: &'d str,
    bucket: &'d str,
    object: &'d str,
    imported_hash: &'d str,
    digest_hash: &'d str,
    records_kept: u64,
}

fn append_record(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    chain: &ChainName,
    file: &ListedFile,
    imported: &str,
    records: u64,
) -> Result<(), PollError> {
    let Ok(region) = chain.region.parse::<Region>() else { return Ok(()) };
    let details = Details {
        import_source: &intake.source.name,
        bucket: &file.s3_bucket,
        object: &file.s3_object,
        imported_hash: imported,
        digest_hash: &file.hash_value,
        records_kept: records,
    };
    let details = serde_json::to_string(&details)
        .map_err(|error| PollError::Remote(format!("a record cannot be written: {error}")))?;
    let (account, now) = (&intake.source.account, intake.now());
    let event = ServiceEvent {
        time: now,
        event_source: Service::Keywatch.event_source(),
        event_name: EVENT_NAME,
        region: &region,
        account,
        event_id: &Uuid::new_v4().to_string(),
        resources: &[],
        details: Some(&details),
    };
    let mut text = String::new();
    event.write(&mut text);
    let partition = Partition::new(account.as_str(), region.as_str());
    tx.append(Append { kind: EntryKind::Record, time: now, partition, bytes: text.into() });
    Ok(())
}
