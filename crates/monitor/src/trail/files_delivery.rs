//! # Delivery of log files and digests
//! Every five minutes, or as often as the server is told, the records since the last time are written, for each trail that logs, as
//! one gzip file an account and Region into the trail's bucket, where AWS would put it; every hour a digest of those files.
//!
//! **Exactly once:** files become visible with the commit that moves the position in the log on, and so do their places in the chain
//! of digests; a crash before it leaves bodies that nothing points to, and the records are delivered by the next run. A digest
//! becomes visible with the commit that takes its files off the list of those without one. What fails is tried again later and shown
//! by `GetTrailStatus`; no other follower waits for it. Files of a trail without a bucket wait for it, and nothing else does (`waiting`).
//!
//! A trail that stops, starts anew or is deleted is **settled**: what it logged until then is delivered at once, its chains end with
//! their last digests, and it takes no more. **Not here:** what digests hold (`digest`), the log group of a trail (`logs`).

mod digests;
mod drafts;
mod log_file;
mod served;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::RootKeyring;
use keywatch_store::{
    Batch, CommitError, Kind, LogEntry, Partition, Seq, Store, StoreError, Versioned, decode, encode,
};
use serde::{Deserialize, Serialize};

use self::drafts::{Draft, Drafts, drafts};
use self::log_file::{LogFile, Written, written};
use self::served::Served;
use self::waiting::Waiting;
use super::digest::document::{HASH_ALGORITHM, ListedFile, wire_time};
use super::digest::{CHAIN, ChainRecord, DIGEST_FILE, FileRecord, SigningKeys, chain_key, file_key};
use super::record::{TRAIL, TrailRecord};
use crate::buckets::{BUCKET, Bodies, PlaceError};
use crate::engine::{Follower, commit_position, stored_position};
use crate::entry::{Body, Message, Target};

const NAME: &str = "trail.files";
/// AWS: "about every five minutes".
pub const INTERVAL_DEFAULT: SignedDuration = SignedDuration::from_mins(5);
/// After an object store failed.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// Bytes of the log that are delivered in one step; other followers have their turn between steps.
const STEP_BYTES_MAX: usize = 8 << 20;

/// How delivery went, under the row key of the trail.
pub(crate) const DELIVERY: Kind = Kind("trail.delivery");

/// What `GetTrailStatus` tells of delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    /// When a file was last delivered.
    pub(crate) latest: Option<Timestamp>,
    /// The code of what the last attempt failed with.
    pub(crate) error: Option<String>,
    /// When the topic was last told of files.
    #[serde(default)]
    pub(crate) notified: Option<Timestamp>,
    /// When a digest was last delivered.
    #[serde(default)]
    pub(crate) digest: Option<Timestamp>,
    #[serde(default)]
    pub(crate) digest_error: Option<String>,
    /// When the trail stopped, once everything until then is delivered.
    #[serde(default)]
    pub(crate) settled: Option<Timestamp>,
    /// Which of its spells of logging that was.
    #[serde(default)]
    pub(crate) settled_spell: u64,
}

impl DeliveryRecord {
    /// Whether everything is delivered that a trail logged until it last stopped.
    pub(crate) fn has_settled(&self, trail: &TrailRecord) -> bool {
        self.settled.is_some() && self.settled == trail.stopped && self.settled_spell == trail.spell
    }
}

impl Versioned for DeliveryRecord {
    const MARKER: &'static str = "trail.delivery/1";
}

/// See the module.
#[derive(Debug)]
pub struct FilesDelivery {
    store: Store,
    bodies: Bodies,
    keys: SigningKeys,
    interval: SignedDuration,
    /// Where the log was seen to.
    position: Seq,
    /// Where the log was delivered to: the stored position.
    delivered: Seq,
    due: Option<Timestamp>,
    trails: Vec<Served>,
    generation: Option<u64>,
    /// By their row keys.
    chains: BTreeMap<String, ChainRecord>,
    /// Chains whose digest failed, and when it is tried again.
    held: BTreeMap<String, Timestamp>,
    /// Some trail has stopped.
    settle: Option<Settling>,
    /// The newest time in the log that was followed.
    newest: Option<Timestamp>,
    /// There are files that wait for their bucket.
    waiting: Option<Waiting>,
}

