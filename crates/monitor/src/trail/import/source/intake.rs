//! Takes one fetched log file in: its records, what is noted of it, and the counts, in one commit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use keywatch_store::{CommitError, Kind, Transaction, decode, encode};

use super::http::Guarded;
use super::layout::object_tail;
use super::listed::Held;
use super::poll::PollError;
use super::record::{FindingRecord, PROGRESS, ProgressRecord, SOURCE, SourceRecord, part_key};
use super::{Inner, digests, listed, look_back};
use crate::trail::import::ImportError;
use crate::trail::import::parse::{Found, Parsed, TEXT_BYTES_MAX, parse};
use crate::trail::import::take_in::take_in;
use crate::trail::verify::Inflater;

/// A file as it lies there; larger ones are refused.
pub(super) const FILE_BYTES_MAX: u64 = 64 << 20;
/// Attempts at one commit, while calls import the same minutes.
const ATTEMPTS_MAX: u32 = 16;

/// A file that was fetched.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    /// An object's key, or a path.
    pub(super) name: String,
    pub(super) body: Bytes,
    /// Its size as it lies there.
    pub(super) bytes: u64,
    /// What tells an object from another one under its key.
    pub(super) tag: Option<String>,
    /// The metadata `signature` of a digest.
    pub(super) signature: Option<String>,
    /// Larger than [`FILE_BYTES_MAX`]; the body is then left out.
    pub(super) is_too_large: bool,
}

/// Rows that say that a file was read; committed with what was read.
pub(super) type Marks = Vec<(Kind, String, Bytes)>;

/// What is to be committed.
#[derive(Debug)]
pub(super) enum Change<'c> {
    Log {
        file: listed::Read<'c>,
        parsed: &'c Parsed,
    },
    /// No log file lies where one might.
    NoLog {
        name: &'c str,
        tag: Option<&'c str>,
    },
    Unusable {
        name: &'c str,
        tag: Option<&'c str>,
        reason: &'c str,
    },
    Digests(&'c digests::Read),
    /// Log files that digests name and that are not there; and those whose digest is not waited for any more: rows.
    LookedFor {
        absent: &'c [String],
        forgotten: &'c BTreeSet<String>,
    },
    /// A message names an object that is not there.
    Absent {
        key: &'c str,
    },
    /// Messages that were read, and ids of those that could not be.
    Notices {
        read: u64,
        malformed: &'c [&'c str],
    },
}

/// Takes the files of one source in.
#[derive(Debug)]
pub(super) struct Intake<'a> {
    pub(super) inner: &'a Inner,
    pub(super) source: &'a SourceRecord,
    /// To ask for public keys; a directory has nobody to ask.
    pub(super) http: Option<&'a Guarded>,
    /// Whether a listing counts what there is.
    pub(super) is_counted: bool,
}

/// What a log file came to.
struct Content {
    parsed: Result<Parsed, ImportError>,
    /// SHA-256 of its text in hexadecimal; of what is no gzip, of its bytes.
    hash: String,
}

