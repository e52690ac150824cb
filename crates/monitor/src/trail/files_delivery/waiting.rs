//! Log files that wait for their bucket: made and kept, and delivered once the trail has a bucket again.
//!
//! CloudTrail tries for thirty days to deliver what a bucket does not take (its user guide, "Redelivering log files"), and so do we; a trail
//! keeps at most [`WAITING_MAX`] files. They are looked at when buckets or trails change, and get their names and their places in the
//! chain of digests when they are delivered. **Not here:** an object store that fails, which delays the delivery of everything.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, Kind, Row, Scan, Seq, StoreError, Versioned, decode, encode};
use serde::{Deserialize, Serialize};

use super::drafts::Draft;
use super::log_file::{LogFile, Written, written};
use super::{Delivering, FilesDelivery};
use crate::buckets::{BUCKET, LOOSE, OBJECT, ObjectRecord, PlaceError, loose_marker, object_key};
use crate::trail::record::TRAIL;

/// Files that wait, under the row key of their trail, the position of their first record, and their Region.
pub(crate) const WAITING: Kind = Kind("trail.waiting");
const WAITING_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Files of one trail; what comes after them is not kept.
const WAITING_MAX: usize = 100_000;
/// Files that are looked at, and delivered, in one commit.
const FILES_AT_ONCE: usize = 500;

/// A file that waits. Its body lies in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WaitingFile {
    since: Timestamp,
    first: Seq,
    region: String,
    records: u64,
    newest: Timestamp,
    oldest: Timestamp,
    /// Of the text, in hexadecimal.
    hash: String,
    object: ObjectRecord,
}

impl Versioned for WaitingFile {
    const MARKER: &'static str = "trail.waiting/1";
}

/// What is known of files that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Files by the rows of their trails.
    files: BTreeMap<String, usize>,
    /// Generations of buckets and trails when they were last looked at.
    seen: Option<(u64, u64)>,
    /// When the oldest has waited long enough.
    expires: Option<Timestamp>,
}

/// What is done with the files of one trail.
enum Verdict {
    /// To the trail of this index.
    Deliver(usize),
    Wait,
    Forget,
}

impl FilesDelivery {
    /// Whether files wait, according to the store.
    pub(super) async fn load_waiting(&mut self) -> Result<(), StoreError> {
        let some = self.store.scan(WAITING, Scan { prefix: "", after: None, limit: 1 }).await?;
        self.waiting = (!some.is_empty()).then(Waiting::default);
        Ok(())
    }

    /// When files that wait are to be looked at.
    pub(super) fn waiting_due(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.waiting.as_ref()?;
        if waiting.seen == Some(self.seen_now()) { waiting.expires } else { Some(now) }
    }

    fn seen_now(&self) -> (u64, u64) {
        (self.store.generation(BUCKET), self.store.generation(TRAIL))
    }

    /// Makes the file of a draft and keeps it. A trail that has ended without a successor that wants the same bucket keeps nothing.
    pub(super) async fn keep_waiting(
        &self,
        delivering: &mut Delivering,
        (index, region): (usize, &str),
        draft: Draft,
        now: Timestamp,
    ) -> Result<(), PlaceError> {
        let served = &self.trails[index];
        let row = &served.row;
        let kept = self.waiting.as_ref().and_then(|waiting| waiting.files.get(row)).copied().unwrap_or(0);
        let goes_on = self
            .current(row)
            .is_some_and(|current| self.trails[current].trail.s3_bucket_name == served.trail.s3_bucket_name);
        if !goes_on || kept >= WAITING_MAX {
            tracing::warn!(
                trail = row,
                records = draft.records.len(),
                "Records of a trail without a bucket are not kept"
            );
            return Ok(());
        }
        let file = LogFile { trail: &served.trail, region, first: draft.first, delivered: now };
        let (first, records) = (draft.first, draft.records.len() as u64);
        let (newest, oldest) = (draft.newest, draft.oldest);
        let Written { object, body, hash } = written(&file, draft.records).await?;
        self.bodies.lay(&self.store, &mut delivering.batch, &object, body).await?;
        let file = WaitingFile {
            since: now,
            first,
            region: region.to_owned(),
            records,
            newest,
            oldest,
            hash,
            object,
        };
        let key = format!("{row}/{first:020}/{region}");
        delivering.batch.puts.push((WAITING, key, encode(&file)?));
        *delivering.waiting.entry(row.clone()).or_default() += 1;
        Ok(())
    }

