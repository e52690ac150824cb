//! # Streams: the points of one metric, by unit, resolution and day
//! A **stream** keeps **days**; a day keeps its newest point open and the rest packed, but for late points, which wait in the open
//! until there are some: a rebuilt day costs as much as it holds. Days age from minutes to five minutes to
//! hours and are dropped at the end of retention; high-resolution data also keep a day of seconds.
//! **Invariants:** days are ordered by unit, resolution and number; a point is in exactly one day of each resolution it belongs to;
//! aging a day keeps its counts, sums and extremes.
//! **Not here:** which metric this is (`series.rs`), countdowns (`ramp.rs`).
//!
//! Source: CloudWatch User Guide, "Metrics retention": 3 hours, 15 days, 63 days; there hours go after 455 days, here they stay ten
//! years, so that an imported trail of years ago still shows how its keys were used.

use super::{
    Second, Unit,
    packed::{Figures, Packed},
    statistic_set::StatisticSet,
};

pub const DAY_SECONDS: Second = 86_400;
pub const HIGH_RESOLUTION_KEPT_SECONDS: Second = 3 * 3_600;
pub const MINUTES_KEPT_DAYS: Second = 15;
pub const FIVE_MINUTES_KEPT_DAYS: Second = 63;
pub const HOURS_KEPT_DAYS: Second = 3_660;
const _: () = assert!(MINUTES_KEPT_DAYS < FIVE_MINUTES_KEPT_DAYS && FIVE_MINUTES_KEPT_DAYS < HOURS_KEPT_DAYS);

/// This many points of a day may stay unpacked, besides the newest.
const OPEN_POINTS_MAX: usize = 16;

/// The width of a stored point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    Second,
    Minute,
    FiveMinutes,
    Hour,
}

impl Resolution {
    pub const fn seconds(self) -> Second {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
        }
    }

    pub fn from_seconds(seconds: Second) -> Option<Self> {
        [Self::Second, Self::Minute, Self::FiveMinutes, Self::Hour]
            .into_iter()
            .find(|r| r.seconds() == seconds)
    }
}

/// Which day of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayName {
    pub unit: Unit,
    pub resolution: Resolution,
    /// Days since 1970-01-01 UTC.
    pub number: i32,
}

/// A day of points in one unit at one resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    name: DayName,
    changed: bool,
    packed: Packed,
    /// Points not packed yet, by slot; they may also repeat or precede packed slots (late data).
    open: Vec<(u32, StatisticSet)>,
    /// The log position whose entries this day already held when it was loaded.
    through: u64,
}

impl Day {
    fn new(name: DayName) -> Self {
        Self { name, packed: Packed::default(), open: Vec::new(), through: 0, changed: false }
    }

    /// A day as it was stored, holding everything up to the log position `through`.
    pub fn load(name: DayName, through: u64, packed: Packed) -> Self {
        Self { packed, through, ..Self::new(name) }
    }

    pub fn name(&self) -> DayName {
        self.name
    }

    /// The bytes to store, if they changed since the last call.
    pub fn bytes_to_store(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        if self.late() > 0 {
            self.pack();
        }
        // The newest slot stays open: more of it comes.
        let mut all = self.packed.clone();
        for (slot, set) in &self.open {
            all.push(*slot, set);
        }
        Some(all.into_bytes())
    }

    /// How many of the open points are of slots that others are packed behind.
    fn late(&self) -> usize {
        self.packed.last_slot().map_or(0, |last| self.open.partition_point(|(slot, _)| *slot <= last))
    }

    /// When the newest packed point starts.
    pub fn newest(&self) -> Option<Second> {
        let slot = self.packed.last_slot()?;
        Some(self.start() + Second::from(slot) * self.name.resolution.seconds())
    }

    fn start(&self) -> Second {
        Second::from(self.name.number) * DAY_SECONDS
    }

    /// Calls `each` with the start and the figures of every point; those of a slot may come in parts.
    pub fn for_each_figures(&self, mut each: impl FnMut(Second, Figures)) {
        let (start, width) = (self.start(), self.name.resolution.seconds());
        let packed = self.packed.points().map(|point| (point.slot, point.figures));
        let open = self.open.iter().map(|(slot, set)| (*slot, set.into()));
        packed.chain(open).for_each(|(slot, figures)| each(start + Second::from(slot) * width, figures));
    }

