//! Polls a bucket by listing its folders, each from its cursor on.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::SignedDuration;
use keywatch_store::{Scan, Transaction, decode, encode};

use super::bucket::Bucket;
use super::intake::{Change, Fetched, Intake, Marks};
use super::layout::{Folder, Holds};
use super::poll::PollError;
use super::record::{CURSOR, CursorRecord, LISTED, ListedRecord, ProgressRecord, part_key};

/// Objects fetched at once, ahead of the one that is taken in.
const AHEAD: usize = 8;
/// Digests judged together.
const DIGESTS_AT_ONCE: usize = 32;
/// Log files and digests looked back at in one poll.
const LOOK_ROWS_MAX: usize = 20_000;
const PAGE: usize = 1_000;
/// Objects asked for one by one, whether they are there, in one poll.
const ASKED_MAX: usize = 100;
/// After this time a digest that is still to come is not waited for any more, nor a file that a digest names.
const PATIENCE: SignedDuration = SignedDuration::from_hours(48);

/// Reads what is new, digests before log files. A folder that fails is told of and does not keep the others from being read.
pub(super) async fn poll(intake: &Intake<'_>, bucket: &Bucket) -> Result<(), PollError> {
    let mut failure = None;
    for folder in bucket.folders().await? {
        if folder.holds == Holds::Digests && !intake.source.validate_digests {
            continue;
        }
        match read_folder(intake, bucket, &folder).await {
            Ok(()) => {}
            Err(PollError::Remote(error)) => {
                failure.get_or_insert(PollError::Remote(format!("{}: {error}", folder.path)));
            }
            Err(error) => return Err(error),
        }
    }
    look_back(intake, bucket).await?;
    failure.map_or(Ok(()), Err)
}

async fn read_folder(intake: &Intake<'_>, bucket: &Bucket, folder: &Folder) -> Result<(), PollError> {
    let row = part_key(&intake.source.id, &folder.path);
    let stored = intake.inner.store.get(CURSOR, &row).await?;
    let mut cursor: CursorRecord = stored.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default();
    let look_back = intake.source.look_back();
    let start = cursor.start(folder, look_back);
    // What was read is known before the listing begins; it lists each key once.
    let known = cursor.clone();
    let keys = bucket.keys_after(folder, &start)?;
    let of = folder.clone();
    let keys = keys.try_filter(move |key| std::future::ready(known.is_new(&of, key)));
    let fetched = keys.map_ok(|key| async move { Ok((bucket.fetch(&key).await?, key)) }).try_buffered(AHEAD);
    let mut fetched = std::pin::pin!(fetched);
    let mut digests = Vec::new();
    while let Some((file, key)) = fetched.try_next().await? {
        intake.check_stop()?;
        // Deleted between list and fetch; what names it will say that it is missing.
        let Some(file) = file else { continue };
        cursor.pass(folder, &key, look_back);
        if folder.holds == Holds::Digests {
            digests.push(file);
            if digests.len() >= DIGESTS_AT_ONCE {
                intake.take_digests(std::mem::take(&mut digests), mark(&row, &cursor)?).await?;
            }
        } else {
            intake.take_log(file, mark(&row, &cursor)?).await?;
        }
    }
    if digests.is_empty() { Ok(()) } else { intake.take_digests(digests, mark(&row, &cursor)?).await }
}

fn mark(row: &str, cursor: &CursorRecord) -> Result<Marks, PollError> {
    Ok(vec![(CURSOR, row.to_owned(), encode(cursor)?)])
}

/// Looks at log files that a digest names and that did not come, and at those whose digest did not come.
pub(super) async fn look_back(intake: &Intake<'_>, bucket: &Bucket) -> Result<(), PollError> {
    if !intake.source.validate_digests {
        return Ok(());
    }
    let now = intake.now();
    let prefix = part_key(&intake.source.id, "");
    let (mut absent, mut forgotten) = (BTreeSet::new(), BTreeSet::new());
    let mut after: Option<String> = None;
    for _ in 0..LOOK_ROWS_MAX / PAGE {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE };
        let rows = intake.inner.store.scan(LISTED, scan).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| row.key.clone());
        for row in rows {
            match decode::<ListedRecord>(&row.bytes)? {
                ListedRecord::Named { told: false, .. } if absent.len() < ASKED_MAX => {
                    absent.insert(row.key);
                }
                ListedRecord::Imported { since, .. } if now.duration_since(since) > PATIENCE => {
                    forgotten.insert(row.key);
                }
                _ => {}
            }
        }
        if is_last {
            break;
        }
    }
    let mut asked = Vec::new();
    for row in absent {
        let (parent, tail) = (parent(bucket), &row[prefix.len()..]);
        let is_there = bucket.has(&format!("{parent}{tail}")).await?;
        asked.push((row, is_there));
    }
    if asked.is_empty() && forgotten.is_empty() {
        return Ok(());
    }
    intake.commit(&Marks::new(), &Change::LookedFor { asked: &asked, forgotten: &forgotten }).await
}

/// Notes which files are missing.
pub(super) async fn note_looked_for(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    asked: &[(String, bool)],
    forgotten: &BTreeSet<String>,
) -> Result<(), PollError> {
    for (row, is_there) in asked {
        if mark_told(tx, row).await? && !is_there {
            progress.files_missing += 1;
            let key = &row[part_key(&intake.source.id, "").len()..];
            progress.find(intake.now(), key, "a digest names it, and it is not there");
        }
    }
    for row in forgotten {
        tx.delete(LISTED, row);
    }
    Ok(())
}

/// Notes that a file was looked for, unless it was imported meanwhile.
pub(super) async fn mark_told(tx: &mut Transaction<'_>, row: &str) -> Result<bool, PollError> {
    match tx.get::<ListedRecord>(LISTED, row).await? {
        Some(ListedRecord::Named { hash, since, told: false }) => {
            tx.put(LISTED, row, &ListedRecord::Named { hash, since, told: true })?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// What stands before `AWSLogs/` in the bucket's keys.
fn parent(bucket: &Bucket) -> String {
    match (bucket.prefix.rfind("AWSLogs"), bucket.prefix.as_str()) {
        (Some(at), prefix) => prefix[..at].to_owned(),
        (None, "") => String::new(),
        (None, prefix) => format!("{prefix}/"),
    }
}

/// Fetches objects that something else named, in their order; those that are gone are left out.
pub(super) async fn fetch_named(bucket: &Bucket, keys: Vec<String>) -> Result<Vec<Fetched>, PollError> {
    let source = bucket.clone();
    let fetched = stream::iter(keys).map(move |key| source.clone().fetch_with_key(key)).buffered(AHEAD);
    let fetched: Vec<(Option<Fetched>, String)> = fetched.try_collect().await?;
    Ok(fetched.into_iter().filter_map(|(file, _)| file).collect())
}
