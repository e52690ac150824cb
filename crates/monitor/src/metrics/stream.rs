//! # Streams: the points of one metric in one unit, by day and resolution
//! A **stream** keeps **days**; a day keeps its newest points open and the rest packed. Days age from minutes to five minutes to
//! hours and are dropped at the end of retention; high-resolution data also keep a day of seconds.
//! **Invariants:** days are ordered by resolution and number; a point is in exactly one day of each resolution it belongs to;
//! aging a day keeps its counts, sums and extremes.
//! **Not here:** which metric this is (`series.rs`), countdowns (`ramp.rs`).
//!
//! Source: CloudWatch User Guide, "Metrics retention": 3 hours, 15 days, 63 days; there hours go after 455 days, here they stay ten
//! years, so that an imported trail of years ago still shows how its keys were used.

use super::{
    Second,
    packed::{Corrupt, Figures, Packed},
    statistic_set::StatisticSet,
};

pub const DAY_SECONDS: Second = 86_400;
pub const HIGH_RESOLUTION_KEPT_SECONDS: Second = 3 * 3_600;
pub const MINUTES_KEPT_DAYS: Second = 15;
pub const FIVE_MINUTES_KEPT_DAYS: Second = 63;
pub const HOURS_KEPT_DAYS: Second = 3_660;
const _: () = assert!(MINUTES_KEPT_DAYS < FIVE_MINUTES_KEPT_DAYS && FIVE_MINUTES_KEPT_DAYS < HOURS_KEPT_DAYS);

/// This many points of a day may stay unpacked.
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

/// A day of points at one resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    pub resolution: Resolution,
    /// Days since 1970-01-01 UTC.
    pub number: i64,
    packed: Packed,
    /// Points not packed yet, by slot; they may also repeat or precede packed slots (late data).
    open: Vec<(u32, StatisticSet)>,
    /// The log position whose entries this day already held when it was loaded.
    through: u64,
    changed: bool,
}

impl Day {
    fn new(resolution: Resolution, number: i64) -> Self {
        Self { resolution, number, packed: Packed::default(), open: Vec::new(), through: 0, changed: false }
    }

    /// A day as it was stored, holding everything up to the log position `through`.
    pub fn load(resolution: Resolution, number: i64, through: u64, bytes: Vec<u8>) -> Result<Self, Corrupt> {
        Ok(Self { packed: Packed::from_bytes(bytes)?, through, ..Self::new(resolution, number) })
    }

    /// Packs everything and hands out the bytes to store, if they changed since the last call.
    pub fn bytes_to_store(&mut self) -> Option<&[u8]> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.pack();
        Some(self.packed.as_bytes())
    }

    /// When the newest packed point starts.
    pub fn newest(&self) -> Option<Second> {
        let slot = self.packed.last_slot()?;
        Some(self.start() + Second::from(slot) * self.resolution.seconds())
    }

    fn start(&self) -> Second {
        self.number * DAY_SECONDS
    }

    fn add(&mut self, slot: u32, set: &StatisticSet) {
        match self.open.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(at) => self.open[at].1.merge(set),
            Err(at) => {
                if self.open.len() >= OPEN_POINTS_MAX {
                    self.pack();
                    self.open.push((slot, set.clone()));
                } else {
                    self.open.insert(at, (slot, set.clone()));
                }
            }
        }
        self.changed = true;
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
        let factor = (resolution.seconds() / self.resolution.seconds()) as u32;
        let mut day = Self { through: self.through, changed: true, ..Self::new(resolution, self.number) };
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

/// What aging did to a day, for whoever keeps days in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    pub resolution: Resolution,
    pub number: i64,
}

/// The points of one metric in one unit.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    days: Vec<Day>,
}

impl Stream {
    /// Takes a stored day in.
    pub fn load(&mut self, day: Day) {
        match self.position(day.resolution, day.number) {
            Ok(at) => self.days[at] = day,
            Err(at) => self.days.insert(at, day),
        }
    }

    pub fn days_mut(&mut self) -> &mut [Day] {
        &mut self.days
    }