    /// Adds samples to a slot. Returns the sum of the slot's samples so far, unless some of them are packed.
    fn add(&mut self, slot: u32, set: &StatisticSet) -> Option<f64> {
        self.changed = true;
        let is_late = self.packed.last_slot().is_some_and(|last| slot <= last);
        match self.open.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(at) => {
                self.open[at].1.merge(set);
                return (!is_late).then_some(self.open[at].1.sum);
            }
            Err(at) if at == self.open.len() => self.begin(slot, set),
            Err(_) if self.open.len() >= OPEN_POINTS_MAX => {
                self.pack();
                self.open.push((slot, set.clone()));
                return None;
            }
            Err(at) => self.open.insert(at, (slot, set.clone())),
        }
        (!is_late).then_some(set.sum)
    }

    /// Opens the newest slot; those before it are packed.
    fn begin(&mut self, slot: u32, set: &StatisticSet) {
        let late = self.late();
        if late >= OPEN_POINTS_MAX {
            self.pack();
            self.open.push((slot, set.clone()));
            return;
        }
        let Self { packed, open, .. } = self;
        for (slot, set) in &open[late..] {
            packed.push(*slot, set);
        }
        open.truncate(late);
        if open.len() == open.capacity() {
            open.reserve_exact(1);
        }
        open.push((slot, set.clone()));
    }

    fn pack(&mut self) {
        let open = std::mem::take(&mut self.open);
        let in_order = match (open.first(), self.packed.last_slot()) {
            (Some((first, _)), Some(last)) => *first > last,
            _ => true,
        };
        let points = if in_order {
            open
        } else {
            let packed = std::mem::take(&mut self.packed);
            merged(packed.points().map(|point| (point.slot, point.to_set())), open)
        };
        for (slot, set) in &points {
            self.packed.push(*slot, set);
        }
    }

    /// The same points with wider slots.
    fn coarser(&self, resolution: Resolution) -> Self {
        let factor = (resolution.seconds() / self.name.resolution.seconds()) as u32;
        let name = DayName { resolution, ..self.name };
        let mut day = Self { through: self.through, changed: true, ..Self::new(name) };
        let packed = self.packed.points().map(|point| (point.slot, point.to_set()));
        let mut wide: Vec<(u32, StatisticSet)> = Vec::new();
        for (slot, set) in packed.chain(self.open.iter().cloned()) {
            match wide.binary_search_by_key(&(slot / factor), |(known, _)| *known) {
                Ok(at) => wide[at].1.merge(&set),
                Err(at) => wide.insert(at, (slot / factor, set)),
            }
        }
        for (slot, set) in &wide {
            day.packed.push(*slot, set);
        }
        day
    }
}

/// Both runs in one, points of the same slot merged.
fn merged(
    packed: impl Iterator<Item = (u32, StatisticSet)>,
    open: Vec<(u32, StatisticSet)>,
) -> Vec<(u32, StatisticSet)> {
    let mut all: Vec<_> = packed.collect();
    for (slot, set) in open {
        match all.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(at) => all[at].1.merge(&set),
            Err(at) => all.insert(at, (slot, set)),
        }
    }
    all
}

/// The points of one metric.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    days: Vec<Day>,
}

/// What became of samples that were added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Added {
    /// They were in already.
    Before,
    /// They are in; with the sum of all samples of their slot, where that is known at once.
    Now(Option<f64>),
}

impl Stream {
    /// Takes a stored day in.
    pub fn load(&mut self, day: Day) {
        match self.position(day.name) {
            Ok(at) => self.days[at] = day,
            Err(at) => self.insert(at, day),
        }
    }

    pub fn days_mut(&mut self) -> &mut [Day] {
        &mut self.days
    }

    /// Adds samples at `time`; `seq` is the log position they came from, so that replaying a position twice adds nothing.
    pub fn add(
        &mut self,
        seq: u64,
        (time, unit): (Second, Unit),
        high_resolution: bool,
        now: Second,
        set: &StatisticSet,
    ) -> Added {
        // Log times are within the years that can be named, whose days are far fewer.
        let number = time.div_euclid(DAY_SECONDS) as i32;
        let name = DayName { unit, resolution: resolution_of_day(number, now), number };
        let added = self.add_to(seq, name, time, set);
        if high_resolution && now - time < HIGH_RESOLUTION_KEPT_SECONDS {
            self.add_to(seq, DayName { resolution: Resolution::Second, ..name }, time, set);
        }
        added
    }

