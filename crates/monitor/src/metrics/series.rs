//! # Series: every metric in memory
//! A **series** is one metric of one account and region: its identity (`index.rs`), its points (`stream.rs`) and its countdowns. The
//! **series store** finds series by identity or by name, adds points, and reads the statistic sets of a **window**.
//! **Invariants:** a series keeps its number for ever; two series never share an identity; points enter through log positions, so
//! a replayed position adds nothing twice.
//! **Not here:** persistence (it reads `Series` through `changed_since_store`), the rules of each API operation.

use super::{
    Second, Unit,
    index::{FamilyId, Index},
    packed::Figures,
    ramp::{self, Ramp},
    recent::Recent,
    statistic_set::StatisticSet,
    stream::{Added, DAY_SECONDS, Day, DayName, Resolution, Stream},
    symbols::{Symbol, Symbols},
};

pub use super::{index::Metric, window::Window};

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

/// One metric. There may be a million: what few have is apart.
#[derive(Debug)]
pub struct Series {
    stream: Stream,
    rare: Option<Box<Rare>>,
    /// The newest point's time, for `ListMetrics`.
    newest: Second,
    /// The entry that describes this series must be stored (again).
    definition_changed: bool,
    in_changed: bool,
    in_unstored: bool,
}

/// What few metrics have.
#[derive(Debug)]
struct Rare {
    ramps: Vec<Ramp>,
    /// What was ever used up of what the metric counts down.
    used: f64,
    /// The log position that ramps and uses include.
    through: u64,
    /// The midnight before a point last came that was more than a day old, as imported ones are.
    came_late: Second,
}

impl Default for Rare {
    fn default() -> Self {
        Self { ramps: Vec::new(), used: 0.0, through: 0, came_late: Second::MIN }
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
    index: Index,
    series: Vec<Series>,
    recent: Recent,
    /// Families with a metric that ever counted down.
    counting: Vec<FamilyId>,
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
        self.index.find_metric(metric)
    }

    /// The series of a metric, made if it is new.
    pub fn intern(&mut self, metric: &MetricRef<'_>) -> Result<SeriesId, TooManySeries> {
        let family = self.family(metric.partition, metric.namespace, metric.name);
        self.intern_in(family, metric.dimensions)
    }

    /// What metrics of these names have in common, for who adds to many of them.
    pub fn family(&mut self, partition: &str, namespace: &str, name: &str) -> FamilyId {
        self.index.family(partition, namespace, name)
    }

    fn intern_in(
        &mut self,
        family: FamilyId,
        dimensions: &[(&str, &str)],
    ) -> Result<SeriesId, TooManySeries> {
        if let Some(id) = self.index.find(family, dimensions) {
            return Ok(id);
        }
        if self.series.len() >= SERIES_MAX {
            return Err(TooManySeries);
        }
        if self.series.len() == self.series.capacity() {
            // Doubling a million series would waste as much as they hold.
            self.series.reserve_exact(64 + self.series.len() / 8);
        }
        self.series.push(Series {
            stream: Stream::default(),
            rare: None,
            newest: Second::MIN,
            definition_changed: true,
            in_changed: false,
            in_unstored: false,
        });
        Ok(self.index.insert(family, dimensions))
    }

    /// Adds samples that came from log position `seq`.
    pub fn add(&mut self, seq: u64, datum: &Datum<'_>, now: Second) -> Result<(), TooManySeries> {
        let family = self.family(datum.metric.partition, datum.metric.namespace, datum.metric.name);
        self.add_to(seq, family, datum, now)
    }

