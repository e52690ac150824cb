//! # Series: every metric in memory
//! A **series** is one metric of one account and region: its identity, its streams (one per unit) and its countdowns. The
//! **series store** finds series by identity or by name, adds points, and reads the statistic sets of a **window**.
//! **Invariants:** a series keeps its number for ever; two series never share an identity; points enter through log positions, so
//! a replayed position adds nothing twice.
//! **Not here:** persistence (it reads `Series` through `changed_since_store`), the rules of each API operation.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{
    Second, Unit,
    packed::Figures,
    ramp::{self, Ramp},
    statistic_set::StatisticSet,
    stream::{DAY_SECONDS, Removed, Stream},
    symbols::{Symbol, Symbols},
};

/// More series than this are refused, so that a publisher of random dimension values cannot exhaust memory.
pub const SERIES_MAX: usize = 4_000_000;
/// `ListMetrics` knows a metric for this long after its newest point, or after a point came that was old already.
pub const RECENT_SECONDS: Second = 14 * DAY_SECONDS;

/// The number of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

/// The store is full ([`SERIES_MAX`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {SERIES_MAX} metrics")]
pub struct TooManySeries;

/// A metric by its names, borrowed. `dimensions` are sorted by name and hold no name twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricRef<'a> {
    /// Account and region, as the log writes them: `000000000000/us-east-1`.
    pub partition: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    pub dimensions: &'a [(&'a str, &'a str)],
}

/// Samples of one metric at one time.
#[derive(Debug, Clone, Copy)]
pub struct Datum<'a> {
    pub metric: MetricRef<'a>,
    pub time: Second,
    pub unit: Unit,
    pub high_resolution: bool,
    pub set: &'a StatisticSet,
}

/// One metric.
#[derive(Debug)]
pub struct Series {
    partition: Symbol,
    namespace: Symbol,
    name: Symbol,
    /// Sorted by the dimension's name.
    dimensions: Box<[(Symbol, Symbol)]>,
    streams: Vec<(Unit, Stream)>,
    ramps: Vec<Ramp>,
    ramps_through: u64,
    /// The newest point's time, for `ListMetrics`.
    newest: Second,
    /// The midnight before a point last came that was more than a day old, as imported ones are.
    came_late: Second,
    /// The entry that describes this series must be stored (again).
    definition_changed: bool,
    in_changed: bool,
    in_unstored: bool,
}

/// A span of periods: `count` of them, each `period` seconds long, the first starting at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: Second,
    pub period: Second,
    pub count: usize,
}

impl Window {
    /// The periods that start within `[start, end)`, counted from `start`.
    pub fn covering(start: Second, end: Second, period: Second) -> Self {
        let count = (end - start).max(0).div_euclid(period)
            + Second::from((end - start).max(0).rem_euclid(period) > 0);
        Self { start, period, count: count as usize }
    }

    pub fn end(&self) -> Second {
        self.start + self.period * self.count as Second
    }

    /// The number of the period a time falls into.
    pub(super) fn index(&self, time: Second) -> usize {
        ((time - self.start) / self.period) as usize
    }

    /// When a period starts.
    pub fn time(&self, index: usize) -> Second {
        self.start + self.period * index as Second
    }

    /// Periods below a minute are served from seconds.
    fn fine(&self) -> bool {
        self.period < 60
    }
}

/// The samples of one period in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    pub time: Second,
    pub unit: Unit,
    pub set: StatisticSet,
}

/// Every series of every account and region.
#[derive(Debug, Default)]
pub struct SeriesStore {
    symbols: Symbols,
    series: Vec<Series>,
    by_identity: HashMap<Box<[Symbol]>, SeriesId, RandomState>,
    by_name: HashMap<[Symbol; 3], Vec<SeriesId>, RandomState>,
    /// Series with new points since `take_changed`.
    changed: Vec<SeriesId>,
    /// Series with anything not stored since `take_unstored`.
    unstored: Vec<SeriesId>,
}

impl SeriesStore {
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series of a metric, if it ever had a point.
    pub fn find(&self, metric: &MetricRef<'_>) -> Option<SeriesId> {
        let mut identity = Vec::with_capacity(3 + 2 * metric.dimensions.len());
        for text in names(metric) {
            identity.push(self.symbols.find(text)?);
        }
        self.by_identity.get(identity.as_slice()).copied()
    }

