//! Polls a bucket by listing its folders, each from its cursor on.

use std::pin::pin;

use futures_util::future::{Either, select};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use keywatch_store::{decode, encode};

use super::bucket::Bucket;
use super::intake::{Fetched, Intake, Marks};
use super::layout::{Folder, Holds};
use super::look_back::look_back;
use super::poll::PollError;
use super::record::{CURSOR, CursorRecord, part_key};

/// Objects fetched at once, ahead of the one that is taken in.
const AHEAD: usize = 8;
/// Digests judged together.
const DIGESTS_AT_ONCE: usize = 32;

/// Reads what is new, digests before log files. A folder that fails is told of and does not keep the others from being read.
pub(super) async fn poll(intake: &Intake<'_>, bucket: &Bucket) -> Result<(), PollError> {
    let mut folders = bucket.folders().await?;
    folders.retain(|folder| folder.holds == Holds::Logs || intake.source.validate_digests);
    if !intake.is_counted {
        return read(intake, bucket, &folders).await;
    }
    // Where reading begins, known before it does.
    let mut begins = Vec::with_capacity(folders.len());
    for folder in &folders {
        begins.push((folder.clone(), cursor_of(intake, folder).await?));
    }
    let (reading, counting) = (pin!(read(intake, bucket, &folders)), pin!(count(intake, bucket, begins)));
    match select(reading, counting).await {
        Either::Left((read, _)) => read,
        Either::Right((counted, reading)) => {
            if let Err(error) = counted {
                tracing::debug!(%error, "How much there is to import could not be counted");
            }
            reading.await
        }
    }
}

/// Counts what is to be read, for those who look on.
async fn count(
    intake: &Intake<'_>,
    bucket: &Bucket,
    begins: Vec<(Folder, CursorRecord)>,
) -> Result<(), PollError> {
    let (mut files, mut bytes) = (0, 0);
    for (folder, cursor) in begins {
        let mut listed = bucket.keys_after(&folder, &cursor.start(&folder, intake.source.look_back()))?;
        while let Some(object) = listed.try_next().await? {
            if cursor.is_new(&folder, &object.key) {
                files += 1;
                bytes += object.bytes;
            }
        }
    }
    intake.inner.meters.expect(&intake.source.id, files, bytes);
    Ok(())
}

async fn cursor_of(intake: &Intake<'_>, folder: &Folder) -> Result<CursorRecord, PollError> {
    let row = part_key(&intake.source.id, &folder.path);
    let stored = intake.inner.store.get(CURSOR, &row).await?;
    Ok(stored.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default())
}

async fn read(intake: &Intake<'_>, bucket: &Bucket, folders: &[Folder]) -> Result<(), PollError> {
    let mut failure = None;
    for folder in folders {
        match read_folder(intake, bucket, folder).await {
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
    let mut cursor = cursor_of(intake, folder).await?;
    let look_back = intake.source.look_back();
    let start = cursor.start(folder, look_back);
    // What was read is known before the listing begins; it lists each key once.
    let known = cursor.clone();
    let keys = bucket.keys_after(folder, &start)?;
    let of = folder.clone();
    let keys = keys.try_filter(move |object| std::future::ready(known.is_new(&of, &object.key)));
    let fetched = keys.map_ok(|object| async move { Ok((bucket.fetch(&object.key).await?, object.key)) });
    let fetched = fetched.try_buffered(AHEAD);
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

/// Fetches objects that something else named, in their order; those that are gone are left out.
pub(super) async fn fetch_named(bucket: &Bucket, keys: Vec<String>) -> Result<Vec<Fetched>, PollError> {
    let source = bucket.clone();
    let fetched = stream::iter(keys).map(move |key| source.clone().fetch_with_key(key)).buffered(AHEAD);
    let fetched: Vec<(Option<Fetched>, String)> = fetched.try_collect().await?;
    Ok(fetched.into_iter().filter_map(|(file, _)| file).collect())
}