impl<'a> Intake<'a> {
    pub(super) fn new(inner: &'a Inner, source: &'a SourceRecord, http: Option<&'a Guarded>) -> Self {
        Self { inner, source, http, is_counted: false }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Between two files: whether to go on.
    pub(super) fn check_stop(&self) -> Result<(), PollError> {
        if self.inner.is_stopping() { Err(PollError::Stopping) } else { Ok(()) }
    }

    /// Takes a log file in, or notes why not.
    pub(super) async fn take_log(&self, file: Fetched, marks: Marks) -> Result<(), PollError> {
        let bytes = file.bytes;
        self.take_log_in(file, marks).await?;
        self.inner.meters.pass(&self.source.id, 1, bytes);
        Ok(())
    }

    async fn take_log_in(&self, file: Fetched, marks: Marks) -> Result<(), PollError> {
        let (name, tag) = (file.name.clone(), file.tag.clone());
        let tag = tag.as_deref();
        if file.is_too_large {
            let reason =
                format!("larger than {} MiB; import it with `keywatch import`", FILE_BYTES_MAX >> 20);
            return self.commit(&marks, &Change::Unusable { name: &name, tag, reason: &reason }).await;
        }
        let importer = self.source.account.clone();
        let content = tokio::task::spawn_blocking(move || {
            let hash = Inflater::default().hash(&file.body).map(|(hash, _)| hash);
            let hash = hash.unwrap_or_else(|_| hex::encode(keywatch_crypto::digest::sha256(&file.body)));
            Content { parsed: parse(&file.body, &importer, TEXT_BYTES_MAX), hash }
        });
        let content = content.await.map_err(|_| PollError::Remote("reading a file was broken off".into()))?;
        match content.parsed {
            Ok(parsed) => {
                let file = listed::Read { name: &name, hash: &content.hash, tag };
                self.commit(&marks, &Change::Log { file, parsed: &parsed }).await
            }
            // A digest among log files is none of them, and nothing wrong.
            Err(ImportError::Digest) => self.commit(&marks, &Change::NoLog { name: &name, tag }).await,
            Err(error) => {
                let reason = error.to_string();
                self.commit(&marks, &Change::Unusable { name: &name, tag, reason: &reason }).await
            }
        }
    }

    async fn note_log(
        &self,
        tx: &mut Transaction<'_>,
        progress: &mut ProgressRecord,
        file: listed::Read<'_>,
        parsed: &Parsed,
    ) -> Result<(), PollError> {
        let held = match self.source.validate_digests {
            true => listed::hold(self, tx, progress, file).await?,
            false => Held::Unknown,
        };
        if held == Held::Refused {
            return Ok(());
        }
        let places: Vec<(String, Timestamp)> = parsed.found.iter().map(place_of).collect();
        let taken = take_in(tx, &self.inner.history, &self.source.account, parsed.found.clone()).await?;
        progress.files += 1;
        progress.records += parsed.found.len() as u64;
        progress.imported += taken.len() as u64;
        progress.duplicates += (parsed.found.len() - taken.len()) as u64;
        progress.skipped += parsed.skipped;
        let mut new = BTreeMap::<(String, Timestamp), u64>::new();
        for record in &taken {
            *new.entry((shown(record.account.as_deref(), &record.region), record.time)).or_default() += 1;
        }
        for place in places {
            let left = new.entry(place.clone()).or_default();
            progress.see(&place.0, place.1, *left > 0);
            *left = left.saturating_sub(1);
        }
        for fault in &parsed.faults {
            progress.find(self.now(), file.name, fault);
        }
        if self.source.validate_digests && held == Held::Unknown {
            listed::note_imported(self, tx, file, taken.len() as u64).await?;
        }
        Ok(())
    }

    /// Commits a change with `marks`, if the source is still there; works it out again when somebody else changed what it saw.
    pub(super) async fn commit(&self, marks: &Marks, change: &Change<'_>) -> Result<(), PollError> {
        let key = self.source.key();
        for _ in 0..ATTEMPTS_MAX {
            let mut tx = Transaction::new(&self.inner.store);
            match tx.get::<SourceRecord>(SOURCE, &key).await? {
                Some(source) if source.id == self.source.id => tx.require_unchanged(SOURCE, &key),
                _ => return Err(PollError::Gone),
            }
            let mut progress = tx.get::<ProgressRecord>(PROGRESS, &self.source.id).await?.unwrap_or_default();
            self.apply(change, &mut tx, &mut progress).await?;
            tx.put_bytes(PROGRESS, &self.source.id, encode(&progress)?);
            for (kind, row, bytes) in marks {
                tx.put_bytes(*kind, row, bytes.clone());
            }
            match tx.commit().await {
                Ok(_) => {
                    self.warn(&progress.fresh);
                    return Ok(());
                }
                Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(PollError::Remote("other imports kept changing the same minutes".into()))
    }

    async fn apply(
        &self,
        change: &Change<'_>,
        tx: &mut Transaction<'_>,
        progress: &mut ProgressRecord,
    ) -> Result<(), PollError> {
        match change {
            Change::Log { file, parsed } => self.note_log(tx, progress, *file, parsed).await?,
            Change::NoLog { name, tag } => {
                listed::note_not_taken(tx, &part_key(&self.source.id, object_tail(name)), *tag).await?;
            }
            Change::Unusable { name, tag, reason } => {
                listed::note_not_taken(tx, &part_key(&self.source.id, object_tail(name)), *tag).await?;
                progress.unusable += 1;
                progress.find(self.now(), name, reason);
            }
            Change::Digests(read) => digests::note(self, tx, progress, read).await?,
            Change::LookedFor { absent, forgotten } => {
                look_back::note_looked_for(self, tx, progress, absent, forgotten).await?;
            }
            Change::Absent { key } => {
                progress.files_missing += 1;
                progress.find(self.now(), key, "a message names it, and it is not there");
            }
            Change::Notices { read, malformed } => {
                progress.notices += read;
                progress.malformed += malformed.len() as u64;
                for id in *malformed {
                    let reason = "the message says nothing of new objects; it stays in the queue";
                    progress.find(self.now(), &format!("message {id}"), reason);
                }
            }
        }
        Ok(())
    }

    /// Tells the log of the server what was found wrong.
    fn warn(&self, findings: &VecDeque<FindingRecord>) {
        for FindingRecord { place, reason, .. } in findings {
            let source = &self.source.name;
            tracing::warn!(source.name = %source, place, reason, "An import source found something wrong");
        }
    }

    /// The counts as they are.
    pub(super) async fn progress(&self) -> Result<ProgressRecord, PollError> {
        let row = self.inner.store.get(PROGRESS, &self.source.id).await?;
        Ok(row.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default())
    }

    /// Judges digests and notes what they name.
    pub(super) async fn take_digests(&self, files: Vec<Fetched>, marks: Marks) -> Result<(), PollError> {
        let (count, bytes) = (files.len() as u64, files.iter().map(|file| file.bytes).sum());
        digests::take(self, files, marks).await?;
        self.inner.meters.pass(&self.source.id, count, bytes);
        Ok(())
    }
}

fn place_of(found: &Found) -> (String, Timestamp) {
    (shown(found.account.as_deref(), &found.region), found.time)
}

/// `111122223333/us-east-1`
fn shown(account: Option<&str>, region: &keywatch_api::Region) -> String {
    format!("{}/{}", account.unwrap_or("unknown"), region.as_str())
}