    /// The series of a metric, made if it is new.
    pub fn intern(&mut self, metric: &MetricRef<'_>) -> Result<SeriesId, TooManySeries> {
        if let Some(id) = self.find(metric) {
            return Ok(id);
        }
        if self.series.len() >= SERIES_MAX {
            return Err(TooManySeries);
        }
        debug_assert!(metric.dimensions.is_sorted_by(|a, b| a.0 < b.0), "dimensions are sorted");
        let identity: Box<[Symbol]> = names(metric).map(|text| self.symbols.intern(text)).collect();
        let id = SeriesId(self.series.len() as u32);
        let [partition, namespace, name] = [identity[0], identity[1], identity[2]];
        self.series.push(Series {
            partition,
            namespace,
            name,
            dimensions: identity[3..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            streams: Vec::new(),
            ramps: Vec::new(),
            ramps_through: 0,
            newest: Second::MIN,
            came_late: Second::MIN,
            definition_changed: true,
            in_changed: false,
            in_unstored: false,
        });
        self.by_name.entry([partition, namespace, name]).or_default().push(id);
        self.by_identity.insert(identity, id);
        Ok(id)
    }

    /// Adds samples that came from log position `seq`.
    pub fn add(&mut self, seq: u64, datum: &Datum<'_>, now: Second) -> Result<(), TooManySeries> {
        let id = self.intern(&datum.metric)?;
        let series = &mut self.series[id.0 as usize];
        let at = series.streams.iter().position(|(unit, _)| *unit == datum.unit).unwrap_or_else(|| {
            series.streams.push((datum.unit, Stream::default()));
            series.streams.len() - 1
        });
        if series.streams[at].1.add(seq, datum.time, datum.high_resolution, now, datum.set) {
            series.newest = series.newest.max(datum.time);
            let today = now - now.rem_euclid(DAY_SECONDS);
            if now - datum.time > DAY_SECONDS && series.came_late < today {
                (series.came_late, series.definition_changed) = (today, true);
            }
            self.mark(id);
        }
        Ok(())
    }

    /// Begins the countdown of `subject` to `expires`, from log position `seq`.
    pub fn start_countdown(
        &mut self,
        seq: u64,
        metric: &MetricRef<'_>,
        subject: &str,
        from: Second,
        expires: Second,
    ) -> Result<(), TooManySeries> {
        let id = self.intern(metric)?;
        self.change_ramps(seq, id, |ramps| ramp::start(ramps, subject, from, expires));
        Ok(())
    }

    /// Ends the countdown of `subject`, or all of the metric, from log position `seq`.
    pub fn end_countdown(&mut self, seq: u64, metric: &MetricRef<'_>, subject: Option<&str>, at: Second) {
        if let Some(id) = self.find(metric) {
            self.change_ramps(seq, id, |ramps| ramp::end(ramps, subject, at));
        }
    }

    fn change_ramps(&mut self, seq: u64, id: SeriesId, change: impl FnOnce(&mut Vec<Ramp>)) {
        let series = &mut self.series[id.0 as usize];
        if seq <= series.ramps_through {
            return;
        }
        change(&mut series.ramps);
        series.definition_changed = true;
        self.mark(id);
    }

    fn mark(&mut self, id: SeriesId) {
        let series = &mut self.series[id.0 as usize];
        if !std::mem::replace(&mut series.in_changed, true) {
            self.changed.push(id);
        }
        if !std::mem::replace(&mut series.in_unstored, true) {
            self.unstored.push(id);
        }
    }

    /// The series that got points since the last call.
    pub fn take_changed(&mut self) -> Vec<SeriesId> {
        let changed = std::mem::take(&mut self.changed);
        for id in &changed {
            self.series[id.0 as usize].in_changed = false;
        }
        changed
    }

    /// The sets of each period of a window in which the series has samples, oldest first, units apart and in alphabetical order.
    pub fn read(&self, id: SeriesId, unit: Option<Unit>, window: &Window, now: Second) -> Vec<Bucket> {
        let series = &self.series[id.0 as usize];
        let mut buckets: Vec<Bucket> = Vec::new();
        let (start, end) = (window.start, window.end());
        for (of_unit, stream) in series.streams.iter().filter(|(of, _)| unit.is_none_or(|unit| unit == *of)) {
            let mut periods = Periods::new(window);
            stream.for_each(start, end, window.fine(), |time, set| periods.add(time, &set));
            periods.collect_into(*of_unit, &mut buckets);
        }
        if !series.ramps.is_empty() && !window.fine() && unit.is_none_or(|unit| unit == Unit::Seconds) {
            let mut periods = Periods::new(window);
            ramp::for_each_minute(&series.ramps, start, end, now, |time, set| periods.add(time, &set));
            periods.collect_into(Unit::Seconds, &mut buckets);
        }
        buckets.sort_by(|a, b| (a.time, a.unit.as_str()).cmp(&(b.time, b.unit.as_str())));
        buckets
    }

    /// Calls `each` with the period's number and the four figures of every stored point of a window, all units together.
    pub fn for_each_figures(
        &self,
        id: SeriesId,
        window: &Window,
        now: Second,
        mut each: impl FnMut(usize, Figures),
    ) {
        let series = &self.series[id.0 as usize];
        let (start, end) = (window.start, window.end());
        for (_, stream) in &series.streams {
            stream.for_each_figures(start, end, window.fine(), |time, figures| {
                each(window.index(time), figures)
            });
        }
        if !series.ramps.is_empty() {
            ramp::for_each_minute(&series.ramps, start, end, now, |time, set| {
                each(window.index(time), (&set).into())
            });
        }
    }

    /// Whether the metric had a point within `seconds` before `now`, or has one to come.
    pub fn is_recent(&self, id: SeriesId, now: Second, seconds: Second) -> bool {
        let series = &self.series[id.0 as usize];
        series.newest > now - seconds || ramp::active_since(&series.ramps, now - seconds, now)
    }

    /// Whether `ListMetrics` knows the metric: it had a point of the last days, or one came in them.
    pub fn is_listed(&self, id: SeriesId, now: Second) -> bool {
        let came_late = self.series[id.0 as usize].came_late;
        self.is_recent(id, now, RECENT_SECONDS) || came_late > now.saturating_sub(RECENT_SECONDS)
    }

    /// Whether the metric has a countdown that still runs, so that it changes by time alone.
    pub fn counts_down(&self, id: SeriesId, now: Second) -> bool {
        ramp::active_since(&self.series[id.0 as usize].ramps, now, Second::MAX)
    }

    /// Whether the metric has a point that starts after `time`.
    pub fn has_point_after(&self, id: SeriesId, time: Second) -> bool {
        self.series[id.0 as usize].newest > time
    }

    /// Series with this name in a partition and namespace, in the order they appeared.
    pub fn named(&self, partition: &str, namespace: &str, name: &str) -> &[SeriesId] {
        let symbols = [self.symbols.find(partition), self.symbols.find(namespace), self.symbols.find(name)];
        match symbols {
            [Some(partition), Some(namespace), Some(name)] => {
                self.by_name.get(&[partition, namespace, name]).map_or(&[], Vec::as_slice)
            }
            _ => &[],
        }
    }

    /// Every series in the order it appeared, after `after`.
    pub fn ids_after(&self, after: Option<SeriesId>) -> impl Iterator<Item = SeriesId> {
        (after.map_or(0, |id| id.0 + 1)..self.series.len() as u32).map(SeriesId)
    }

    /// The names of a series.
    pub fn metric(&self, id: SeriesId) -> Metric<'_> {
        Metric { series: &self.series[id.0 as usize], symbols: &self.symbols }
    }

