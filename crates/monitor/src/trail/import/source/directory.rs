//! Polls a directory of the server: every file that looks like a log file, at any depth, once as long as it does not change.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use bytes::Bytes;
use keywatch_crypto::digest::sha256;
use keywatch_logfiles::{LogFiles, discover};
use keywatch_store::{Scan, StoreError};

use super::Inner;
use super::intake::{FILE_BYTES_MAX, Fetched, Intake, Marks};
use super::poll::PollError;
use super::record::{SEEN, part_key};
use crate::trail::verify::{file_name, is_digest_name};

/// Digests judged together.
const DIGESTS_AT_ONCE: usize = 32;
const PAGE: usize = 5_000;

/// What was read: of each file a name for its path, size and time.
pub(super) type Seen = HashSet<u128>;

/// A file to read.
#[derive(Clone, Debug)]
struct Entry {
    path: PathBuf,
    bytes: u64,
    name: u128,
}

/// Reads what is new, digests before log files.
pub(super) async fn poll(inner: &Inner, intake: &Intake<'_>, directory: &Path) -> Result<(), PollError> {
    let id = intake.source.id.clone();
    let held = inner.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    let mut seen = match held {
        Some(seen) => seen,
        None => stored(inner, &id).await?,
    };
    let outcome = read_new(intake, directory, &mut seen).await;
    inner.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id, seen);
    outcome
}

async fn stored(inner: &Inner, id: &str) -> Result<Seen, PollError> {
    let prefix = part_key(id, "");
    let mut seen = Seen::new();
    let mut after: Option<String> = None;
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE };
        let rows = inner.store.scan(SEEN, scan).await?;
        let is_last = rows.len() < PAGE;
        for row in &rows {
            let name = u128::from_str_radix(&row.key[prefix.len()..], 16);
            seen.insert(name.map_err(|_| StoreError::corrupt("a file that a source has read"))?);
        }
        after = rows.last().map(|row| row.key.clone());
        if is_last {
            return Ok(seen);
        }
    }
}

async fn read_new(intake: &Intake<'_>, directory: &Path, seen: &mut Seen) -> Result<(), PollError> {
    let directory = directory.to_owned();
    let known = std::mem::take(seen);
    let found = tokio::task::spawn_blocking(move || (find(&directory, &known), known)).await;
    let (found, known) =
        found.map_err(|_| PollError::Remote("looking into the directory was broken off".into()))?;
    *seen = known;
    let Found { mut digests, logs, fault } = found.map_err(PollError::Remote)?;
    if !intake.source.validate_digests {
        digests.clear();
    }
    let (files, bytes) =
        (digests.len() + logs.len(), digests.iter().chain(&logs).map(|entry| entry.bytes).sum());
    intake.inner.meters.expect(&intake.source.id, files as u64, bytes);
    for entries in digests.chunks(DIGESTS_AT_ONCE) {
        intake.check_stop()?;
        let mut files = Vec::with_capacity(entries.len());
        for entry in entries {
            files.extend(read(entry).await?);
        }
        intake.take_digests(files, marks(intake, entries)).await?;
        seen.extend(entries.iter().map(|entry| entry.name));
    }
    for entry in logs {
        intake.check_stop()?;
        let Some(file) = read(&entry).await? else { continue };
        intake.take_log(file, marks(intake, std::slice::from_ref(&entry))).await?;
        seen.insert(entry.name);
    }
    fault.map_or(Ok(()), |fault| Err(PollError::Remote(fault)))
}

#[derive(Debug, Default)]
struct Found {
    digests: Vec<Entry>,
    logs: Vec<Entry>,
    /// The first thing that could not be looked at.
    fault: Option<String>,
}

fn find(directory: &Path, seen: &Seen) -> Result<Found, String> {
    let LogFiles { files, faults } = discover(&[directory.to_owned()]).map_err(|error| error.to_string())?;
    let fault = faults.first().map(|(path, fault)| format!("{}: {fault}", path.display()));
    let mut found = Found { fault, ..Found::default() };
    for file in files {
        let Some(entry) = entry(file.path, file.bytes) else { continue };
        if seen.contains(&entry.name) {
            continue;
        }
        if is_digest_name(file_name(&entry.path.to_string_lossy())) {
            found.digests.push(entry);
        } else {
            found.logs.push(entry);
        }
    }
    Ok(found)
}

/// `None` for a file that is gone.
fn entry(path: PathBuf, bytes: u64) -> Option<Entry> {
    let metadata = std::fs::metadata(&path).ok()?;
    let mut text = path.as_os_str().as_encoded_bytes().to_vec();
    text.push(0);
    text.extend_from_slice(&metadata.len().to_be_bytes());
    text.extend_from_slice(&metadata.mtime().to_be_bytes());
    text.extend_from_slice(&metadata.mtime_nsec().to_be_bytes());
    let name = *sha256(&text).first_chunk().expect("a digest is longer than a name");
    Some(Entry { path, bytes, name: u128::from_be_bytes(name) })
}

/// The file; `None` when it is gone.
async fn read(entry: &Entry) -> Result<Option<Fetched>, PollError> {
    let name = entry.path.display().to_string();
    let is_too_large = entry.bytes > FILE_BYTES_MAX;
    let body = match is_too_large {
        true => Ok(Vec::new()),
        false => tokio::fs::read(&entry.path).await,
    };
    match body {
        Ok(body) => Ok(Some(Fetched {
            name,
            body: Bytes::from(body),
            bytes: entry.bytes,
            // A file that changed has another name in what was seen.
            tag: None,
            signature: None,
            is_too_large,
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PollError::Remote(format!("{name}: {error}"))),
    }
}

fn marks(intake: &Intake<'_>, entries: &[Entry]) -> Marks {
    let row = |entry: &Entry| part_key(&intake.source.id, &format!("{:032x}", entry.name));
    entries.iter().map(|entry| (SEEN, row(entry), Bytes::new())).collect()
}
