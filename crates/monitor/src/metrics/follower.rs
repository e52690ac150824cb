//! # The metrics follower: records and points become series
//! It feeds the live series, writes a snapshot of them now and then, and lets days age once a day.
//! **Invariant:** the stored position never runs ahead of the stored series; what lies between is replayed after a restart.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{Batch, CommitError, LogEntry, Seq, Store, StoreError};

use super::{
    live::{FOLLOWER, LiveSeries},
    stored::Snapshot,
    stream::DAY_SECONDS,
};
use crate::engine::{Follower, commit_position};

/// Entries after which the series are written down: a restart replays at most this many.
const SNAPSHOT_ENTRIES: u64 = 20_000;

/// Feeds [`LiveSeries`].
#[derive(Debug)]
pub struct MetricsFollower {
    store: Store,
    live: Arc<LiveSeries>,
    stored_at: Seq,
    /// The day (since 1970) for which series last aged.
    aged_on: i64,
}

impl MetricsFollower {
    /// Follows from where the live series stand. `now` only says which day it is.
    pub fn new(store: Store, live: Arc<LiveSeries>, now: Timestamp) -> Self {
        let stored_at = live.position();
        Self { store, live, stored_at, aged_on: day_of(now) }
    }

    /// Writes everything down that is not stored yet.
    pub async fn store(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let day = day_of(now);
        let ages = (day != self.aged_on).then(|| now.as_second());
        // What comes in meanwhile is in later slices or in the next snapshot; rows say themselves what they include.
        let (mut snapshot, position) =
            self.live.change(|series, position| (Snapshot::begin(series, ages), position));
        while let Some(batch) = self.live.change(|series, position| snapshot.next_slice(series, position))? {
            self.store.commit(batch).await.map_err(store_error)?;
        }
        commit_position(&self.store, FOLLOWER, position, Batch::default()).await.map_err(store_error)?;
        (self.stored_at, self.aged_on) = (position, day);
        Ok(())
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY_SECONDS)
}

/// Snapshots check nothing, so a conflict cannot be.
fn store_error(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict { kind, key } => {
            StoreError::corrupt(format!("an unchecked row conflicts: {kind:?} {key}"))
        }
    }
}

impl Follower for MetricsFollower {
    fn name(&self) -> &'static str {
        FOLLOWER
    }

    fn position(&self) -> Seq {
        self.live.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.live.apply(entries, now)?;
            if self.live.position() - self.stored_at >= SNAPSHOT_ENTRIES {
                self.store(now).await?;
            }
            Ok(())
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async {
            if self.live.read(|series| series.is_empty()) {
                return Ok(None);
            }
            Ok(Timestamp::from_second((self.aged_on + 1) * DAY_SECONDS).ok())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.store(now))
    }
}

#[cfg(test)]
mod tests {
    use keywatch_store::{Append, EntryKind, Partition};

    use super::*;
    use crate::{
        entry::{Body, Point, PointValue, Points},
        metrics::{
            Unit,
            series::{MetricRef, Window},
        },
    };

    const PARTITION: &str = "000000000000/us-east-1";
    const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/k1";

    fn now() -> Timestamp {
        "2026-11-22T06:00:30Z".parse().unwrap()
    }

    fn points(value: f64, time: Timestamp) -> Append {
        let point = Point {
            metric_name: "Calls".into(),
            dimensions: vec![("A".into(), "1".into())],
            time,
            unit: Some("Count".into()),
            resolution: 60,
            value: PointValue::One(value),
        };
        Points { namespace: "App".into(), points: vec![point] }
            .append(Partition::new("000000000000", "us-east-1"), time)
    }