    /// The symbol of a string, if any series uses it; for comparing names without reading them.
    pub fn symbol(&self, text: &str) -> Option<Symbol> {
        self.symbols.find(text)
    }

    pub fn text(&self, symbol: Symbol) -> &str {
        self.symbols.text(symbol)
    }

    /// Lets every series age. Returns the days that ceased to exist.
    pub fn age(&mut self, now: Second) -> Vec<(SeriesId, Unit, Removed)> {
        let mut all = Vec::new();
        for at in 0..self.series.len() {
            let id = SeriesId(at as u32);
            let before = all.len();
            for (unit, stream) in &mut self.series[at].streams {
                all.extend(stream.age(now).into_iter().map(|removed| (id, *unit, removed)));
            }
            if all.len() > before && !std::mem::replace(&mut self.series[at].in_unstored, true) {
                self.unstored.push(id);
            }
        }
        all
    }

    /// The series with anything not stored since the last call.
    pub fn take_unstored(&mut self) -> Vec<SeriesId> {
        let unstored = std::mem::take(&mut self.unstored);
        for id in &unstored {
            self.series[id.0 as usize].in_unstored = false;
        }
        unstored
    }

    /// A series for whoever stores or loads it.
    pub fn series_mut(&mut self, id: SeriesId) -> &mut Series {
        &mut self.series[id.0 as usize]
    }
}

