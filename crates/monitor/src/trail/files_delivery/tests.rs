//! Delivery under the engine, with a real store and real files.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use futures_util::TryStreamExt as _;
use keywatch_crypto::{RootKey, SystemRandom};
use keywatch_store::{EntryKind, Scan, Transaction};
use serde_json::{Value, json};
use tempfile::TempDir;

use bytes::Bytes;

use super::*;
use crate::buckets::{BucketRecord, LOOSE, OBJECT, ObjectRecord};
use crate::rehearsal::{ACCOUNT, REGION, Rehearsal};
use crate::trail::record::{self, TrailRecord};

pub(super) const BUCKET_NAME: &str = "trail-files";
pub(super) const ROWS_MAX: usize = 100;

pub(super) struct World {
    pub(super) rehearsal: Rehearsal,
    pub(super) bodies: Bodies,
    pub(super) keyring: Arc<RootKeyring>,
    dir: TempDir,
}

impl World {
    pub(super) async fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let bodies = Bodies::open_directory(dir.path()).unwrap();
        let opened = bodies.clone();
        let kept = Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)));
        let keyring = kept.clone();
        let rehearsal = Rehearsal::begin(async |store: Store| {
            let delivery: Box<dyn Follower> =
                Box::new(FilesDelivery::open(store, opened, keyring, INTERVAL_DEFAULT).await?);
            Ok(vec![delivery])
        })
        .await;
        Self { rehearsal, bodies, keyring: kept, dir }
    }

    pub(super) async fn put<T: Versioned>(&self, kind: Kind, key: &str, record: &T) {
        let mut tx = Transaction::new(&self.rehearsal.store);
        tx.put(kind, key, record).unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) async fn with_bucket(&self) {
        let bucket = BucketRecord {
            owner: ACCOUNT.into(),
            region: REGION.into(),
            created: self.rehearsal.now(),
            policy: None,
            tags: Default::default(),
        };
        self.put(BUCKET, BUCKET_NAME, &bucket).await;
    }

    pub(super) async fn put_trail(&self, change: impl FnOnce(&mut TrailRecord)) -> TrailRecord {
        let mut trail = TrailRecord {
            name: "t".into(),
            account: ACCOUNT.into(),
            home_region: REGION.into(),
            s3_bucket_name: BUCKET_NAME.into(),
            s3_key_prefix: Some("p".into()),
            sns_topic_arn: None,
            include_global_service_events: true,
            is_multi_region: false,
            log_file_validation: false,
            cloud_watch_logs_log_group_arn: None,
            cloud_watch_logs_role_arn: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
            selectors: None,
            advanced_selectors: None,
            started: Some(self.rehearsal.now()),
            stopped: None,
            spell: 0,
            started_after: None,
            stopped_after: None,
        };
        change(&mut trail);
        self.put(TRAIL, &self.row(), &trail).await;
        trail
    }

    pub(super) fn row(&self) -> String {
        record::key(&Partition::new(ACCOUNT, REGION), "t")
    }

    pub(super) async fn record(&self, id: u32) {
        self.rehearsal.record(&json!({ "eventID": id, "eventSource": "kms.amazonaws.com" })).await;
        self.rehearsal.settle().await;
    }

    pub(super) async fn minutes(&self, minutes: i64) {
        self.rehearsal.advance(SignedDuration::from_mins(minutes)).await;
    }

    /// Keys in the bucket with the event ids of their records.
    pub(super) async fn files(&self) -> Vec<(String, Vec<u64>)> {
        let mut files = Vec::new();
        for (key, _, text) in self.objects().await {
            let file: Value = serde_json::from_str(&text).unwrap();
            let Some(records) = file["Records"].as_array() else { continue };
            files.push((key, records.iter().map(|one| one["eventID"].as_u64().unwrap()).collect()));
        }
        files
    }

    /// Keys, objects and their texts.
    pub(super) async fn objects(&self) -> Vec<(String, ObjectRecord, String)> {
        let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
        let mut objects = Vec::new();
        for row in self.rehearsal.store.scan(OBJECT, scan).await.unwrap() {
            let object: ObjectRecord = decode(&row.bytes).unwrap();
            let parts: Vec<Bytes> =
                self.bodies.read(&object.body[0].name, None).await.unwrap().try_collect().await.unwrap();
            let mut text = String::new();
            MultiGzDecoder::new(parts.concat().as_slice()).read_to_string(&mut text).unwrap();
            objects.push((row.key, object, text));
        }
        objects
    }

    /// How many bodies there are, visible or not.
    fn bodies_laid(&self) -> usize {
        let below = |directory: std::path::PathBuf| {
            std::fs::read_dir(directory).into_iter().flatten().map(|entry| entry.unwrap().path())
        };
        below(self.dir.path().to_owned()).flat_map(below).flat_map(below).count()
    }

    pub(super) async fn ids(&self) -> Vec<u64> {
        self.files().await.into_iter().flat_map(|(_, ids)| ids).collect()
    }
}

