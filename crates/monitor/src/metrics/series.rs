//! # Series: every metric in memory
//! A **series** is one metric of one account and region: its identity (`index.rs`), its points (the newest in `stream.rs`, the rest in `pages.rs`) and its countdowns. The
//! **series store** finds series by identity or by name, adds points, and reads the statistic sets of a **window**.
//! **Invariants:** a series keeps its number for ever; two series never share an identity; points enter through log positions, so
//! a replayed position adds nothing twice.
//! **Not here:** making pages of new points (`flush.rs`), persistence (`stored.rs`), the rules of each API operation.

use keywatch_store::Seq;

use super::{
    Second, Unit,
    index::{FamilyId, Index},
    packed::Figures,
    page::{Block, Page, PageName},
    pages::Pages,
    ramp::{self, Ramp},
    recent::Recent,
    span::{DAY_SECONDS, HIGH_RESOLUTION_KEPT_SECONDS, Resolution, SpanName},
    statistic_set::StatisticSet,
    stream::{RunName, Stream},
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
    pub(super) stream: Stream,
    rare: Option<Box<Rare>>,
    /// The newest point's time, for `ListMetrics`.
    newest: Second,
    /// The unit of its points, as long as it has one only.
    unit: Option<Unit>,
    has_several_units: bool,
    in_changed: bool,
}

/// What is to be written of a block of series.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unstored {
    /// Points, or what follows.
    pub(super) anything: bool,
    /// The row that describes its series.
    pub(super) definitions: bool,
}

/// What few metrics have.
#[derive(Debug)]
struct Rare {
    ramps: Vec<Ramp>,
    /// What was ever used up of what the metric counts down.
    used: f64,
    /// The midnight before a point last came that was more than a day old, as imported ones are.
    came_late: Second,
}

impl Default for Rare {
    fn default() -> Self {
        Self { ramps: Vec::new(), used: 0.0, came_late: Second::MIN }
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
    pub(super) pages: Pages,
    /// By block.
    pub(super) unstored: Vec<Unstored>,
    /// Points that came since pages were made last.
    pub(super) added: u64,
    /// By series, the log position that was read back with it; only as long as positions up to the greatest are taken in.
    included: Vec<Seq>,
    included_most: Seq,
}

impl SeriesStore {
    pub fn len(&self) -> usize {
        self.series.len()
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How many points came since new points became pages last.
    pub fn added(&self) -> u64 {
        self.added
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
            unit: None,
            has_several_units: false,
            in_changed: false,
        });
        let id = self.index.insert(family, dimensions);
        self.redefine(id);
        Ok(id)
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
        if self.includes(seq, id) {
            return Ok(());
        }
        let span = SpanName::holding(Resolution::at_age(datum.time, now), datum.time);
        let slot = self.add_to_run(id, RunName { span, unit: datum.unit }, datum);
        if datum.high_resolution && now - datum.time < HIGH_RESOLUTION_KEPT_SECONDS {
            let span = SpanName::holding(Resolution::Second, datum.time);
            self.add_to_run(id, RunName { span, unit: datum.unit }, datum);
        }
        let series = &mut self.series[id.0 as usize];
        series.note_unit(datum.unit);
        // Units are added up by queries, and a slot is of one unit.
        let minute = slot.filter(|_| !series.has_several_units);
        self.recent.note(id, datum.time, now, datum.set.sum, minute);
        series.newest = series.newest.max(datum.time);
        let today = now - now.rem_euclid(DAY_SECONDS);
        if now - datum.time > DAY_SECONDS && series.rare.as_ref().is_none_or(|rare| rare.came_late < today) {
            series.rare.get_or_insert_default().came_late = today;
            self.redefine(id);
        }
        self.added += 1;
        self.mark(id);
        Ok(())
    }

    /// Tells the sum of the slot where it is known.
    fn add_to_run(&mut self, id: SeriesId, name: RunName, datum: &Datum<'_>) -> Option<f64> {
        let Self { pages, series, .. } = self;
        let stream = &mut series[id.0 as usize].stream;
        stream.add(name, datum.time, datum.set, || pages.last_slot(name, id))
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
        if self.includes(seq, id) {
            return;
        }
        change(&mut self.series[id.0 as usize].rare.get_or_insert_default().ramps);
        self.redefine(id);
        self.note_counting(id);
        self.mark(id);
    }

    /// Adds to what was ever used up, from log position `seq`, and tells all of it.
    pub fn use_up(&mut self, seq: u64, metric: &MetricRef<'_>, uses: f64) -> Result<f64, TooManySeries> {
        let id = self.intern(metric)?;
        let is_new = !self.includes(seq, id);
        let rare = self.series[id.0 as usize].rare.get_or_insert_default();
        if is_new {
            rare.used += uses;
        }
        let used = rare.used;
        self.redefine(id);
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
        self.unstored_of(id).anything = true;
    }

    /// The row that describes a series must be written again.
    fn redefine(&mut self, id: SeriesId) {
        *self.unstored_of(id) = Unstored { anything: true, definitions: true };
    }

