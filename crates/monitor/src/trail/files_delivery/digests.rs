//! Delivery's digests: when chains open, when their digests are made, how they end.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::digest::sha256;
use keywatch_store::{Append, Batch, Partition, Row, Scan, StoreError, decode, encode};
use serde_json::json;

use super::log_file::{gzip, gzip_object};
use super::served::Served;
use super::{DELIVERY, DeliveryRecord, FilesDelivery, RETRY, Settling, stored_delivery};
use crate::buckets::{BUCKET, Bodies, OBJECT, PlaceError, object_key};
use crate::entry::{Body, Event};
use crate::events::envelope::{Head, derived_id};
use crate::guard::finding::SOURCE;
use crate::trail::digest::document::{
    ChainName, Digest, HASH_ALGORITHM, Link, ListedFile, SIGNATURE_ALGORITHM, SIGNATURE_ALGORITHM_METADATA,
    SIGNATURE_METADATA, wire_time,
};
use crate::trail::digest::{
    CHAIN, ChainRecord, DIGEST_FILE, FileRecord, Previous, SigningKey, chain_key, period_end, whole_second,
};
use crate::trail::record::{ENDED, TrailRecord};

const CHAINS_AT_ONCE: usize = 1_000;
/// Log files in one digest; the rest of a very busy hour goes into the next.
const FILES_PER_DIGEST_MAX: usize = 50_000;
/// Seconds that a digest's end is moved on for want of a free name. Only a clock that stands still needs that.
const SECONDS_MOVED_MAX: u32 = 3_600;
/// After a digest found no bucket.
const NO_BUCKET_RETRY: SignedDuration = SignedDuration::from_hours(1);

/// A digest about to be made.
struct Plan {
    chain_row: String,
    chain: ChainRecord,
    trail: TrailRecord,
    name: ChainName,
    files: Vec<Row>,
    end: Timestamp,
    ends: bool,
}