    /// As [`Self::add`]; `family` is that of the datum's metric.
    pub fn add_to(
        &mut self,
        seq: u64,
        family: FamilyId,
        datum: &Datum<'_>,
        now: Second,
    ) -> Result<(), TooManySeries> {
        let id = self.intern_in(family, datum.metric.dimensions)?;
        let series = &mut self.series[id.0 as usize];
        let at = (datum.time, datum.unit);
        let Added::Now(slot) = series.stream.add(seq, at, datum.high_resolution, now, datum.set) else {
            return Ok(());
        };
        // Units are added up by queries, and a slot is of one unit.
        let minute = slot.filter(|_| !series.stream.has_several_units());
        self.recent.note(id, datum.time, now, datum.set.sum, minute);
        series.newest = series.newest.max(datum.time);
        let today = now - now.rem_euclid(DAY_SECONDS);
        if now - datum.time > DAY_SECONDS && series.rare.as_ref().is_none_or(|rare| rare.came_late < today) {
            series.rare.get_or_insert_default().came_late = today;
            series.definition_changed = true;
        }
        self.mark(id);
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
        let rare = series.rare.get_or_insert_default();
        if seq <= rare.through {
            return;
        }
        change(&mut rare.ramps);
        series.definition_changed = true;
        self.note_counting(id);
        self.mark(id);
    }

    /// Adds to what was ever used up, from log position `seq`, and tells all of it.
    pub fn use_up(&mut self, seq: u64, metric: &MetricRef<'_>, uses: f64) -> Result<f64, TooManySeries> {
        let id = self.intern(metric)?;
        let series = &mut self.series[id.0 as usize];
        let rare = series.rare.get_or_insert_default();
        if seq > rare.through {
            rare.used += uses;
            series.definition_changed = true;
        }
        let used = rare.used;
        self.mark(id);
        Ok(used)
    }

    fn note_counting(&mut self, id: SeriesId) {
        let family = self.index.family_of(id);
        if !self.counting.contains(&family) {
            self.counting.push(family);
        }
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
        for of in series.stream.units().filter(|of| unit.is_none_or(|unit| unit == *of)) {
            let mut periods = Periods::new(window);
            series.stream.for_each(of, (start, end), window.fine(), |time, set| periods.add(time, &set));
            periods.collect_into(of, &mut buckets);
        }
        if !series.ramps().is_empty() && !window.fine() && unit.is_none_or(|unit| unit == Unit::Seconds) {
            let mut periods = Periods::new(window);
            ramp::for_each_minute(series.ramps(), start, end, now, |time, set| periods.add(time, &set));
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
        series
            .stream
            .for_each_figures((start, end), window.fine(), |time, figures| each(window.index(time), figures));
        if !series.ramps().is_empty() {
            ramp::for_each_minute(series.ramps(), start, end, now, |time, set| {
                each(window.index(time), (&set).into())
            });
        }
    }

    /// Whether the metric had a point within `seconds` before `now`, or has one to come.
    pub fn is_recent(&self, id: SeriesId, now: Second, seconds: Second) -> bool {
        let series = &self.series[id.0 as usize];
        series.newest > now - seconds || ramp::active_since(series.ramps(), now - seconds, now)
    }

    /// Whether `ListMetrics` knows the metric: it had a point of the last days, or one came in them.
    pub fn is_listed(&self, id: SeriesId, now: Second) -> bool {
        let came_late = self.series[id.0 as usize].came_late();
        self.is_recent(id, now, RECENT_SECONDS) || came_late > now.saturating_sub(RECENT_SECONDS)
    }

    /// Whether the metric has a countdown that still runs, so that it changes by time alone.
    pub fn counts_down(&self, id: SeriesId, now: Second) -> bool {
        ramp::active_since(self.series[id.0 as usize].ramps(), now, Second::MAX)
    }

    /// Whether the metric has a point that starts after `time`.
    pub fn has_point_after(&self, id: SeriesId, time: Second) -> bool {
        self.series[id.0 as usize].newest > time
    }

    /// Series with this name in a partition and namespace, in the order they appeared.
    pub fn named(&self, partition: &str, namespace: &str, name: &str) -> &[SeriesId] {
        let family = self.index.find_family(partition, namespace, name);
        family.map_or(&[], |family| self.index.of_family(family))
    }

    /// For each series the most that its samples can sum up to in a window, or in one of its periods; `None` where that is not
    /// known of these metrics and this time.
    pub fn bounds(
        &self,
        (partition, namespace, name): (&str, &str, &str),
        window: &Window,
        of_one_period: bool,
    ) -> Option<Vec<f64>> {
        let family = self.index.find_family(partition, namespace, name)?;
        if self.counting.contains(&family) {
            return None;
        }
        let count = self.series.len();
        if of_one_period { self.recent.peaks(window, count) } else { self.recent.sums(window, count) }
    }

    /// Every series in the order it appeared, after `after`.
    pub fn ids_after(&self, after: Option<SeriesId>) -> impl Iterator<Item = SeriesId> {
        (after.map_or(0, |id| id.0 + 1)..self.series.len() as u32).map(SeriesId)
    }

    /// The names of a series.
    pub fn metric(&self, id: SeriesId) -> Metric<'_> {
        self.index.metric(id)
    }