/// Files on the way: what their commit will hold.
#[derive(Debug, Default)]
struct Delivering {
    batch: Batch,
    /// Chains that number them, as they will be.
    chains: BTreeMap<String, ChainRecord>,
    /// Their keys, by the index of the trail; none for a trail whose bucket is missing.
    keys: BTreeMap<usize, Vec<String>>,
    /// How many are kept because their bucket is missing, by the row of the trail.
    waiting: BTreeMap<String, usize>,
}

/// A file that is about to get its number.
#[derive(Debug)]
struct Numbered<'a> {
    region: &'a str,
    key: String,
    hash: String,
    records: u64,
    newest: Timestamp,
    oldest: Timestamp,
}

/// Trails are to be settled.
#[derive(Clone, Copy, Debug)]
struct Settling {
    due: Timestamp,
    /// The log must be followed up to here …
    head: Seq,
    /// … and up to this time: rows are seen a moment before the head that comes with them.
    stopped: Option<Timestamp>,
}

impl FilesDelivery {
    /// Delivery that resumes where the store says it stopped.
    pub async fn open(
        store: Store,
        bodies: Bodies,
        keyring: Arc<RootKeyring>,
        interval: SignedDuration,
    ) -> Result<Self, StoreError> {
        let delivered = stored_position(&store, NAME).await?;
        let mut delivery = Self {
            keys: SigningKeys::new(store.clone(), keyring),
            store,
            bodies,
            interval,
            position: delivered,
            delivered,
            due: None,
            trails: Vec::new(),
            generation: None,
            chains: BTreeMap::new(),
            held: BTreeMap::new(),
            settle: None,
            newest: None,
            waiting: None,
        };
        delivery.load_chains().await?;
        delivery.load_waiting().await?;
        Ok(delivery)
    }

    /// Trails as they are now. What was logged under the trails as they were is delivered to them first.
    async fn refresh(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let generation = self.store.generation(TRAIL);
        if self.generation == Some(generation) {
            return Ok(());
        }
        // Kinds share generations: one that grows need not mean that a trail changed, and nothing is delivered early for it.
        let trails = served::load(&self.store).await?;
        let head = self.store.head();
        let changed = self.generation.is_some() && trails != self.trails;
        while changed && self.delivered < self.position {
            if !self.attempt(now).await? {
                break;
            }
        }
        self.trails = trails;
        self.open_chains(now).await?;
        let unsettled = self.trails.iter().filter(|served| served.is_stopped() && !served.settled);
        let stopped = unsettled.filter_map(|served| served.trail.stopped).max();
        let ending = self.chains.keys().any(|key| self.is_ending(key));
        self.settle = (stopped.is_some() || ending).then_some(Settling { due: now, head, stopped });
        self.generation = Some(generation);
        Ok(())
    }

    /// Delivers a step; a failing object store is told to the log and to the trails, and tried again later.
    async fn attempt(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        match self.step(now).await {
            Ok(()) => Ok(true),
            Err(PlaceError::Store(error)) => Err(error),
            Err(PlaceError::Body(error)) => {
                tracing::warn!(error = %error, "Log files could not be delivered; they will be tried again");
                self.due = Some(now + RETRY);
                self.settle = self.settle.map(|settling| Settling { due: now + RETRY, ..settling });
                self.note_failure().await?;
                Ok(false)
            }
        }
    }