    /// Adds samples at `time`; `seq` is the log position they came from, so that replaying a position twice adds nothing.
    /// Returns whether anything was added.
    pub fn add(
        &mut self,
        seq: u64,
        time: Second,
        high_resolution: bool,
        now: Second,
        set: &StatisticSet,
    ) -> bool {
        let number = time.div_euclid(DAY_SECONDS);
        let resolution = resolution_of_day(number, now);
        let added = self.add_to(seq, resolution, number, time, set);
        if high_resolution && now - time < HIGH_RESOLUTION_KEPT_SECONDS {
            self.add_to(seq, Resolution::Second, number, time, set);
        }
        added
    }

    fn add_to(
        &mut self,
        seq: u64,
        resolution: Resolution,
        number: i64,
        time: Second,
        set: &StatisticSet,
    ) -> bool {
        // A day that is coarser than its age asks for was aged already; its points cannot become finer again.
        let coarser = [Resolution::FiveMinutes, Resolution::Hour]
            .into_iter()
            .filter(|aged| resolution != Resolution::Second && *aged > resolution)
            .find_map(|aged| self.position(aged, number).ok());
        let at = coarser.unwrap_or_else(|| match self.position(resolution, number) {
            Ok(at) => at,
            Err(at) => {
                self.days.insert(at, Day::new(resolution, number));
                at
            }
        });
        let day = &mut self.days[at];
        if seq <= day.through {
            return false;
        }
        let slot = (time - day.start()) / day.resolution.seconds();
        day.add(slot as u32, set);
        true
    }