    /// Names and values of a series as symbols, by the text of the name.
    pub fn dimension_symbols(&self, id: SeriesId) -> &[(Symbol, Symbol)] {
        self.index.dimensions(id)
    }

    /// The strings that series are named by.
    pub fn symbols(&self) -> &Symbols {
        self.index.symbols()
    }

    /// Lets a series age. Returns the days that ceased to exist; whoever stores the others must delete them at the same time.
    pub fn age(&mut self, id: SeriesId, now: Second) -> Vec<DayName> {
        self.series[id.0 as usize].stream.age(now)
    }

    /// The series with anything not stored since the last call, by number.
    pub fn take_unstored(&mut self) -> Vec<SeriesId> {
        let mut unstored = std::mem::take(&mut self.unstored);
        for id in &unstored {
            self.series[id.0 as usize].in_unstored = false;
        }
        unstored.sort_unstable();
        unstored
    }

    /// Takes a stored day back.
    pub fn load_day(&mut self, id: SeriesId, day: Day) {
        let series = &mut self.series[id.0 as usize];
        series.newest = series.newest.max(day.newest().unwrap_or(Second::MIN));
        if day.name().resolution == Resolution::Minute {
            let is_only_unit = series.stream.units().all(|unit| unit == day.name().unit);
            // The newest of them are the present: what lies far before is forgotten again.
            day.for_each_figures(|time, figures| {
                self.recent.note(id, time, time, figures.sum, Some(figures.sum).filter(|_| is_only_unit));
            });
        }
        series.stream.load(day);
    }

    /// Takes back what was stored of a series besides its points.
    pub fn load_definition(&mut self, id: SeriesId, stored: Described<'_>, through: u64) {
        let series = &mut self.series[id.0 as usize];
        series.definition_changed = false;
        series.newest = series.newest.max(stored.newest);
        let Described { ramps, used, came_late, .. } = stored;
        if !ramps.is_empty() || used != 0.0 || came_late != Second::MIN {
            series.rare = Some(Box::new(Rare { ramps: ramps.to_vec(), used, through, came_late }));
        }
        if !ramps.is_empty() {
            self.note_counting(id);
        }
    }

    /// A series for whoever stores or loads it.
    pub fn series_mut(&mut self, id: SeriesId) -> &mut Series {
        &mut self.series[id.0 as usize]
    }
}

impl Series {
    fn ramps(&self) -> &[Ramp] {
        self.rare.as_ref().map_or(&[], |rare| &rare.ramps)
    }

    fn came_late(&self) -> Second {
        self.rare.as_ref().map_or(Second::MIN, |rare| rare.came_late)
    }

    /// The days, for storing them.
    pub fn days_mut(&mut self) -> &mut [Day] {
        self.stream.days_mut()
    }

    /// What there is besides points, if it must be stored; asking settles it.
    pub fn definition_to_store(&mut self) -> Option<Described<'_>> {
        let changed = std::mem::take(&mut self.definition_changed);
        changed.then(|| Described {
            ramps: self.ramps(),
            used: self.rare.as_ref().map_or(0.0, |rare| rare.used),
            newest: self.newest,
            came_late: self.came_late(),
        })
    }
}

/// What there is of a series besides its names and points; times are [`Second::MIN`] where they never were.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    pub ramps: &'a [Ramp],
    /// What was ever used up of what the metric counts down.
    pub used: f64,
    /// The newest point's time.
    pub newest: Second,
    /// The midnight before a point last came late.
    pub came_late: Second,
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