impl FilesDelivery {
    pub(super) async fn load_chains(&mut self) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: CHAINS_AT_ONCE };
            let rows = self.store.scan(CHAIN, scan).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for row in rows {
                self.chains.insert(row.key, decode(&row.bytes)?);
            }
        }
    }

    /// Opens the chains of the home Regions of trails that want digests and have none, with their first signing keys, so that
    /// there is a key to show from the start.
    pub(super) async fn open_chains(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let since = whole_second(now);
        let mut opened = BTreeMap::new();
        for served in &self.trails {
            let Served { row, trail, ended, .. } = served;
            let wants = ended.is_none() && trail.is_logging() && trail.log_file_validation;
            let chain_row = chain_key(row, &trail.home_region);
            let chain = self.chains.get(&chain_row).cloned().unwrap_or_default();
            if wants && chain.session.is_none() {
                let home = Partition::new(&trail.account, &trail.home_region);
                opened.insert(
                    chain_row,
                    (home, ChainRecord { session: trail.started, since, previous: None, ..chain }),
                );
            }
        }
        if opened.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for (row, (home, chain)) in &opened {
            self.keys.for_digest(home, since, chain.due()).await?;
            batch.puts.push((CHAIN, row.clone(), encode(chain)?));
        }
        self.commit(batch).await?;
        self.chains.extend(opened.into_iter().map(|(row, (_, chain))| (row, chain)));
        Ok(())
    }

    /// The chain that a file of a trail belongs to: the open one, or a new one in step with that of the home Region. None for a
    /// trail without digests.
    pub(super) fn chain_of(&self, index: usize, chain_row: &str, now: Timestamp) -> Option<ChainRecord> {
        let Served { row, trail, .. } = &self.trails[index];
        let chain = self.chains.get(chain_row).cloned().unwrap_or_default();
        if chain.session.is_some() {
            return Some(chain);
        }
        let home = self.chains.get(&chain_key(row, &trail.home_region));
        let since = home.filter(|home| home.session.is_some()).map_or(whole_second(now), |home| home.since);
        let session = trail.started.filter(|_| trail.log_file_validation)?;
        Some(ChainRecord { session: Some(session), since, previous: None, ..chain })
    }

    /// Whether an open chain shall have its last digest: its trail stopped, was deleted or started anew, covers the Region no
    /// more, or wants no digests.
    pub(super) fn is_ending(&self, chain_row: &str) -> bool {
        let Some(session) = self.chains.get(chain_row).and_then(|chain| chain.session) else { return false };
        let Some((row, region)) = chain_row.rsplit_once('/') else { return false };
        !self.trails.iter().any(|Served { row: of, ended, trail, .. }| {
            of == row
                && ended.is_none()
                && trail.started == Some(session)
                && trail.is_logging()
                && trail.log_file_validation
                && (trail.is_multi_region || trail.home_region == region)
        })
    }

    /// A digest is not held longer than for a bucket. When its hour is over the clock alone says.
    pub(super) fn pull_back_digests(&mut self, now: Timestamp) {
        for held in self.held.values_mut() {
            *held = (*held).min(now + NO_BUCKET_RETRY);
        }
    }

    pub(super) fn digests_due(&self) -> Option<Timestamp> {
        self.chains.iter().filter_map(|(row, chain)| self.chain_due(row, chain)).min()
    }

    fn chain_due(&self, row: &str, chain: &ChainRecord) -> Option<Timestamp> {
        chain.session?;
        let held = self.held.get(row).copied().unwrap_or(Timestamp::MIN);
        Some(chain.due().max(held))
    }

    /// Makes a digest for each chain that is due, and with `settles` the last one of each that ends.
    pub(super) async fn make_digests(&mut self, now: Timestamp, settles: bool) -> Result<(), StoreError> {
        let due = |(row, chain): (&String, &ChainRecord)| {
            let ends = settles && self.is_ending(row);
            let is_due = self.chain_due(row, chain).is_some_and(|due| due <= now);
            (ends || is_due).then(|| (row.clone(), ends))
        };
        let due: Vec<(String, bool)> = self.chains.iter().filter_map(due).collect();
        for (row, ends) in due {
            match self.make_digest(&row, now, ends).await {
                Ok(()) => {}
                Err(PlaceError::Store(error)) => return Err(error),
                Err(PlaceError::Body(error)) => {
                    tracing::warn!(%error, "A digest could not be delivered; it will be tried again");
                    self.hold(&row, now, RETRY, "InternalError").await?;
                    if ends {
                        self.settle = self.settle.map(|settling| Settling { due: now + RETRY, ..settling });
                    }
                }
            }
        }
        Ok(())
    }

    async fn make_digest(&mut self, chain_row: &str, now: Timestamp, ends: bool) -> Result<(), PlaceError> {
        let Some(plan) = self.plan(chain_row, now, ends).await? else { return Ok(()) };
        if self.store.get(BUCKET, &plan.trail.s3_bucket_name).await?.is_none() {
            if ends {
                return Ok(self.drop_files(&plan).await?);
            }
            return Ok(self.hold(chain_row, now, NO_BUCKET_RETRY, "NoSuchBucket").await?);
        }
        let partition = Partition::new(&plan.trail.account, &plan.name.region);
        let key = self.keys.for_digest(&partition, plan.chain.since, plan.end).await?;
        let digest = digest_of(&plan, &key)?;
        let text = digest.to_json();
        let signature = hex::encode(key.pair.sign_sha256(digest.string_to_sign(&text).as_bytes()));
        let (body, hash) = gzip(move || text).await?;
        let bucket = &plan.trail.s3_bucket_name;
        let id = hex::encode(&sha256(&body)[..16]);
        let mut object = gzip_object(Bodies::name(bucket, &id), &body, now);
        object.metadata.insert(SIGNATURE_METADATA.into(), signature.clone());
        object.metadata.insert(SIGNATURE_ALGORITHM_METADATA.into(), SIGNATURE_ALGORITHM.into());
        let mut batch = Batch::default();
        let place = (bucket.as_str(), digest.digest_s3_object.as_str());
        self.bodies.place(&self.store, &mut batch, place, &object, body).await?;

        let chain = ChainRecord {
            session: plan.chain.session.filter(|_| !plan.ends),
            since: plan.end,
            previous: Some(Previous {
                bucket: bucket.clone(),
                object: digest.digest_s3_object.clone(),
                hash,
                signature,
            }),
            digests: plan.chain.digests + 1,
            head: digest.keywatch_link.map(|link| link.head),
            ..plan.chain.clone()
        };
        batch.puts.push((CHAIN, chain_row.to_owned(), encode(&chain)?));
        batch.deletes.extend(plan.files.iter().map(|row| (DIGEST_FILE, row.key.clone())));
        self.note_digest(&mut batch, chain_row, |delivery| {
            delivery.digest = Some(now);
            delivery.digest_error = None;
        })
        .await?;
        self.commit(batch).await?;
        self.chains.insert(chain_row.to_owned(), chain);
        self.held.remove(chain_row);
        Ok(())
    }

    /// What the next digest of a chain is made of; none when none is due.
    async fn plan(&self, chain_row: &str, now: Timestamp, ends: bool) -> Result<Option<Plan>, StoreError> {
        let Some(chain) = self.chains.get(chain_row).cloned() else { return Ok(None) };
        let Some((row, region)) = chain_row.rsplit_once('/') else { return Ok(None) };
        let of_row = || self.trails.iter().filter(|served| served.row == row).map(|served| &served.trail);
        let served = of_row().find(|trail| trail.started == chain.session).or_else(|| of_row().next_back());
        let Some(trail) = served.cloned() else {
            return Err(StoreError::corrupt(format!("the chain {chain_row}: it has no trail")));
        };
        let prefix = format!("{chain_row}/");
        let scan = Scan { prefix: &prefix, after: None, limit: FILES_PER_DIGEST_MAX };
        let files = self.store.scan(DIGEST_FILE, scan).await?;
        let Some(mut end) = period_end(chain.since, now, !files.is_empty(), ends) else { return Ok(None) };
        let name = ChainName {
            account: trail.account.clone(),
            region: region.to_owned(),
            trail: trail.name.clone(),
            home_region: trail.home_region.clone(),
        };
        for _ in 0..SECONDS_MOVED_MAX {
            let object = name.object(trail.s3_key_prefix.as_deref(), end);
            if self.store.get(OBJECT, &object_key(&trail.s3_bucket_name, &object)).await?.is_none() {
                break;
            }
            end += SignedDuration::from_secs(1);
        }
        let ends = ends && files.len() < FILES_PER_DIGEST_MAX;
        Ok(Some(Plan { chain_row: chain_row.to_owned(), chain, trail, name, files, end, ends }))
    }

    /// Ends a chain whose bucket is gone: its files went with it, and the gap in its numbers tells.
    async fn drop_files(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let session = plan.chain.session.filter(|_| !plan.ends);
        let chain = ChainRecord { session, ..plan.chain.clone() };
        let mut batch = Batch::default();
        batch.puts.push((CHAIN, plan.chain_row.clone(), encode(&chain)?));
        batch.deletes.extend(plan.files.iter().map(|row| (DIGEST_FILE, row.key.clone())));
        self.commit(batch).await?;
        self.chains.insert(plan.chain_row.clone(), chain);
        self.held.remove(&plan.chain_row);
        Ok(())
    }

    async fn hold(
        &mut self,
        chain_row: &str,
        now: Timestamp,
        wait: SignedDuration,
        error: &str,
    ) -> Result<(), StoreError> {
        let until = now + wait;
        self.held.insert(chain_row.to_owned(), until);
        let mut batch = Batch::default();
        self.note_digest(&mut batch, chain_row, |delivery| delivery.digest_error = Some(error.into()))
            .await?;
        batch.appends.extend(self.late_digest(chain_row, now, error));
        self.commit(batch).await
    }

    /// The event that tells of a digest that is not there in time. A digest that stays away is told of at each attempt.
    fn late_digest(&self, chain_row: &str, now: Timestamp, error: &str) -> Option<Append> {
        let (row, region) = chain_row.rsplit_once('/')?;
        let trail = &self.trails.iter().find(|served| served.row == row)?.trail;
        let arn = trail.arn();
        let detail = json!({"trailArn": &arn, "awsRegion": region, "errorCode": error,
            "due": self.chains.get(chain_row).map(|chain| chain.due().to_string())});
        let home = Partition::new(&trail.account, &trail.home_region);
        let time = whole_second(now).to_string();
        let head = Head {
            id: derived_id(&[&arn, region, &time, "digest"]),
            detail_type: "Trail Digest Late",
            source: SOURCE,
            account: &trail.account,
            time: &time,
            region: &trail.home_region,
        };
        Some(Event::on_default_bus(head.envelope(&[&arn], &detail.to_string())).append(home, now))
    }

    /// Changes what the trail of a chain tells of its digests, if it is still there.
    async fn note_digest(
        &self,
        batch: &mut Batch,
        chain_row: &str,
        change: impl FnOnce(&mut DeliveryRecord),
    ) -> Result<(), StoreError> {
        if let Some((row, _)) = chain_row.rsplit_once('/').filter(|(row, _)| self.is_there(row)) {
            let mut delivery = stored_delivery(&self.store, row).await?;
            change(&mut delivery);
            batch.puts.push((DELIVERY, row.to_owned(), encode(&delivery)?));
        }
        Ok(())
    }

    /// Forgets trails that ended, and notes that those which stopped have everything.
    pub(super) async fn finish_settling(&mut self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for served in self.trails.iter().filter(|served| served.is_stopped() && !served.settled) {
            match &served.ended {
                Some(ended) => batch.deletes.push((ENDED, ended.clone())),
                None => {
                    let before = stored_delivery(&self.store, &served.row).await?;
                    let TrailRecord { stopped: settled, spell: settled_spell, .. } = served.trail;
                    let settled = DeliveryRecord { settled, settled_spell, ..before };
                    batch.puts.push((DELIVERY, served.row.clone(), encode(&settled)?));
                }
            }
        }
        if !batch.is_empty() {
            self.commit(batch).await?;
        }
        self.settle = None;
        // A trail that started again opens its chain anew.
        self.generation = None;
        Ok(())
    }
}