#[tokio::test]
async fn records_come_as_files_every_five_minutes() {
    let world = World::begin().await;
    world.with_bucket().await;
    world.record(0).await;
    world.minutes(1).await;
    world.put_trail(|_| ()).await;
    world.record(1).await;
    world.record(2).await;
    assert_eq!(world.files().await, []);
    world.minutes(5).await;
    let files = world.files().await;
    assert_eq!(files.len(), 1);
    let (key, ids) = &files[0];
    assert_eq!(*ids, [1, 2]);
    let (name, suffix) = key.rsplit_once('_').unwrap();
    let folder = format!("{BUCKET_NAME}/p/AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/09/14");
    assert_eq!(name, format!("{folder}/{ACCOUNT}_CloudTrail_{REGION}_20260914T1106Z"));
    assert_eq!(suffix.len(), "0123456789abcdef.json.gz".len());
    assert!(suffix.ends_with(".json.gz"));

    world.minutes(60).await;
    assert_eq!(world.ids().await, [1, 2], "nothing new, no file");
    world.record(3).await;
    world.minutes(10).await;
    assert_eq!(world.ids().await, [1, 2, 3]);
    let delivery = stored_delivery(&world.rehearsal.store, &world.row()).await.unwrap();
    assert_eq!(delivery.error, None);
    assert!(delivery.latest.is_some());
}

#[tokio::test]
async fn what_a_stopped_trail_logged_is_delivered() {
    let world = World::begin().await;
    world.with_bucket().await;
    let trail = world.put_trail(|_| ()).await;
    world.record(1).await;
    world.minutes(1).await;
    world.put_trail(|stopped| *stopped = TrailRecord { stopped: Some(world.rehearsal.now()), ..trail }).await;
    world.minutes(1).await;
    world.record(2).await;
    world.put_trail(|_| ()).await;
    world.record(3).await;
    world.minutes(30).await;
    assert_eq!(world.ids().await, [1, 3]);
}