    async fn step(&mut self, now: Timestamp) -> Result<(), PlaceError> {
        let mut delivering = Delivering::default();
        let mut last = self.position;
        if self.trails.iter().any(|served| served.trail.started.is_some()) {
            let entries = self.store.read_log(self.delivered, STEP_BYTES_MAX).await?;
            let entries = &entries[..entries.partition_point(|entry| entry.seq <= self.position)];
            last = entries.last().map_or(self.position, |entry| entry.seq);
            delivering = self.write(drafts(&self.trails, entries), now).await?;
        }
        let waiting = std::mem::take(&mut delivering.waiting);
        let (batch, chains) = self.finish(delivering, now).await?;
        match commit_position(&self.store, NAME, last, batch).await {
            Ok(()) => {
                self.delivered = last;
                self.due = (last < self.position).then_some(now);
                self.chains.extend(chains);
                self.note_waiting(waiting);
                Ok(())
            }
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Conflict { kind, .. }) => {
                let text = format!("a commit without demands conflicted in {}", kind.0);
                Err(StoreError::corrupt(text).into())
            }
        }
    }

    /// Writes the bodies of the files; gives what makes them visible.
    async fn write(&self, drafts: Drafts, now: Timestamp) -> Result<Delivering, PlaceError> {
        let mut delivering = Delivering::default();
        for ((index, region), draft) in drafts {
            let trail = &self.trails[index].trail;
            let bucket = &trail.s3_bucket_name;
            if self.store.get(BUCKET, bucket).await?.is_none() {
                delivering.keys.entry(index).or_default();
                self.keep_waiting(&mut delivering, (index, &region), draft, now).await?;
                continue;
            }
            let file = LogFile { trail, region: &region, first: draft.first, delivered: now };
            let key = file.key();
            let records = draft.records.len() as u64;
            let Written { object, body, hash } = written(&file, draft.records).await?;
            self.bodies.place(&self.store, &mut delivering.batch, (bucket, &key), &object, body).await?;
            let Draft { newest, oldest, .. } = draft;
            let file = Numbered { region: &region, key, hash, records, newest, oldest };
            self.number(&mut delivering, index, file, now)?;
        }
        Ok(delivering)
    }

    /// Gives a file its place in the chain of its trail, if that has digests, and in what the trail is told.
    fn number(
        &self,
        delivering: &mut Delivering,
        index: usize,
        file: Numbered<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Served { row, trail, .. } = &self.trails[index];
        let chain_row = chain_key(row, file.region);
        let chain = delivering.chains.get(&chain_row).cloned();
        if let Some(mut chain) = chain.or_else(|| self.chain_of(index, &chain_row, now)) {
            let numbers = chain.number(file.records);
            let listed = ListedFile {
                s3_bucket: trail.s3_bucket_name.clone(),
                s3_object: file.key.clone(),
                hash_value: file.hash,
                hash_algorithm: HASH_ALGORITHM.into(),
                newest_event_time: Some(wire_time(file.newest)),
                oldest_event_time: Some(wire_time(file.oldest)),
                keywatch_records: Some(numbers),
            };
            let row = file_key(&chain_row, numbers.file);
            delivering.batch.puts.push((DIGEST_FILE, row, encode(&FileRecord { listed })?));
            delivering.chains.insert(chain_row, chain);
        }
        delivering.keys.entry(index).or_default().push(file.key);
        Ok(())
    }

    /// The batch of a delivery with what trails and topics are told of it, and the chains as they are then.
    async fn finish(
        &self,
        delivering: Delivering,
        now: Timestamp,
    ) -> Result<(Batch, BTreeMap<String, ChainRecord>), StoreError> {
        let Delivering { mut batch, chains, keys, .. } = delivering;
        for (row, chain) in &chains {
            batch.puts.push((CHAIN, row.clone(), encode(chain)?));
        }
        for (index, keys) in keys {
            self.tell(&mut batch, &self.trails[index], &keys, now).await?;
        }
        Ok((batch, chains))
    }

    /// Adds to the batch what a trail and its topic are told of a delivery. A trail whose bucket is gone says so.
    async fn tell(
        &self,
        batch: &mut Batch,
        served: &Served,
        keys: &[String],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Served { row, trail, .. } = served;
        let mut delivery = stored_delivery(&self.store, row).await?;
        if keys.is_empty() {
            delivery.error = Some("NoSuchBucket".into());
        } else {
            delivery.latest = Some(now);
            delivery.error = None;
        }
        if let Some(topic) = trail.sns_topic_arn.clone().filter(|_| !keys.is_empty()) {
            let home = Partition::new(&trail.account, &trail.home_region);
            batch.appends.push(announcement(topic, &trail.s3_bucket_name, keys).append(home, now));
            delivery.notified = Some(now);
        }
        if self.is_there(row) {
            batch.puts.push((DELIVERY, row.clone(), encode(&delivery)?));
        }
        Ok(())
    }

    async fn note_failure(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for served in self.trails.iter().filter(|served| served.trail.is_logging()) {
            let before = stored_delivery(&self.store, &served.row).await?;
            let record = DeliveryRecord { error: Some("InternalError".into()), ..before };
            batch.puts.push((DELIVERY, served.row.clone(), encode(&record)?));
        }
        self.commit(batch).await
    }

    /// Commits changes of rows that only this follower writes.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        match self.store.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
            Err(conflict) => Err(StoreError::corrupt(conflict.to_string())),
        }
    }

    /// Whether the trail of a row has not been deleted.
    fn is_there(&self, row: &str) -> bool {
        self.trails.iter().any(|served| served.row == row && served.ended.is_none())
    }

    /// Nothing is waited for longer than it was to wait: the clock may have been set back since.
    fn pull_back(&mut self, now: Timestamp) {
        let within = |due: Timestamp, wait: SignedDuration| due.min(now + wait);
        self.due = self.due.map(|due| within(due, self.interval.max(RETRY)));
        self.settle = self.settle.map(|settling| Settling { due: within(settling.due, RETRY), ..settling });
        self.pull_back_digests(now);
    }

    /// When anything is due.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let files = self.due.filter(|_| self.delivered < self.position);
        let all = [files, self.settling_due(), self.digests_due(), self.waiting_due(now)];
        all.into_iter().flatten().min()
    }

    /// When trails are settled, once the log is followed far enough.
    fn settling_due(&self) -> Option<Timestamp> {
        let Settling { due, head, stopped } = self.settle?;
        // The log keeps times to the microsecond.
        let newest = self.newest.map(Timestamp::as_microsecond);
        let is_late = newest.is_none_or(|newest| Some(newest) >= stopped.map(Timestamp::as_microsecond));
        (head <= self.position && is_late).then_some(due)
    }

    /// One step of delivery, and when all is delivered what else is due; what is left of a busy time stays due at once.
    async fn run(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.refresh(now).await?;
        if self.waiting_due(now).is_some_and(|due| due <= now) {
            self.look_at_waiting(now).await?;
            self.refresh(now).await?;
        }
        let settles = self.settling_due().is_some_and(|due| due <= now);
        let delivers = settles || self.due.is_some_and(|due| due <= now);
        if delivers && self.delivered < self.position {
            if !self.attempt(now).await? {
                return Ok(());
            }
            if self.delivered < self.position {
                return Ok(());
            }
        }
        self.make_digests(now, settles).await?;
        if settles && !self.chains.keys().any(|key| self.is_ending(key)) {
            self.finish_settling().await?;
            self.refresh(now).await?;
        }
        Ok(())
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
            self.newest = self.newest.max(entries.iter().map(|entry| entry.time).max());
            self.due = self.due.or(Some(now + self.interval));
            Ok(())
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        self.pull_back(now);
        let due = self.due(now);
        Box::pin(async move { Ok(due) })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run(now))
    }
}

pub(crate) async fn stored_delivery(store: &Store, row: &str) -> Result<DeliveryRecord, StoreError> {
    let stored = store.get(DELIVERY, row).await?;
    Ok(stored.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default())
}

/// What a trail's topic is told (CloudTrail user guide, "Configuring Amazon SNS notifications").
fn announcement(topic: String, bucket: &str, keys: &[String]) -> Message {
    Message {
        target: Target::Topic(topic),
        id: uuid::Uuid::new_v4().to_string(),
        subject: None,
        body: serde_json::json!({ "s3Bucket": bucket, "s3ObjectKey": keys }).to_string(),
        by_protocol: false,
        order: None,
        rule: None,
        alarm: None,
        attributes: BTreeMap::new(),
    }
}

#[cfg(test)]
mod digest_tests;
#[cfg(test)]
mod tests;
