//! # Delivery of log files
//! Every five minutes the records since the last time are written, for each trail that logs, as one gzip file an account and
//! Region into the trail's bucket, where AWS would put it.
//!
//! **Exactly once:** files become visible with the commit that moves the position in the log on; a crash before it leaves
//! bodies that nothing points to, and the records are delivered by the next run. What fails is tried again later and shown
//! by `GetTrailStatus`; no other follower waits for it. **Not here:** digests, the log group of a trail (`logs`).

mod log_file;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_store::{
    Batch, CommitError, EntryKind, Kind, LogEntry, Partition, Scan, Seq, Store, StoreError, Versioned,
    decode, encode,
};
use serde::{Deserialize, Serialize};

use self::log_file::{LogFile, written};
use super::record::{TRAIL, TrailRecord};
use crate::buckets::{BUCKET, Bodies, BodyError, LOOSE, OBJECT, loose_marker, object_key};
use crate::engine::{Follower, commit_position, stored_position};
use crate::entry::{Body, Message, Target};

const NAME: &str = "trail.files";
/// AWS: "about every five minutes".
const INTERVAL: SignedDuration = SignedDuration::from_mins(5);
/// After an object store failed.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// Bytes of the log that are delivered in one step; other followers have their turn between steps.
const STEP_BYTES_MAX: usize = 8 << 20;
const TRAILS_AT_ONCE: usize = 1_000;

/// How delivery went, under the row key of the trail.
pub(crate) const DELIVERY: Kind = Kind("trail.delivery");

/// What `GetTrailStatus` tells of delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    /// When a file was last delivered.
    pub(crate) latest: Option<Timestamp>,
    /// The code of what the last attempt failed with.
    pub(crate) error: Option<String>,
}

impl Versioned for DeliveryRecord {
    const MARKER: &'static str = "trail.delivery/1";
}

/// See the module.
#[derive(Debug)]
pub struct FilesDelivery {
    store: Store,
    bodies: Bodies,
    /// Where the log was seen to.
    position: Seq,
    /// Where the log was delivered to: the stored position.
    delivered: Seq,
    due: Option<Timestamp>,
    /// Trails by their row keys.
    trails: Vec<(String, TrailRecord)>,
    generation: Option<u64>,
}

/// What selectors ask of a record.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct About<'r> {
    #[serde(borrow)]
    event_source: Cow<'r, str>,
    read_only: bool,
}

/// What one file will hold.
#[derive(Debug)]
struct Draft {
    first: Seq,
    records: Vec<Bytes>,
}

/// Drafts by the index of their trail and by Region.
type Drafts = BTreeMap<(usize, String), Draft>;

