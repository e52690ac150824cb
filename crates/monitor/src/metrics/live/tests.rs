//! The paged store beside a plain list of all points: random puts, late points, restarts at any place, pages that age, a clock that moves.

use jiff::Timestamp;
use keywatch_store::{Append, Partition};
use proptest::prelude::*;

use super::*;
use crate::{
    entry::{Point, Points},
    metrics::{
        follower::MetricsFollower,
        series::Window,
        span::{DAY_SECONDS, HIGH_RESOLUTION_KEPT_SECONDS, Resolution},
    },
};

const PARTITION: &str = "000000000000/us-east-1";
const BEGIN: Second = 1_763_798_430;
/// More than one block, and neighbours in one.
const SERIES: [u32; 5] = [0, 1, 63, 64, 200];
const UNITS: [Unit; 2] = [Unit::Count, Unit::Seconds];

#[derive(Debug, Clone)]
enum Action {
    /// A point of a series, so many seconds ago.
    Put {
        series: usize,
        unit: usize,
        ago: Second,
        value: u8,
        fine: bool,
    },
    Flush,
    /// The process ends after so many steps of a flush.
    Kill {
        steps: usize,
    },
    Wait(Second),
}

fn action() -> impl Strategy<Value = Action> {
    let ago = prop_oneof![
        6 => 0..300i64,
        2 => 0..6 * 3_600i64,
        2 => 0..14 * DAY_SECONDS,
        1 => 0..900 * DAY_SECONDS,
    ];
    let put = (0..SERIES.len(), 0..8usize, ago, 0..50u8, any::<bool>());
    prop_oneof![
        12 => put.prop_map(|(series, unit, ago, value, fine)| {
            Action::Put { series, unit: usize::from(unit == 0), ago, value, fine }
        }),
        2 => Just(Action::Flush),
        2 => (0..3usize).prop_map(|steps| Action::Kill { steps }),
        3 => prop_oneof![1..7_200i64, 1..3 * DAY_SECONDS, 1..40 * DAY_SECONDS].prop_map(Action::Wait),
    ]
}

/// A point as the model keeps it.
#[derive(Debug)]
struct Known {
    series: usize,
    unit: Unit,
    time: Second,
    value: f64,
    fine: bool,
}

struct World {
    dir: tempfile::TempDir,
    store: Store,
    live: Arc<LiveSeries>,
    follower: MetricsFollower,
    now: Second,
    all: Vec<Known>,
}