    fn import(time: Timestamp, valid_to: &str) -> Append {
        let record = format!(
            r#"{{"eventSource":"kms.amazonaws.com","eventName":"ImportKeyMaterial","eventTime":"{time}","awsRegion":"us-east-1","eventType":"AwsApiCall",
            "recipientAccountId":"000000000000","resources":[{{"ARN":"{KEY}"}}],"requestParameters":{{"validTo":"{valid_to}"}}}}"#
        );
        let partition = Partition::new("000000000000", "us-east-1");
        Append { kind: EntryKind::Record, time, partition, bytes: record.into() }
    }

    async fn append(store: &Store, appends: Vec<Append>) {
        store.commit(Batch { appends, ..Batch::default() }).await.unwrap();
    }

    /// Sum and count of `Calls` in the hour, and the lowest countdown.
    fn figures(live: &LiveSeries) -> (f64, f64, Option<f64>) {
        live.read(|series| {
            let window = Window::covering(now().as_second() - 3_570, now().as_second() + 30, 3_600);
            let calls = MetricRef {
                partition: PARTITION,
                namespace: "App",
                name: "Calls",
                dimensions: &[("A", "1")],
            };
            let sets =
                series.find(&calls).map(|id| series.read(id, Some(Unit::Count), &window, now().as_second()));
            let (sum, count) =
                sets.iter().flatten().fold((0.0, 0.0), |(s, c), b| (s + b.set.sum, c + b.set.count));
            let left = MetricRef {
                partition: PARTITION,
                namespace: "AWS/KMS",
                name: "SecondsUntilKeyMaterialExpiration",
                dimensions: &[("KeyId", "k1")],
            };
            let left = series.find(&left).map(|id| series.read(id, None, &window, now().as_second()));
            (sum, count, left.into_iter().flatten().map(|bucket| bucket.set.minimum).reduce(f64::min))
        })
    }

    #[tokio::test]
    async fn a_restart_gives_the_same_numbers_from_any_point() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        let mut follower = MetricsFollower::new(store.clone(), Arc::clone(&live), now());
        append(&store, vec![points(1.0, now()), points(2.0, now()), import(now(), "2026-11-22T07:00:30Z")])
            .await;
        live.catch_up(now()).await.unwrap();
        assert_eq!(figures(&live), (3.0, 2.0, Some(3_600.0)));
        follower.store(now()).await.unwrap();
        append(&store, vec![points(4.0, now()), import(now(), "2026-11-22T06:30:30Z")]).await;
        live.catch_up(now()).await.unwrap();
        assert_eq!(figures(&live), (7.0, 3.0, Some(1_800.0)));

        let again = LiveSeries::load(&store).await.unwrap();
        assert_eq!(again.position(), 3);
        assert_eq!(figures(&again), (3.0, 2.0, Some(3_600.0)));
        again.catch_up(now()).await.unwrap();
        assert_eq!(figures(&again), figures(&live));
        // A snapshot that was written without its position is no harm: what it includes is not added again.
        let mut rows = again.change(|series, _| Snapshot::begin(series, None));
        while let Some(batch) = again.change(|series, position| rows.next_slice(series, position)).unwrap() {
            store.commit(batch).await.unwrap();
        }
        let third = LiveSeries::load(&store).await.unwrap();
        assert_eq!(third.position(), 3);
        third.catch_up(now()).await.unwrap();
        assert_eq!(figures(&third), figures(&live));
    }

    #[tokio::test]
    async fn days_age_once_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        let mut follower = MetricsFollower::new(store.clone(), Arc::clone(&live), now());
        assert_eq!(follower.next_due(now()).await.unwrap(), None);
        append(&store, vec![points(1.0, now()), points(1.0, now() + jiff::Span::new().minutes(1))]).await;
        let entries = store.read_log(0, 1 << 20).await.unwrap();
        follower.follow(&entries, now()).await.unwrap();
        assert_eq!(follower.next_due(now()).await.unwrap(), Some("2026-11-23T00:00:00Z".parse().unwrap()));
        let later = "2026-12-20T00:00:00Z".parse().unwrap();
        follower.run_due(later).await.unwrap();
        assert_eq!(follower.next_due(later).await.unwrap(), Some("2026-12-21T00:00:00Z".parse().unwrap()));
        assert_eq!(figures(&LiveSeries::load(&store).await.unwrap()), (2.0, 2.0, None));
    }
}