impl Series {
    /// The streams, for storing and loading their days.
    pub fn stream_mut(&mut self, unit: Unit) -> &mut Stream {
        let at = self.streams.iter().position(|(of, _)| *of == unit).unwrap_or_else(|| {
            self.streams.push((unit, Stream::default()));
            self.streams.len() - 1
        });
        &mut self.streams[at].1
    }

    pub fn streams_mut(&mut self) -> impl Iterator<Item = (Unit, &mut Stream)> {
        self.streams.iter_mut().map(|(unit, stream)| (*unit, stream))
    }

    /// The countdowns, the newest point's time and when one last came late, if they must be stored; asking settles it.
    pub fn definition_to_store(&mut self) -> Option<(&[Ramp], Second, Second)> {
        std::mem::take(&mut self.definition_changed).then_some((&self.ramps, self.newest, self.came_late))
    }

    /// Takes what was stored back.
    pub fn load_definition(&mut self, ramps: Vec<Ramp>, newest: Second, came_late: Second, through: u64) {
        (self.ramps, self.ramps_through, self.definition_changed) = (ramps, through, false);
        (self.newest, self.came_late) = (self.newest.max(newest), came_late);
    }

    /// Remembers that a day with points up to `newest` was loaded.
    pub fn seen(&mut self, newest: Second) {
        self.newest = self.newest.max(newest);
    }
}

/// The names of one series.
#[derive(Debug, Clone, Copy)]
pub struct Metric<'a> {
    series: &'a Series,
    symbols: &'a Symbols,
}

impl<'a> Metric<'a> {
    pub fn partition(&self) -> &'a str {
        self.symbols.text(self.series.partition)
    }

    pub fn namespace(&self) -> &'a str {
        self.symbols.text(self.series.namespace)
    }

    pub fn name(&self) -> &'a str {
        self.symbols.text(self.series.name)
    }

    /// Names and values, by name.
    pub fn dimensions(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let symbols = self.symbols;
        self.series.dimensions.iter().map(|(name, value)| (symbols.text(*name), symbols.text(*value)))
    }

    /// Names and values as symbols, by the text of the name.
    pub fn dimension_symbols(&self) -> &'a [(Symbol, Symbol)] {
        &self.series.dimensions
    }
}

/// The periods of a window while they fill.
struct Periods<'a> {
    window: &'a Window,
    sets: Vec<Option<StatisticSet>>,
}

impl<'a> Periods<'a> {
    fn new(window: &'a Window) -> Self {
        Self { window, sets: vec![None; window.count] }
    }

    fn add(&mut self, time: Second, set: &StatisticSet) {
        match &mut self.sets[self.window.index(time)] {
            Some(all) => all.merge(set),
            empty => *empty = Some(set.clone()),
        }
    }

    fn collect_into(self, unit: Unit, buckets: &mut Vec<Bucket>) {
        let Self { window, sets } = self;
        let filled = sets.into_iter().enumerate().filter_map(|(index, set)| Some((index, set?)));
        buckets.extend(filled.map(|(index, set)| Bucket { time: window.time(index), unit, set }));
    }
}

fn names<'a>(metric: &MetricRef<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let own = [metric.partition, metric.namespace, metric.name];
    own.into_iter().chain(metric.dimensions.iter().flat_map(|(name, value)| [*name, *value]))
}

#[cfg(test)]
mod tests {
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
}