    fn add_to(&mut self, seq: u64, name: DayName, time: Second, set: &StatisticSet) -> Added {
        let at = self.position(name).or_else(|at| {
            // A day that is coarser than its age asks for was aged already; its points cannot become finer again.
            let aged = [Resolution::FiveMinutes, Resolution::Hour]
                .into_iter()
                .filter(|aged| name.resolution != Resolution::Second && *aged > name.resolution)
                .find_map(|resolution| self.position(DayName { resolution, ..name }).ok());
            aged.ok_or(at)
        });
        let at = at.unwrap_or_else(|at| {
            self.insert(at, Day::new(name));
            at
        });
        let day = &mut self.days[at];
        if seq <= day.through {
            return Added::Before;
        }
        let slot = (time - day.start()) / day.name.resolution.seconds();
        Added::Now(day.add(slot as u32, set))
    }

    fn insert(&mut self, at: usize, day: Day) {
        // Most streams have one day for long, and a million of them no room for more.
        if self.days.len() == self.days.capacity() {
            self.days.reserve_exact(1 + self.days.len() / 2);
        }
        self.days.insert(at, day);
    }

    /// Makes days as coarse as their age allows and drops those past retention. Returns the days that ceased to exist.
    pub fn age(&mut self, now: Second) -> Vec<DayName> {
        let mut removed = Vec::new();
        let mut aged = Vec::new();
        self.days.retain(|day| {
            let end = day.start() + DAY_SECONDS;
            let Day { name: DayName { resolution, number, .. }, .. } = *day;
            let gone = match resolution {
                Resolution::Second => now - end > HIGH_RESOLUTION_KEPT_SECONDS,
                _ => now - end > HOURS_KEPT_DAYS * DAY_SECONDS,
            };
            let wanted = resolution_of_day(number, now);
            let stays = !gone && (resolution == Resolution::Second || resolution >= wanted);
            if !stays {
                removed.push(day.name);
                if !gone {
                    aged.push(day.coarser(wanted));
                }
            }
            stays
        });
        for day in aged {
            self.load(day);
        }
        removed
    }

    /// The units there are points in.
    pub fn units(&self) -> impl Iterator<Item = Unit> {
        self.days.chunk_by(|a, b| a.name.unit == b.name.unit).map(|days| days[0].name.unit)
    }

    pub fn has_several_units(&self) -> bool {
        self.days.first().map(|day| day.name.unit) != self.days.last().map(|day| day.name.unit)
    }

    /// Calls `each` with the start and the set of every stored point of a unit in `[start, end)`: from seconds when `fine`,
    /// otherwise from the coarser days. Points of one slot may come in two parts; order is not promised.
    pub fn for_each(
        &self,
        unit: Unit,
        (start, end): (Second, Second),
        fine: bool,
        mut each: impl FnMut(Second, StatisticSet),
    ) {
        for day in self.days_between(start, end, fine).filter(|day| day.name.unit == unit) {
            let (time, width) = (day.start(), day.name.resolution.seconds());
            let inside = |at: Second| at >= start && at < end;
            for point in day.packed.points() {
                let at = time + Second::from(point.slot) * width;
                if inside(at) {
                    each(at, point.to_set());
                }
            }
            for (number, set) in &day.open {
                let at = time + Second::from(*number) * width;
                if inside(at) {
                    each(at, set.clone());
                }
            }
        }
    }

    /// As [`Self::for_each`] of all units and without distributions, for statistics that need only the four figures.
    pub fn for_each_figures(
        &self,
        (start, end): (Second, Second),
        fine: bool,
        mut each: impl FnMut(Second, Figures),
    ) {
        for day in self.days_between(start, end, fine) {
            day.for_each_figures(|at, figures| {
                if at >= start && at < end {
                    each(at, figures);
                }
            });
        }
    }

    fn days_between(&self, start: Second, end: Second, fine: bool) -> impl Iterator<Item = &Day> {
        self.days.iter().filter(move |day| {
            (day.name.resolution == Resolution::Second) == fine
                && day.start() < end
                && day.start() + DAY_SECONDS > start
        })
    }

    fn position(&self, name: DayName) -> Result<usize, usize> {
        self.days.binary_search_by_key(&name, |day| day.name)
    }
}