fn digest_of(plan: &Plan, key: &SigningKey) -> Result<Digest, StoreError> {
    let files: Vec<ListedFile> = plan
        .files
        .iter()
        .map(|row| decode::<FileRecord>(&row.bytes).map(|file| file.listed))
        .collect::<Result<_, _>>()?;
    let Plan { chain, trail, .. } = plan;
    let numbers = files.last().and_then(|file| file.keywatch_records);
    let previous = chain.previous.as_ref();
    let mut digest = Digest {
        aws_account_id: trail.account.clone(),
        digest_start_time: wire_time(chain.since),
        digest_end_time: wire_time(plan.end),
        digest_s3_bucket: trail.s3_bucket_name.clone(),
        digest_s3_object: plan.name.object(trail.s3_key_prefix.as_deref(), plan.end),
        digest_public_key_fingerprint: key.fingerprint.clone(),
        digest_signature_algorithm: SIGNATURE_ALGORITHM.into(),
        newest_event_time: files.iter().filter_map(|file| file.newest_event_time.clone()).max(),
        oldest_event_time: files.iter().filter_map(|file| file.oldest_event_time.clone()).min(),
        previous_digest_s3_bucket: previous.map(|previous| previous.bucket.clone()),
        previous_digest_s3_object: previous.map(|previous| previous.object.clone()),
        previous_digest_hash_value: previous.map(|previous| previous.hash.clone()),
        previous_digest_hash_algorithm: previous.map(|_| HASH_ALGORITHM.to_owned()),
        previous_digest_signature: previous.map(|previous| previous.signature.clone()),
        log_files: files,
        keywatch_link: None,
    };
    let mut link = Link {
        digest: chain.digests + 1,
        files: numbers.map_or(chain.files, |numbers| numbers.file),
        records: numbers.map_or(chain.records, |numbers| numbers.last_record),
        ends: plan.ends,
        previous_head: chain.head.clone(),
        head: String::new(),
        head_signature: String::new(),
    };
    link.head = digest.head(&link);
    link.head_signature = hex::encode(key.pair.sign_sha256(link.head.as_bytes()));
    digest.keywatch_link = Some(link);
    Ok(digest)
}