    /// Counts files that were kept.
    pub(super) fn note_waiting(&mut self, kept: BTreeMap<String, usize>) {
        for (row, files) in kept {
            *self.waiting.get_or_insert_default().files.entry(row).or_default() += files;
        }
    }

    /// Delivers files whose bucket is there, and forgets those that waited too long or have no trail any more.
    pub(super) async fn look_at_waiting(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let mut waiting = Waiting { seen: Some(self.seen_now()), ..Waiting::default() };
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: FILES_AT_ONCE };
            let rows = self.store.scan(WAITING, scan).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for (trail, files) in by_trail(rows)? {
                match self.verdict(&trail).await? {
                    Verdict::Deliver(index) => self.deliver_waiting(index, files, now).await?,
                    Verdict::Forget => self.forget_waiting(&trail, files).await?,
                    Verdict::Wait => {
                        let (old, young): (Vec<_>, Vec<_>) =
                            files.into_iter().partition(|(_, file)| file.since + WAITING_FOR <= now);
                        let expires = young.iter().map(|(_, file)| file.since + WAITING_FOR).min();
                        waiting.expires = [waiting.expires, expires].into_iter().flatten().min();
                        if !young.is_empty() {
                            *waiting.files.entry(trail.clone()).or_default() += young.len();
                        }
                        self.forget_waiting(&trail, old).await?;
                    }
                }
            }
        }
        self.waiting = (!waiting.files.is_empty()).then_some(waiting);
        Ok(())
    }

    /// The index of the trail that has this row now.
    fn current(&self, row: &str) -> Option<usize> {
        self.trails.iter().position(|served| served.row == row && served.ended.is_none())
    }

    async fn verdict(&self, row: &str) -> Result<Verdict, StoreError> {
        let Some(index) = self.current(row) else { return Ok(Verdict::Forget) };
        let bucket = self.store.get(BUCKET, &self.trails[index].trail.s3_bucket_name).await?;
        Ok(if bucket.is_some() { Verdict::Deliver(index) } else { Verdict::Wait })
    }

    async fn deliver_waiting(
        &mut self,
        index: usize,
        files: Vec<(String, WaitingFile)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut delivering = Delivering::default();
        let trail = &self.trails[index].trail;
        for (row, file) in files {
            let name = LogFile { trail, region: &file.region, first: file.first, delivered: now }.key();
            let object = ObjectRecord { modified: now, ..file.object };
            let place = object_key(&trail.s3_bucket_name, &name);
            delivering.batch.puts.push((OBJECT, place, encode(&object)?));
            delivering.batch.deletes.push((WAITING, row));
            let numbered = super::Numbered {
                region: &file.region,
                key: name,
                hash: file.hash,
                records: file.records,
                newest: file.newest,
                oldest: file.oldest,
            };
            self.number(&mut delivering, index, numbered, now)?;
        }
        let (batch, chains) = self.finish(delivering, now).await?;
        self.commit(batch).await?;
        self.chains.extend(chains);
        if !self.trails[index].trail.is_logging() {
            // Its chain was opened once more, and has to end.
            self.generation = None;
        }
        Ok(())
    }

    async fn forget_waiting(&self, trail: &str, files: Vec<(String, WaitingFile)>) -> Result<(), StoreError> {
        if files.is_empty() {
            return Ok(());
        }
        let records: u64 = files.iter().map(|(_, file)| file.records).sum();
        tracing::warn!(
            trail,
            records,
            "Records that waited for the bucket of a trail are not delivered to it"
        );
        let (mut batch, mut bodies) = (Batch::default(), Vec::with_capacity(files.len()));
        for (row, file) in files {
            batch.deletes.push((WAITING, row));
            for piece in file.object.body {
                batch.puts.push((LOOSE, piece.name.clone(), loose_marker()));
                bodies.push(piece.name);
            }
        }
        self.commit(batch).await?;
        self.bodies.discard(&self.store, bodies).await;
        Ok(())
    }
}

/// Files with their rows, by the rows of their trails.
fn by_trail(rows: Vec<Row>) -> Result<BTreeMap<String, Vec<(String, WaitingFile)>>, StoreError> {
    let mut trails: BTreeMap<String, Vec<(String, WaitingFile)>> = BTreeMap::new();
    for row in rows {
        let trail = row.key.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
        let file = decode(&row.bytes)?;
        trails.entry(trail).or_default().push((row.key, file));
    }
    Ok(trails)
}