#[tokio::test]
async fn spells_of_logging_at_one_moment_are_told_apart() {
    let world = World::begin().await;
    world.with_bucket().await;
    for spell in [1, 2] {
        let trail = world.put_trail(|trail| trail.spell = spell).await;
        // The stop is seen together with the record before it.
        let id = json!({ "eventID": spell, "eventSource": "kms.amazonaws.com" });
        world.rehearsal.record(&id).await;
        world
            .put_trail(|stopped| *stopped = TrailRecord { stopped: Some(world.rehearsal.now()), ..trail })
            .await;
        world.rehearsal.settle().await;
        world.minutes(0).await;
    }
    world.minutes(30).await;
    let mut ids = world.ids().await;
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn a_restart_delivers_what_is_left_and_nothing_twice() {
    let world = World::begin().await;
    world.with_bucket().await;
    world.put_trail(|_| ()).await;
    world.record(1).await;
    world.minutes(6).await;
    world.record(2).await;
    let store = world.rehearsal.store.clone();
    let mut again =
        FilesDelivery::open(store.clone(), world.bodies.clone(), world.keyring.clone(), INTERVAL_DEFAULT)
            .await
            .unwrap();
    let entries = store.read_log(again.position(), usize::MAX).await.unwrap();
    let now = world.rehearsal.now();
    again.follow(&entries, now).await.unwrap();
    let due = again.next_due(now).await.unwrap().unwrap();
    assert_eq!(due, now + INTERVAL_DEFAULT);
    again.run_due(due).await.unwrap();
    assert_eq!(again.next_due(due).await.unwrap(), None);
    assert_eq!(world.ids().await, [1, 2]);
    let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
    assert_eq!(store.scan(LOOSE, scan).await.unwrap(), []);
}

#[tokio::test]
async fn a_missing_bucket_is_told_and_stops_nothing() {
    let world = World::begin().await;
    world.put_trail(|_| ()).await;
    world.record(1).await;
    world.minutes(6).await;
    let delivery = stored_delivery(&world.rehearsal.store, &world.row()).await.unwrap();
    assert_eq!(delivery, DeliveryRecord { error: Some("NoSuchBucket".into()), ..DeliveryRecord::default() });
    world.with_bucket().await;
    world.record(2).await;
    world.minutes(0).await;
    assert_eq!(world.ids().await, [1], "what waited comes as soon as there is a bucket");
    world.minutes(6).await;
    assert_eq!(world.ids().await, [1, 2]);
    let delivery = stored_delivery(&world.rehearsal.store, &world.row()).await.unwrap();
    assert_eq!(delivery.error, None);
}

/// Rows of files that wait, and bodies of the bucket.
async fn kept(world: &World) -> (usize, usize) {
    let scan = Scan { prefix: "", after: None, limit: ROWS_MAX };
    let waiting = world.rehearsal.store.scan(waiting::WAITING, scan).await.unwrap().len();
    (waiting, world.bodies_laid())
}

#[tokio::test]
async fn files_wait_thirty_days_for_a_bucket() {
    let world = World::begin().await;
    world.put_trail(|_| ()).await;
    let day = 24 * 60;
    world.record(1).await;
    world.minutes(15 * day).await;
    world.record(2).await;
    world.minutes(day).await;
    assert_eq!(kept(&world).await, (2, 2));
    world.minutes(14 * day + 10).await;
    assert_eq!(kept(&world).await, (1, 1), "the first one waited too long");
    world.with_bucket().await;
    world.record(3).await;
    world.minutes(6).await;
    assert_eq!(world.ids().await, [2, 3]);
    assert_eq!(kept(&world).await.0, 0);
}

#[tokio::test]
async fn files_that_wait_go_to_the_bucket_that_the_trail_gets() {
    let world = World::begin().await;
    let trail = world.put_trail(|trail| trail.s3_bucket_name = "nowhere".into()).await;
    world.record(1).await;
    world.minutes(6).await;
    // A restart knows of them.
    let store = world.rehearsal.store.clone();
    let again = FilesDelivery::open(store, world.bodies.clone(), world.keyring.clone(), INTERVAL_DEFAULT);
    let now = world.rehearsal.now();
    assert_eq!(again.await.unwrap().next_due(now).await.unwrap(), Some(now));
    world.with_bucket().await;
    world.put_trail(|row| *row = TrailRecord { s3_bucket_name: BUCKET_NAME.into(), ..trail }).await;
    world.record(2).await;
    world.minutes(6).await;
    let mut ids = world.ids().await;
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn a_deleted_trail_waits_for_no_bucket() {
    let world = World::begin().await;
    world.put_trail(|_| ()).await;
    world.record(1).await;
    world.minutes(6).await;
    assert_eq!(kept(&world).await, (1, 1));
    let mut tx = Transaction::new(&world.rehearsal.store);
    tx.delete(TRAIL, &world.row());
    tx.commit().await.unwrap();
    world.record(2).await;
    world.minutes(6).await;
    assert_eq!(kept(&world).await, (0, 0));
}

#[tokio::test]
async fn a_topic_learns_of_files() {
    let world = World::begin().await;
    world.with_bucket().await;
    let topic = format!("arn:aws:sns:{REGION}:{ACCOUNT}:files");
    world.put_trail(|trail| trail.sns_topic_arn = Some(topic.clone())).await;
    world.record(1).await;
    world.minutes(6).await;
    let messages = world.rehearsal.entries(EntryKind::Message).await;
    assert_eq!(messages.len(), 1);
    let message = Message::read(&messages[0]).unwrap();
    assert_eq!(message.target, Target::Topic(topic));
    let body: Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(body["s3Bucket"], BUCKET_NAME);
    let key = &world.files().await[0].0;
    assert_eq!(format!("{BUCKET_NAME}/{}", body["s3ObjectKey"][0].as_str().unwrap()), *key);
}
