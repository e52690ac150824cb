//! Restarts and aging over a real store.

use keywatch_store::{Append, Batch, EntryKind, Partition};

use super::*;
use crate::{
    entry::{Body, Point, PointValue, Points},
    metrics::{
        Unit,
        flush::Flush,
        series::{MetricRef, SeriesStore, Window},
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

/// What a flush writes before it is killed.
async fn flush_some(live: &LiveSeries, steps: usize) {
    let mut flush = live.change(|series, _| Flush::begin(series, Second::MIN));
    for _ in 0..steps {
        if !live.flush_some(&mut flush).await.unwrap() {
            break;
        }
    }
}

async fn append(store: &Store, appends: Vec<Append>) {
    store.commit(Batch { appends, ..Batch::default() }).await.unwrap();
}

/// Sum and count of `Calls` in the hour, and the lowest countdown.
async fn figures(live: &LiveSeries) -> (f64, f64, Option<f64>) {
    let look = |series: &SeriesStore| {
        let window = Window::covering(now().as_second() - 3_570, now().as_second() + 30, 3_600);
        let calls =
            MetricRef { partition: PARTITION, namespace: "App", name: "Calls", dimensions: &[("A", "1")] };
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
    };
    live.read(look).await.unwrap()
}

#[tokio::test]
async fn a_restart_gives_the_same_numbers_from_any_point() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let live = LiveSeries::load(&store).await.unwrap();
    let mut follower = MetricsFollower::new(store.clone(), Arc::clone(&live), now());
    append(&store, vec![points(1.0, now()), points(2.0, now()), import(now(), "2026-11-22T07:00:30Z")]).await;
    live.catch_up(now()).await.unwrap();
    assert_eq!(figures(&live).await, (3.0, 2.0, Some(3_600.0)));
    follower.store(now()).await.unwrap();
    append(&store, vec![points(4.0, now()), import(now(), "2026-11-22T06:30:30Z")]).await;
    live.catch_up(now()).await.unwrap();
    assert_eq!(figures(&live).await, (7.0, 3.0, Some(1_800.0)));

    let again = LiveSeries::load(&store).await.unwrap();
    assert_eq!(again.position(), 3);
    assert_eq!(figures(&again).await, (3.0, 2.0, Some(3_600.0)));
    again.catch_up(now()).await.unwrap();
    assert_eq!(figures(&again).await, figures(&live).await);
    // Pages that were written without the position are no harm: what they include is not added again.
    flush_some(&again, usize::MAX).await;
    let third = LiveSeries::load(&store).await.unwrap();
    assert_eq!(third.position(), 3);
    third.catch_up(now()).await.unwrap();
    assert_eq!(figures(&third).await, figures(&live).await);
}

#[tokio::test]
async fn what_is_used_up_is_counted_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_embedded(dir.path()).await.unwrap();
    let live = LiveSeries::load(&store).await.unwrap();
    let mut follower = MetricsFollower::new(store.clone(), Arc::clone(&live), now());
    let time = now();
    append(&store, vec![encrypt(time), encrypt(time)]).await;
    live.catch_up(now()).await.unwrap();
    assert_eq!(used(&live, time).await, 2.0);
    follower.store(now()).await.unwrap();
    append(&store, vec![encrypt(time)]).await;
    live.catch_up(now()).await.unwrap();
    flush_some(&live, usize::MAX).await;
    // These rows include the third use, the stored position does not.
    let again = LiveSeries::load(&store).await.unwrap();
    assert_eq!(again.position(), 2);
    again.catch_up(now()).await.unwrap();
    assert_eq!((used(&live, time).await, used(&again, time).await), (3.0, 3.0));
}

fn encrypt(time: Timestamp) -> Append {
    let record = format!(
        r#"{{"eventSource":"kms.amazonaws.com","eventName":"Encrypt","eventTime":"{time}","awsRegion":"us-east-1","eventType":"AwsApiCall",
        "recipientAccountId":"000000000000","resources":[{{"ARN":"{KEY}"}}],"additionalEventData":{{"keyMaterialId":"m"}}}}"#
    );
    let partition = Partition::new("000000000000", "us-east-1");
    Append { kind: EntryKind::Record, time, partition, bytes: record.into() }
}

/// Uses of the key's material, by its budget.
async fn used(live: &LiveSeries, time: Timestamp) -> f64 {
    let look = |series: &SeriesStore| {
        let dimensions = [("KeyArn", KEY), ("KeyMaterialId", "m")];
        let (partition, namespace) = (PARTITION, "Keywatch/KMS");
        let metric = MetricRef { partition, namespace, name: "MaterialBudgetUsed", dimensions: &dimensions };
        let window = Window::covering(time.as_second() - 30, time.as_second() + 30, 60);
        let id = series.find(&metric).unwrap();
        let buckets = series.read(id, Some(Unit::Percent), &window, time.as_second());
        buckets[0].set.maximum / 100.0 * 4_294_967_296.0
    };
    live.read(look).await.unwrap()
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
    assert_eq!(figures(&LiveSeries::load(&store).await.unwrap()).await, (2.0, 2.0, None));
}