fn at(second: Second) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        let follower = MetricsFollower::new(store.clone(), Arc::clone(&live), at(BEGIN));
        let mut world = Self { dir, store, live, follower, now: BEGIN, all: Vec::new() };
        // Every number between those looked at exists.
        for number in 0..=200 {
            world.put(number, Unit::Count, world.now, 1.0, false).await;
        }
        for (series, _) in SERIES.iter().enumerate() {
            world.all.push(Known { series, unit: Unit::Count, time: BEGIN, value: 1.0, fine: false });
        }
        world
    }

    async fn put(&mut self, number: u32, unit: Unit, time: Second, value: f64, fine: bool) {
        let point = Point {
            metric_name: "m".into(),
            dimensions: vec![("A".into(), number.to_string())],
            time: at(time),
            unit: Some(unit.as_str().into()),
            resolution: if fine { 1 } else { 60 },
            value: PointValue::One(value),
        };
        let append: Append = Points { namespace: "N".into(), points: vec![point] }
            .append(Partition::new("000000000000", "us-east-1"), at(self.now));
        self.store.commit(Batch { appends: vec![append], ..Batch::default() }).await.unwrap();
        self.live.catch_up(at(self.now)).await.unwrap();
    }

    async fn run(&mut self, action: &Action) {
        match *action {
            Action::Put { series, unit, ago, value, fine } => {
                let (unit, time, value) = (UNITS[unit], self.now - ago, f64::from(value));
                self.put(SERIES[series], unit, time, value, fine).await;
                self.all.push(Known { series, unit, time, value, fine });
            }
            Action::Flush => self.follower.store(at(self.now)).await.unwrap(),
            Action::Kill { steps } => {
                let mut flush = self.live.change(|series, _| Flush::begin(series, self.now - 10_800));
                for _ in 0..steps {
                    if !self.live.flush_some(&mut flush).await.unwrap() {
                        break;
                    }
                }
                self.store.close().await;
                self.store = Store::open_embedded(self.dir.path()).await.unwrap();
                self.live = LiveSeries::load(&self.store).await.unwrap();
                self.follower =
                    MetricsFollower::new(self.store.clone(), Arc::clone(&self.live), at(self.now));
                self.live.catch_up(at(self.now)).await.unwrap();
            }
            Action::Wait(seconds) => {
                let day = |now: Second| now.div_euclid(DAY_SECONDS);
                let midnight = day(self.now) != day(self.now + seconds);
                self.now += seconds;
                if midnight {
                    self.follower.store(at(self.now)).await.unwrap();
                }
            }
        }
    }

    /// Compares what is read with the list, in periods of a width.
    async fn compare(&self, period: Second) {
        let oldest = match period {
            1 => self.now - 2 * 3_600,
            60 => self.now - 14 * DAY_SECONDS,
            300 => self.now - 62 * DAY_SECONDS,
            _ => BEGIN - 901 * DAY_SECONDS,
        };
        let start = oldest - oldest.rem_euclid(DAY_SECONDS.min(period * 60));
        let window = Window::covering(start, self.now + 60, period);
        for (series, number) in SERIES.iter().enumerate() {
            let dimension = number.to_string();
            let dimensions = [("A", dimension.as_str())];
            let metric =
                MetricRef { partition: PARTITION, namespace: "N", name: "m", dimensions: &dimensions };
            let look =
                |store: &SeriesStore| store.read(store.find(&metric).unwrap(), None, &window, self.now);
            let got = self.live.read(look).await.unwrap();
            let got: Vec<(Second, Unit, f64, f64)> = got
                .into_iter()
                .map(|bucket| (bucket.time, bucket.unit, bucket.set.count, bucket.set.sum))
                .collect();
            let mut want: Vec<(Second, Unit, f64, f64)> = Vec::new();
            for known in self.all.iter().filter(|known| known.series == series) {
                if known.time < window.start || known.time >= window.end() || (period == 1 && !known.fine) {
                    continue;
                }
                let time = window.time(((known.time - window.start) / period) as usize);
                match want.iter_mut().find(|(at, unit, ..)| (*at, *unit) == (time, known.unit)) {
                    Some((_, _, count, sum)) => (*count, *sum) = (*count + 1.0, *sum + known.value),
                    None => want.push((time, known.unit, 1.0, known.value)),
                }
            }
            want.sort_by_key(|(at, unit, ..)| (*at, unit.as_str()));
            assert_eq!(got, want, "series {number} in periods of {period} at {}", self.now);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn what_is_read_is_what_was_put(actions in prop::collection::vec(action(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for action in &actions {
                world.run(action).await;
            }
            for period in [1, 60, 300, 3_600] {
                world.compare(period).await;
            }
        });
    }
}

/// Old points are in the store and not in memory, and come back to who asks.
#[tokio::test]
async fn old_points_leave_memory() {
    let mut world = World::new().await;
    let held = |live: &LiveSeries| live.look(|series| series.pages.bytes());
    world.follower.store(at(world.now)).await.unwrap();
    let hot = held(&world.live);
    assert!(hot > 0);
    world.now += 5 * 3_600;
    world.follower.store(at(world.now)).await.unwrap();
    assert_eq!(held(&world.live), 0);
    world.compare(60).await;
    assert!((1..hot).contains(&held(&world.live)), "what was asked for stays for the next");
    world.live.change(|series, _| series.pages.trim(0));
    assert_eq!(held(&world.live), 0);
    assert_eq!(HIGH_RESOLUTION_KEPT_SECONDS, 3 * Resolution::Second.span_seconds());
}