/// A failure of one step.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl FilesDelivery {
    /// Delivery that resumes where the store says it stopped.
    pub async fn open(store: Store, bodies: Bodies) -> Result<Self, StoreError> {
        let delivered = stored_position(&store, NAME).await?;
        Ok(Self {
            store,
            bodies,
            position: delivered,
            delivered,
            due: None,
            trails: Vec::new(),
            generation: None,
        })
    }

    /// Trails as they are now. What was logged under the trails as they were is delivered to them first.
    async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let generation = self.store.generation(TRAIL);
        if self.generation == Some(generation) {
            return Ok(());
        }
        while self.generation.is_some() && self.delivered < self.position {
            if !self.attempt(now).await? {
                break;
            }
        }
        let scan = Scan { prefix: "", after: None, limit: TRAILS_AT_ONCE };
        let rows = self.store.scan(TRAIL, scan).await?;
        self.trails = rows
            .into_iter()
            .map(|row| Ok((row.key, decode(&row.bytes)?)))
            .collect::<Result<_, StoreError>>()?;
        self.generation = Some(generation);
        Ok(())
    }

    /// Delivers a step; a failing object store is told to the log and to the trails, and tried again later.
    async fn attempt(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        match self.step(now).await {
            Ok(()) => Ok(true),
            Err(StepError::Store(error)) => Err(error),
            Err(StepError::Body(error)) => {
                tracing::warn!(error = %error, "Log files could not be delivered; they will be tried again");
                self.due = Some(now + RETRY);
                self.note_failure().await?;
                Ok(false)
            }
        }
    }

    async fn step(&mut self, now: Timestamp) -> Result<(), StepError> {
        let mut batch = Batch::default();
        let mut last = self.position;
        if self.trails.iter().any(|(_, trail)| trail.started.is_some()) {
            let entries = self.store.read_log(self.delivered, STEP_BYTES_MAX).await?;
            let entries = &entries[..entries.partition_point(|entry| entry.seq <= self.position)];
            last = entries.last().map_or(self.position, |entry| entry.seq);
            let drafts = self.drafts(entries);
            batch = self.write(drafts, now).await?;
        }
        match commit_position(&self.store, NAME, last, batch).await {
            Ok(()) => {
                self.delivered = last;
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Conflict { kind, .. }) => {
                let text = format!("a commit without demands conflicted in {}", kind.0);
                Err(StoreError::corrupt(text).into())
            }
        }
    }

    /// Sorts records into files.
    fn drafts(&self, entries: &[LogEntry]) -> Drafts {
        let asked = self.trails.iter().any(|(_, trail)| trail.selectors.is_some());
        let mut drafts = Drafts::new();
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Record) {
            let about: About<'_> = if asked {
                serde_json::from_slice(&entry.bytes).unwrap_or_default()
            } else {
                About::default()
            };
            for (index, (_, trail)) in self.trails.iter().enumerate() {
                if takes(trail, &entry.partition, entry.time)
                    && trail.selects(&about.event_source, about.read_only)
                {
                    let draft = drafts
                        .entry((index, entry.partition.region().to_owned()))
                        .or_insert_with(|| Draft { first: entry.seq, records: Vec::new() });
                    draft.records.push(entry.bytes.clone());
                }
            }
        }
        drafts
    }

    /// Writes the bodies of the files, and gives the batch that makes them visible.
    async fn write(&self, drafts: Drafts, now: Timestamp) -> Result<Batch, StepError> {
        let mut batch = Batch::default();
        let mut deliveries: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for ((index, region), draft) in drafts {
            let trail = &self.trails[index].1;
            if self.store.get(BUCKET, &trail.s3_bucket_name).await?.is_none() {
                deliveries.entry(index).or_default();
                continue;
            }
            let file = LogFile { trail, region: &region, first: draft.first, delivered: now };
            let key = file.key();
            let (object, body) = written(&file, draft.records).await?;
            let name = object.body[0].name.clone();
            let loose = Batch { puts: vec![(LOOSE, name.clone(), loose_marker())], ..Batch::default() };
            match self.store.commit(loose).await {
                Ok(_) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(conflict) => return Err(StoreError::corrupt(conflict.to_string()).into()),
            }
            self.bodies.write(&name, body).await?;
            batch.deletes.push((LOOSE, name));
            batch.puts.push((OBJECT, object_key(&trail.s3_bucket_name, &key), encode(&object)?));
            deliveries.entry(index).or_default().push(key);
        }
        for (index, keys) in deliveries {
            let (row, trail) = &self.trails[index];
            batch.puts.push((DELIVERY, row.clone(), encode(&self.outcome(row, &keys, now).await?)?));
            if let Some(topic) = trail.sns_topic_arn.clone().filter(|_| !keys.is_empty()) {
                let home = Partition::new(&trail.account, &trail.home_region);
                batch.appends.push(announcement(topic, &trail.s3_bucket_name, &keys).append(home, now));
            }
        }
        Ok(batch)
    }

    /// A trail whose bucket is gone loses what was logged meanwhile, and says so.
    async fn outcome(
        &self,
        row: &str,
        keys: &[String],
        now: Timestamp,
    ) -> Result<DeliveryRecord, StoreError> {
        if keys.is_empty() {
            let before = stored_delivery(&self.store, row).await?;
            return Ok(DeliveryRecord { error: Some("NoSuchBucket".into()), ..before });
        }
        Ok(DeliveryRecord { latest: Some(now), error: None })
    }

    async fn note_failure(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (row, trail) in &self.trails {
            if trail.is_logging() {
                let before = stored_delivery(&self.store, row).await?;
                let record = DeliveryRecord { error: Some("InternalError".into()), ..before };
                batch.puts.push((DELIVERY, row.clone(), encode(&record)?));
            }
        }
        match self.store.commit(batch).await {
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

impl Follower for FilesDelivery {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.position
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(last) = entries.last() else { return Ok(()) };
            self.refresh(now).await?;
            self.position = last.seq;
            self.due = self.due.or(Some(now + INTERVAL));
            Ok(())
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let due = self.due.filter(|_| self.delivered < self.position);
        Box::pin(async move { Ok(due) })
    }

    /// One step; what is left of a busy time stays due at once.
    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.refresh(now).await?;
            if self.attempt(now).await? {
                self.due = (self.delivered < self.position).then_some(now);
            }
            Ok(())
        })
    }
}

pub(crate) async fn stored_delivery(store: &Store, row: &str) -> Result<DeliveryRecord, StoreError> {
    let stored = store.get(DELIVERY, row).await?;
    Ok(stored.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default())
}

/// Whether a record belongs to a trail, which may have stopped logging since.
fn takes(trail: &TrailRecord, partition: &Partition, time: Timestamp) -> bool {
    let while_logging = trail.is_logging() || trail.stopped.is_some_and(|stopped| time <= stopped);
    let logging = TrailRecord { stopped: None, ..trail.clone() };
    while_logging && logging.takes(partition, time)
}

/// What a trail's topic is told (CloudTrail user guide, "Configuring Amazon SNS notifications").
fn announcement(topic: String, bucket: &str, keys: &[String]) -> Message {
    Message {
        target: Target::Topic(topic),
        id: uuid::Uuid::new_v4().to_string(),
        subject: None,
        body: serde_json::json!({ "s3Bucket": bucket, "s3ObjectKey": keys }).to_string(),
        by_protocol: false,
        attributes: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests;