    /// Makes days as coarse as their age allows and drops those past retention. Returns the days that ceased to exist.
    pub fn age(&mut self, now: Second) -> Vec<Removed> {
        let mut removed = Vec::new();
        let mut aged = Vec::new();
        self.days.retain(|day| {
            let end = day.start() + DAY_SECONDS;
            let gone = match day.resolution {
                Resolution::Second => now - end > HIGH_RESOLUTION_KEPT_SECONDS,
                _ => now - end > HOURS_KEPT_DAYS * DAY_SECONDS,
            };
            let wanted = resolution_of_day(day.number, now);
            let stays = !gone && (day.resolution == Resolution::Second || day.resolution >= wanted);
            if !stays {
                removed.push(Removed { resolution: day.resolution, number: day.number });
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

    /// Calls `each` with the start and the set of every stored point in `[start, end)`: from seconds when `fine`, otherwise
    /// from the coarser days. Points of one slot may come in two parts; order is not promised.
    pub fn for_each(
        &self,
        start: Second,
        end: Second,
        fine: bool,
        mut each: impl FnMut(Second, StatisticSet),
    ) {
        for (day, time, slot) in
            self.days_between(start, end, fine).map(|day| (day, day.start(), day.resolution.seconds()))
        {
            let inside = |at: Second| at >= start && at < end;
            for point in day.packed.points() {
                let at = time + Second::from(point.slot) * slot;
                if inside(at) {
                    each(at, point.to_set());
                }
            }
            for (number, set) in &day.open {
                let at = time + Second::from(*number) * slot;
                if inside(at) {
                    each(at, set.clone());
                }
            }
        }
    }

    /// As [`Self::for_each`] without distributions, for statistics that need only the four figures.
    pub fn for_each_figures(
        &self,
        start: Second,
        end: Second,
        fine: bool,
        mut each: impl FnMut(Second, Figures),
    ) {
        for day in self.days_between(start, end, fine) {
            let (time, slot) = (day.start(), day.resolution.seconds());
            let packed = day.packed.points().map(|point| (point.slot, point.figures));
            for (number, figures) in packed.chain(day.open.iter().map(|(slot, set)| (*slot, set.into()))) {
                let at = time + Second::from(number) * slot;
                if at >= start && at < end {
                    each(at, figures);
                }
            }
        }
    }

    fn days_between(&self, start: Second, end: Second, fine: bool) -> impl Iterator<Item = &Day> {
        self.days.iter().filter(move |day| {
            (day.resolution == Resolution::Second) == fine
                && day.start() < end
                && day.start() + DAY_SECONDS > start
        })
    }

    fn position(&self, resolution: Resolution, number: i64) -> Result<usize, usize> {
        self.days.binary_search_by_key(&(resolution, number), |day| (day.resolution, day.number))
    }
}

/// The finest resolution that retention still grants to a whole day.
fn resolution_of_day(number: i64, now: Second) -> Resolution {
    let age_days = (now - (number + 1) * DAY_SECONDS).div_euclid(DAY_SECONDS);
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
        stream.for_each(0, 1_000 * DAY_SECONDS, fine, |at, set| got.push((at, set.count, set.sum)));
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

    fn one(value: f64) -> StatisticSet {
        StatisticSet::uniform(value, 1.0)
    }

    #[test]
    fn points_of_a_minute_merge() {
        let mut stream = Stream::default();
        for (seq, time) in [(1, 60), (2, 119), (3, 120)] {
            assert!(stream.add(seq, time, false, 200, &one(2.0)));
        }
        assert_eq!(points(&stream, false), [(60, 2.0, 4.0), (120, 1.0, 2.0)]);
        assert_eq!(points(&stream, true), []);
    }

    #[test]
    fn late_data_find_their_slot_after_packing() {
        let mut stream = Stream::default();
        for minute in (0..200).rev().chain(0..200) {
            stream.add(1, minute * 60, false, 86_000, &one(1.0));
        }
        stream.days_mut()[0].bytes_to_store();
        let got = points(&stream, false);
        assert_eq!(got.len(), 200);
        assert!(got.iter().all(|(_, count, _)| *count == 2.0));
    }

    #[test]
    fn a_replayed_position_adds_nothing() {
        let mut stream = Stream::default();
        stream.add(5, 60, false, 100, &one(1.0));
        let bytes = stream.days_mut()[0].bytes_to_store().unwrap().to_vec();
        assert_eq!(stream.days_mut()[0].bytes_to_store(), None);

        let mut again = Stream::default();
        again.load(Day::load(Resolution::Minute, 0, 5, bytes).unwrap());
        assert!(!again.add(5, 60, false, 100, &one(1.0)));
        assert!(again.add(6, 60, false, 100, &one(1.0)));
        assert_eq!(points(&again, false), [(60, 2.0, 2.0)]);
    }

    #[test]
    fn seconds_are_kept_beside_minutes() {
        let mut stream = Stream::default();
        stream.add(1, 61, true, 100, &one(1.0));
        stream.add(2, 62, true, 100, &one(1.0));
        assert_eq!(points(&stream, true), [(61, 1.0, 1.0), (62, 1.0, 1.0)]);
        assert_eq!(points(&stream, false), [(60, 2.0, 2.0)]);
        let removed = stream.age(DAY_SECONDS + HIGH_RESOLUTION_KEPT_SECONDS + 1);
        assert_eq!(removed, [Removed { resolution: Resolution::Second, number: 0 }]);
        assert_eq!(points(&stream, true), []);
    }

    #[test]
    fn days_age_and_go() {
        let mut stream = Stream::default();
        for minute in 0..120 {
            stream.add(1, minute * 60, false, 7_200, &one(1.0));
        }
        assert_eq!(stream.age(16 * DAY_SECONDS - 1), []);
        assert_eq!(points(&stream, false).len(), 120);
        assert_eq!(stream.age(17 * DAY_SECONDS), [Removed { resolution: Resolution::Minute, number: 0 }]);
        assert_eq!(points(&stream, false).len(), 24);
        stream.age(70 * DAY_SECONDS);
        assert_eq!(points(&stream, false), [(0, 60.0, 60.0), (3_600, 60.0, 60.0)]);
        stream.age(4_000 * DAY_SECONDS);
        assert_eq!(points(&stream, false), []);
    }

    #[test]
    fn old_data_enter_at_the_resolution_of_their_age() {
        let mut stream = Stream::default();
        stream.add(1, 61, false, 20 * DAY_SECONDS, &one(1.0));
        stream.add(2, 181, false, 20 * DAY_SECONDS, &one(1.0));
        assert_eq!(points(&stream, false), [(0, 2.0, 2.0)]);
    }
}