    fn unstored_of(&mut self, id: SeriesId) -> &mut Unstored {
        let block = Block::of(id).0 as usize;
        if self.unstored.len() <= block {
            self.unstored.resize(block + 1, Unstored::default());
        }
        &mut self.unstored[block]
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
        let (start, end) = (window.start, window.end());
        let mut periods = Periods { window, of_units: Vec::new() };
        let is_asked = |of: Unit| unit.is_none_or(|unit| unit == of);
        self.pages.for_each_part(id, (start, end), window.fine(), |span, part| {
            if is_asked(part.unit) {
                let inside = |slot: u32| (start..end).contains(&span.time(slot));
                for point in part.points().filter(|point| inside(point.slot)) {
                    periods.add(part.unit, span.time(point.slot), &point.to_set());
                }
            }
        });
        series.stream.for_each((start, end), window.fine(), |of, time, set| {
            if is_asked(of) {
                periods.add(of, time, set);
            }
        });
        if !series.ramps().is_empty() && !window.fine() && is_asked(Unit::Seconds) {
            ramp::for_each_minute(series.ramps(), start, end, now, |time, set| {
                periods.add(Unit::Seconds, time, &set);
            });
        }
        periods.into_buckets()
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
        self.pages.for_each_part(id, (start, end), window.fine(), |span, part| {
            for point in part.points() {
                let time = span.time(point.slot);
                if time >= start && time < end {
                    each(window.index(time), point.figures);
                }
            }
        });
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

    /// Only pages of spans that end after this are taken back.
    pub(super) fn cool(&mut self, hot_from: Second) {
        self.pages.cool(hot_from);
        self.recent.starts(hot_from);
    }

    /// Takes a stored page of the last hours back.
    pub(super) fn load_page(&mut self, name: PageName, page: Page) {
        for part in page.parts() {
            let id = name.block.series(part.place);
            let Some(series) = self.series.get_mut(id.0 as usize) else { continue };
            series.note_unit(part.unit);
            let is_minutes = name.span.resolution == Resolution::Minute;
            let is_only_unit = !series.has_several_units;
            for point in part.points() {
                let time = name.span.time(point.slot);
                series.newest = series.newest.max(time);
                // The newest of them are the present: what lies far before is forgotten again.
                if is_minutes {
                    let sum = point.figures.sum;
                    self.recent.note(id, time, time, sum, Some(sum).filter(|_| is_only_unit));
                }
            }
        }
        self.pages.load(name, page);
    }

    /// Takes back which log position a series includes, and when it had its newest point.
    pub(super) fn load_mark(&mut self, id: SeriesId, through: Seq, newest: Second) {
        self.included.resize(self.series.len(), 0);
        self.included[id.0 as usize] = through;
        self.included_most = through.max(self.included_most);
        self.series[id.0 as usize].newest = newest;
    }

    /// Whether a series includes a log position that is read again after a restart.
    fn includes(&mut self, seq: Seq, id: SeriesId) -> bool {
        if seq > self.included_most {
            self.included = Vec::new();
            return false;
        }
        self.included.get(id.0 as usize).is_some_and(|through| seq <= *through)
    }

    /// Takes back what was stored of a series besides its points.
    pub(super) fn load_definition(&mut self, id: SeriesId, stored: Described<'_>) {
        let series = &mut self.series[id.0 as usize];
        series.newest = series.newest.max(stored.newest);
        let Described { ramps, used, came_late, .. } = stored;
        if !ramps.is_empty() || used != 0.0 || came_late != Second::MIN {
            series.rare = Some(Box::new(Rare { ramps: ramps.to_vec(), used, came_late }));
        }
        if !ramps.is_empty() {
            self.note_counting(id);
        }
    }

    /// What there is of a series besides its points.
    pub(super) fn described(&self, id: SeriesId) -> Described<'_> {
        let series = &self.series[id.0 as usize];
        Described {
            ramps: series.ramps(),
            used: series.rare.as_ref().map_or(0.0, |rare| rare.used),
            newest: series.newest,
            came_late: series.came_late(),
        }
    }

    /// The series of a block.
    pub(super) fn of_block(&self, block: Block) -> impl Iterator<Item = SeriesId> + use<> {
        let first = block.series(0).0;
        let end = block.series(0).0.saturating_add(super::page::BLOCK_SERIES).min(self.series.len() as u32);
        (first..end).map(SeriesId)
    }

    pub(super) fn stream_mut(&mut self, id: SeriesId) -> &mut Stream {
        &mut self.series[id.0 as usize].stream
    }

    pub(super) fn stream(&self, id: SeriesId) -> &Stream {
        &self.series[id.0 as usize].stream
    }

    /// Everything there is is stored.
    pub(super) fn settle(&mut self) {
        self.unstored.fill(Unstored::default());
    }
}

impl Series {
    fn ramps(&self) -> &[Ramp] {
        self.rare.as_ref().map_or(&[], |rare| &rare.ramps)
    }

    fn came_late(&self) -> Second {
        self.rare.as_ref().map_or(Second::MIN, |rare| rare.came_late)
    }

    fn note_unit(&mut self, unit: Unit) {
        self.has_several_units |= self.unit.is_some_and(|known| known != unit);
        self.unit.get_or_insert(unit);
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
    of_units: Vec<(Unit, Vec<Option<StatisticSet>>)>,
}

impl Periods<'_> {
    fn add(&mut self, unit: Unit, time: Second, set: &StatisticSet) {
        let at = self.of_units.iter().position(|(known, _)| *known == unit).unwrap_or_else(|| {
            self.of_units.push((unit, vec![None; self.window.count]));
            self.of_units.len() - 1
        });
        match &mut self.of_units[at].1[self.window.index(time)] {
            Some(all) => all.merge(set),
            empty => *empty = Some(set.clone()),
        }
    }

    fn into_buckets(self) -> Vec<Bucket> {
        let Self { window, of_units } = self;
        let of_unit = |(unit, sets): (Unit, Vec<Option<StatisticSet>>)| {
            let filled = sets.into_iter().enumerate().filter_map(|(index, set)| Some((index, set?)));
            filled.map(move |(index, set)| Bucket { time: window.time(index), unit, set })
        };
        let mut buckets: Vec<Bucket> = of_units.into_iter().flat_map(of_unit).collect();
        buckets.sort_by(|a, b| (a.time, a.unit.as_str()).cmp(&(b.time, b.unit.as_str())));
        buckets
    }
}

#[cfg(test)]
mod tests;
