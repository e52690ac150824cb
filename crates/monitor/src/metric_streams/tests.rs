//! Streams through a real store: what is touched arrives, once the minute has ended, and also after a crash.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::Clock;
use keywatch_api::cloudwatch::streams::{MetricStreamOutputFormat, MetricStreamState};
use keywatch_store::{Batch, Partition, Scan, Store, encode};
use serde_json::Value;

use super::batch::{BATCH, BatchRecord};
use super::record::{STREAM, StreamRecord, key};
use super::{Destination, MetricStreams, StreamsFollower};
use crate::buckets::{BUCKET, Bodies, BucketRecord, OBJECT};
use crate::engine::Follower as _;
use crate::entry::{Body, Point, PointValue, Points};
use crate::metrics::live::LiveSeries;

const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// A running stream of everything.
pub(super) fn stream(name: &str, firehose: &str) -> StreamRecord {
    StreamRecord {
        account: ACCOUNT.into(),
        region: REGION.into(),
        name: name.into(),
        include: None,
        exclude: None,
        firehose_arn: format!("arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{firehose}"),
        role_arn: format!("arn:aws:iam::{ACCOUNT}:role/r"),
        state: MetricStreamState::Running,
        format: MetricStreamOutputFormat::Json,
        statistics: None,
        include_linked: false,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
        tags: Vec::new(),
    }
}

#[derive(Debug)]
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct World {
    store: Store,
    clock: Arc<HandClock>,
    streams: MetricStreams,
    live: Arc<LiveSeries>,
    _dir: tempfile::TempDir,
}

impl World {
    async fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let clock = Arc::new(HandClock(Mutex::new("2026-11-23T00:00:30Z".parse().unwrap())));
        let bucket = BucketRecord {
            owner: ACCOUNT.into(),
            region: REGION.into(),
            created: clock.now(),
            policy: None,
            tags: Default::default(),
        };
        let stream = stream("s", "f");
        let puts = vec![
            (BUCKET, "b".to_owned(), encode(&bucket).unwrap()),
            (STREAM, key(&format!("{ACCOUNT}/{REGION}"), "s"), encode(&stream).unwrap()),
        ];
        store.commit(Batch { puts, ..Batch::default() }).await.unwrap();
        let destination = Destination::parse("f=s3://b/p/", ACCOUNT).unwrap();
        let streams =
            MetricStreams::new(store.clone(), clock.clone(), Bodies::in_memory(), vec![destination]).unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        Self { store, clock, streams, live, _dir: dir }
    }

    async fn put(&self, value: f64) {
        let now = self.clock.now();
        let point = Point {
            metric_name: "m".into(),
            dimensions: vec![("D".into(), "v".into())],
            time: now,
            unit: Some("Count".into()),
            resolution: 60,
            value: PointValue::One(value),
        };
        let points = Points { namespace: "App".into(), points: vec![point] };
        let appends = vec![points.append(Partition::new(ACCOUNT, REGION), now)];
        self.store.commit(Batch { appends, ..Batch::default() }).await.unwrap();
        self.live.catch_up(now).await.unwrap();
    }

    async fn follow(&self, follower: &mut StreamsFollower) {
        let entries = self.store.read_log(follower.position(), 1 << 20).await.unwrap();
        follower.follow(&entries, self.clock.now()).await.unwrap();
    }

    async fn advance(&self, follower: &mut StreamsFollower) {
        let due = follower.next_due(self.clock.now()).await.unwrap().expect("something is due");
        *self.clock.0.lock().unwrap() = due;
        follower.run_due(due).await.unwrap();
    }

    /// Sum and count of each line that waits.
    async fn waiting(&self) -> Vec<(f64, f64)> {
        let scan = Scan { prefix: "", after: None, limit: 100 };
        let rows = self.store.scan(BATCH, scan).await.unwrap();
        let mut sums = Vec::new();
        for row in rows {
            let record: BatchRecord = keywatch_store::decode(&row.bytes).unwrap();
            for line in String::from_utf8(record.bytes().unwrap()).unwrap().lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                sums.push((line["value"]["sum"].as_f64().unwrap(), line["value"]["count"].as_f64().unwrap()));
            }
        }
        sums
    }
}

#[tokio::test]
async fn minutes_are_sent_whole_also_after_a_crash() {
    let world = World::begin().await;
    let mut follower = world.streams.follower(world.live.clone()).await.unwrap();
    world.put(1.0).await;
    world.follow(&mut follower).await;
    assert_eq!(world.waiting().await, []);
    // The process ends before the minute does.
    drop(follower);
    let mut follower = world.streams.follower(world.live.clone()).await.unwrap();
    world.put(2.0).await;
    world.follow(&mut follower).await;
    world.advance(&mut follower).await;
    assert_eq!(world.clock.now().to_string(), "2026-11-23T00:01:00Z");
    assert_eq!(world.waiting().await, [(3.0, 2.0)]);
    // What was stored is not made again.
    drop(follower);
    let mut follower = world.streams.follower(world.live.clone()).await.unwrap();
    world.follow(&mut follower).await;
    assert_eq!(follower.next_due(world.clock.now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_late_point_sends_its_minute_again() {
    let world = World::begin().await;
    let mut follower = world.streams.follower(world.live.clone()).await.unwrap();
    world.put(1.0).await;
    world.follow(&mut follower).await;
    world.advance(&mut follower).await;
    let then = world.clock.now();
    *world.clock.0.lock().unwrap() = then - SignedDuration::from_secs(10);
    world.put(4.0).await;
    *world.clock.0.lock().unwrap() = then;
    world.follow(&mut follower).await;
    world.advance(&mut follower).await;
    assert_eq!(world.waiting().await, [(1.0, 1.0), (5.0, 2.0)]);
}

#[tokio::test]
async fn a_bucket_gets_objects_and_batches_are_gone() {
    let world = World::begin().await;
    let mut follower = world.streams.follower(world.live.clone()).await.unwrap();
    world.put(1.0).await;
    world.follow(&mut follower).await;
    world.advance(&mut follower).await;
    let streams = world.streams.clone();
    let deliveries = tokio::spawn(async move { streams.run().await });
    follower.settle(world.clock.now()).await;
    assert_eq!(world.waiting().await, []);
    let objects = world.store.scan(OBJECT, Scan { prefix: "", after: None, limit: 10 }).await.unwrap();
    let keys: Vec<&str> = objects.iter().map(|row| row.key.as_str()).collect();
    assert!(
        matches!(&keys[..], [key] if key.starts_with("b/p/2026/11/23/00/f-1-2026-11-23-00-01-00-")),
        "{keys:?}"
    );
    world.streams.stop();
    deliveries.await.unwrap();
}