/// The finest resolution that retention still grants to a whole day.
fn resolution_of_day(number: i32, now: Second) -> Resolution {
    let age_days = (now - (Second::from(number) + 1) * DAY_SECONDS).div_euclid(DAY_SECONDS);
    match age_days {
        ..MINUTES_KEPT_DAYS => Resolution::Minute,
        MINUTES_KEPT_DAYS..FIVE_MINUTES_KEPT_DAYS => Resolution::FiveMinutes,
        _ => Resolution::Hour,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(stream: &Stream, fine: bool) -> Vec<(Second, f64, f64)> {
        let mut got = Vec::new();
        stream.for_each(Unit::Count, (0, 1_000 * DAY_SECONDS), fine, |at, set| {
            got.push((at, set.count, set.sum))
        });
        got.sort_by_key(|(at, ..)| *at);
        // A slot may come in two parts.
        got.dedup_by(|b, a| {
            let same = a.0 == b.0;
            if same {
                (a.1, a.2) = (a.1 + b.1, a.2 + b.2);
            }
            same
        });
        got
    }

    fn name(resolution: Resolution) -> DayName {
        DayName { unit: Unit::Count, resolution, number: 0 }
    }

    fn one(value: f64) -> StatisticSet {
        StatisticSet::uniform(value, 1.0)
    }

    #[test]
    fn points_of_a_minute_merge() {
        let mut stream = Stream::default();
        for (seq, time) in [(1, 60), (2, 119), (3, 120)] {
            assert_ne!(stream.add(seq, (time, Unit::Count), false, 200, &one(2.0)), Added::Before);
        }
        assert_eq!(points(&stream, false), [(60, 2.0, 4.0), (120, 1.0, 2.0)]);
        assert_eq!(points(&stream, true), []);
    }

    #[test]
    fn late_data_find_their_slot_after_packing() {
        let mut stream = Stream::default();
        for minute in (0..200).rev().chain(0..200) {
            stream.add(1, (minute * 60, Unit::Count), false, 86_000, &one(1.0));
        }
        stream.days_mut()[0].bytes_to_store();
        let got = points(&stream, false);
        assert_eq!(got.len(), 200);
        assert!(got.iter().all(|(_, count, _)| *count == 2.0));
    }

    #[test]
    fn a_replayed_position_adds_nothing() {
        let mut stream = Stream::default();
        stream.add(5, (60, Unit::Count), false, 100, &one(1.0));
        let bytes = stream.days_mut()[0].bytes_to_store().unwrap();
        assert_eq!(stream.days_mut()[0].bytes_to_store(), None);

        let mut again = Stream::default();
        again.load(Day::load(name(Resolution::Minute), 5, Packed::from_bytes(bytes).unwrap()));
        assert_eq!(again.add(5, (60, Unit::Count), false, 100, &one(1.0)), Added::Before);
        assert_ne!(again.add(6, (60, Unit::Count), false, 100, &one(1.0)), Added::Before);
        assert_eq!(points(&again, false), [(60, 2.0, 2.0)]);
    }

    #[test]
    fn seconds_are_kept_beside_minutes() {
        let mut stream = Stream::default();
        stream.add(1, (61, Unit::Count), true, 100, &one(1.0));
        stream.add(2, (62, Unit::Count), true, 100, &one(1.0));
        assert_eq!(points(&stream, true), [(61, 1.0, 1.0), (62, 1.0, 1.0)]);
        assert_eq!(points(&stream, false), [(60, 2.0, 2.0)]);
        let removed = stream.age(DAY_SECONDS + HIGH_RESOLUTION_KEPT_SECONDS + 1);
        assert_eq!(removed, [name(Resolution::Second)]);
        assert_eq!(points(&stream, true), []);
    }

    #[test]
    fn days_age_and_go() {
        let mut stream = Stream::default();
        for minute in 0..120 {
            stream.add(1, (minute * 60, Unit::Count), false, 7_200, &one(1.0));
        }
        assert_eq!(stream.age(16 * DAY_SECONDS - 1), []);
        assert_eq!(points(&stream, false).len(), 120);
        assert_eq!(stream.age(17 * DAY_SECONDS), [name(Resolution::Minute)]);
        assert_eq!(points(&stream, false).len(), 24);
        stream.age(70 * DAY_SECONDS);
        assert_eq!(points(&stream, false), [(0, 60.0, 60.0), (3_600, 60.0, 60.0)]);
        stream.age(4_000 * DAY_SECONDS);
        assert_eq!(points(&stream, false), []);
    }

    #[test]
    fn old_data_enter_at_the_resolution_of_their_age() {
        let mut stream = Stream::default();
        stream.add(1, (61, Unit::Count), false, 20 * DAY_SECONDS, &one(1.0));
        stream.add(2, (181, Unit::Count), false, 20 * DAY_SECONDS, &one(1.0));
        assert_eq!(points(&stream, false), [(0, 2.0, 2.0)]);
    }
}
