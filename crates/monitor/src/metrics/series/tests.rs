//! Series in memory.

use super::*;

const PARTITION: &str = "000000000000/us-east-1";

fn metric<'a>(dimensions: &'a [(&'a str, &'a str)]) -> MetricRef<'a> {
    MetricRef { partition: PARTITION, namespace: "App", name: "Calls", dimensions }
}

fn put(store: &mut SeriesStore, metric: MetricRef<'_>, time: Second, value: f64) {
    let set = StatisticSet::uniform(value, 1.0);
    store
        .add(1, &Datum { metric, time, unit: Unit::Count, high_resolution: false, set: &set }, 10_000)
        .unwrap();
}

#[test]
fn each_set_of_dimensions_is_a_series() {
    let mut store = SeriesStore::default();
    put(&mut store, metric(&[]), 0, 1.0);
    put(&mut store, metric(&[("A", "1")]), 0, 1.0);
    put(&mut store, metric(&[("A", "1")]), 60, 1.0);
    put(&mut store, metric(&[("A", "1"), ("B", "1")]), 0, 1.0);
    assert_eq!(store.len(), 3);
    assert_eq!(store.named(PARTITION, "App", "Calls").len(), 3);
    assert_eq!(store.named(PARTITION, "App", "Other").len(), 0);
    assert_eq!(store.find(&metric(&[("A", "2")])), None);
    let id = store.find(&metric(&[("A", "1")])).unwrap();
    assert_eq!(store.metric(id).dimensions().collect::<Vec<_>>(), [("A", "1")]);
    assert_eq!(store.take_changed().len(), 3);
    assert_eq!(store.take_changed(), []);
}

#[test]
fn periods_of_a_window() {
    let mut store = SeriesStore::default();
    for (time, value) in [(0, 1.0), (61, 2.0), (119, 3.0), (301, 4.0), (600, 9.0)] {
        put(&mut store, metric(&[]), time, value);
    }
    let id = store.find(&metric(&[])).unwrap();
    let read = |start, end, period| {
        let buckets = store.read(id, None, &Window::covering(start, end, period), 10_000);
        buckets.into_iter().map(|bucket| (bucket.time, bucket.set.sum)).collect::<Vec<_>>()
    };
    assert_eq!(read(0, 600, 60), [(0, 1.0), (60, 5.0), (300, 4.0)]);
    assert_eq!(read(0, 600, 300), [(0, 6.0), (300, 4.0)]);
    assert_eq!(read(60, 601, 300), [(60, 9.0), (360, 9.0)]);
    assert_eq!(read(0, 0, 60), []);
}

#[test]
fn units_stay_apart_in_alphabetical_order() {
    let mut store = SeriesStore::default();
    for unit in [Unit::Seconds, Unit::Milliseconds] {
        let set = StatisticSet::uniform(5.0, 1.0);
        store
            .add(1, &Datum { metric: metric(&[]), time: 0, unit, high_resolution: false, set: &set }, 0)
            .unwrap();
    }
    let id = store.find(&metric(&[])).unwrap();
    let window = Window::covering(0, 60, 60);
    let units: Vec<_> = store.read(id, None, &window, 0).iter().map(|bucket| bucket.unit).collect();
    assert_eq!(units, [Unit::Milliseconds, Unit::Seconds]);
    assert_eq!(store.read(id, Some(Unit::Seconds), &window, 0).len(), 1);
    assert_eq!(store.read(id, Some(Unit::Count), &window, 0), []);
}

#[test]
fn recency() {
    let mut store = SeriesStore::default();
    put(&mut store, metric(&[]), 1_000, 1.0);
    let id = store.find(&metric(&[])).unwrap();
    assert!(store.is_recent(id, 1_000 + RECENT_SECONDS - 1, RECENT_SECONDS));
    assert!(!store.is_recent(id, 1_000 + RECENT_SECONDS, RECENT_SECONDS));
    assert!(!store.is_listed(id, 1_000 + RECENT_SECONDS));
}

#[test]
fn old_points_that_come_now_are_listed() {
    let came = 1_000 * DAY_SECONDS;
    let mut store = SeriesStore::default();
    let set = StatisticSet::uniform(1.0, 1.0);
    let unit = Unit::Count;
    let datum = Datum { metric: metric(&[]), time: 0, unit, high_resolution: false, set: &set };
    store.add(1, &datum, came + 5).unwrap();
    let id = store.find(&metric(&[])).unwrap();
    assert!(!store.is_recent(id, came, RECENT_SECONDS));
    assert!(store.is_listed(id, came + RECENT_SECONDS - 1));
    assert!(!store.is_listed(id, came + RECENT_SECONDS));
}

#[test]
fn countdowns_read_as_points() {
    let mut store = SeriesStore::default();
    let expiry = MetricRef { name: "Left", ..metric(&[("KeyId", "k")]) };
    store.start_countdown(1, &expiry, "m", 0, 86_400).unwrap();
    let id = store.find(&expiry).unwrap();
    let minimum = |now| {
        let buckets = store.read(id, None, &Window::covering(0, 600, 300), now);
        buckets
            .into_iter()
            .map(|bucket| (bucket.time, bucket.set.minimum, bucket.set.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(minimum(299), [(0, 86_160.0, 5.0)]);
    assert_eq!(minimum(700), [(0, 86_160.0, 5.0), (300, 85_860.0, 5.0)]);
    assert!(store.counts_down(id, 86_399));
    assert!(!store.counts_down(id, 86_400));
    assert!(store.is_recent(id, 86_400 + RECENT_SECONDS - 1, RECENT_SECONDS));
    store.end_countdown(2, &expiry, None, 60);
    assert_eq!(store.read(id, None, &Window::covering(0, 600, 300), 700).len(), 1);
}
