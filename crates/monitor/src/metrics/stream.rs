//! # Streams: the newest points of one metric, not in pages yet
//! A **run** holds what came since pages were written last, for one unit and span: its newest point is open and the rest packed, but for
//! late points, which wait in the open until there are some: a rebuilt run costs as much as it holds.
//! **Invariants:** runs are ordered by span and unit; a point is in exactly one run of each resolution it belongs to.
//! **Not here:** which metric this is (`series.rs`), what was written (`pages.rs`), countdowns (`ramp.rs`).

use super::{
    Second, Unit,
    packed::{Figures, Packed},
    page::merge_into,
    span::{Resolution, SpanName},
    statistic_set::StatisticSet,
};

/// This many points of a run may stay unpacked, besides the newest.
const OPEN_POINTS_MAX: usize = 16;

/// Which run of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunName {
    pub span: SpanName,
    pub unit: Unit,
}

/// New points in one unit and span.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    name: RunName,
    packed: Packed,
    /// Points not packed yet, by slot; they may also repeat or precede packed slots (late data).
    open: Vec<(u32, StatisticSet)>,
    /// Slots up to here may be in a page too.
    sealed: Option<u32>,
}

impl Run {
    /// A run beside a page that may hold slots up to `sealed`.
    fn new(name: RunName, sealed: Option<u32>) -> Self {
        Self { name, packed: Packed::default(), open: Vec::new(), sealed }
    }

    pub fn name(&self) -> RunName {
        self.name
    }

    /// Its points in the order of their slots, each slot once.
    pub fn into_points(mut self) -> Vec<(u32, StatisticSet)> {
        self.pack();
        self.packed.points().map(|point| (point.slot, point.to_set())).collect()
    }

    /// How many of the open points are of slots that others are packed behind.
    fn late(&self) -> usize {
        self.packed.last_slot().map_or(0, |last| self.open.partition_point(|(slot, _)| *slot <= last))
    }

    /// Adds samples to a slot. Returns the sum of the slot's samples so far, unless some of them are packed.
    fn add(&mut self, slot: u32, set: &StatisticSet) -> Option<f64> {
        let is_late = self.packed.last_slot().is_some_and(|last| slot <= last);
        let is_known = !is_late && self.sealed.is_none_or(|sealed| slot > sealed);
        match self.open.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(at) => {
                self.open[at].1.merge(set);
                return is_known.then_some(self.open[at].1.sum);
            }
            Err(at) if at == self.open.len() => self.begin(slot, set),
            Err(_) if self.open.len() >= OPEN_POINTS_MAX => {
                self.pack();
                self.open.push((slot, set.clone()));
                return None;
            }
            Err(at) => self.open.insert(at, (slot, set.clone())),
        }
        is_known.then_some(set.sum)
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
            let mut all = packed.points().map(|point| (point.slot, point.to_set())).collect();
            open.into_iter().for_each(|(slot, set)| merge_into(&mut all, slot, set));
            all
        };
        for (slot, set) in &points {
            self.packed.push(*slot, set);
        }
    }
}

/// The new points of one metric.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    runs: Vec<Run>,
}

impl Stream {
    /// Adds samples at `time`; `sealed` tells of a new run up to which slot a page may hold samples of it. Returns the sum of all samples of
    /// the slot, where it is known at once.
    pub fn add(
        &mut self,
        name: RunName,
        time: Second,
        set: &StatisticSet,
        sealed: impl FnOnce() -> Option<u32>,
    ) -> Option<f64> {
        let at = self.runs.binary_search_by_key(&name, |run| run.name).unwrap_or_else(|at| {
            // Most streams have one run, and a million of them no room for more.
            if self.runs.len() == self.runs.capacity() {
                self.runs.reserve_exact(1 + self.runs.len() / 2);
            }
            self.runs.insert(at, Run::new(name, sealed()));
            at
        });
        self.runs[at].add(name.span.slot(time), set)
    }

    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Everything, which then is in pages.
    pub fn take(&mut self) -> Vec<Run> {
        std::mem::take(&mut self.runs)
    }

    /// Calls `each` with the unit, start and set of every point in `[start, end)`: of seconds when `fine`, otherwise of the coarser runs.
    /// Points of one slot may come in two parts; order is not promised.
    pub fn for_each(
        &self,
        between: (Second, Second),
        fine: bool,
        mut each: impl FnMut(Unit, Second, &StatisticSet),
    ) {
        for run in self.between(between, fine) {
            let inside = |at: Second| at >= between.0 && at < between.1;
            let RunName { span, unit } = run.name;
            for point in run.packed.points().filter(|point| inside(span.time(point.slot))) {
                each(unit, span.time(point.slot), &point.to_set());
            }
            for (slot, set) in run.open.iter().filter(|(slot, _)| inside(span.time(*slot))) {
                each(unit, span.time(*slot), set);
            }
        }
    }

    /// As [`Self::for_each`] of all units and without distributions, for statistics that need only the four figures.
    pub fn for_each_figures(
        &self,
        between: (Second, Second),
        fine: bool,
        mut each: impl FnMut(Second, Figures),
    ) {
        for run in self.between(between, fine) {
            let span = run.name.span;
            let packed = run.packed.points().map(|point| (point.slot, point.figures));
            let open = run.open.iter().map(|(slot, set)| (*slot, set.into()));
            for (slot, figures) in packed.chain(open) {
                let at = span.time(slot);
                if at >= between.0 && at < between.1 {
                    each(at, figures);
                }
            }
        }
    }

    fn between(&self, (start, end): (Second, Second), fine: bool) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| {
            let span = run.name.span;
            (span.resolution == Resolution::Second) == fine && span.start() < end && span.end() > start
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: RunName =
        RunName { span: SpanName { resolution: Resolution::Minute, number: 0 }, unit: Unit::Count };

    fn points(stream: &Stream) -> Vec<(Second, f64, f64)> {
        let mut got: Vec<(Second, f64, f64)> = Vec::new();
        stream.for_each((0, 3_600), false, |_, at, set| got.push((at, set.count, set.sum)));
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
        let sums = [60, 119, 120].map(|time| stream.add(MINUTES, time, &one(2.0), || None));
        assert_eq!(sums, [Some(2.0), Some(4.0), Some(2.0)]);
        assert_eq!(points(&stream), [(60, 2.0, 4.0), (120, 1.0, 2.0)]);
    }

    #[test]
    fn late_data_find_their_slot_after_packing() {
        let mut stream = Stream::default();
        for minute in (0..60).rev().chain(0..60) {
            stream.add(MINUTES, minute * 60, &one(1.0), || None);
        }
        let got = points(&stream);
        assert_eq!(got.len(), 60);
        assert!(got.iter().all(|(_, count, _)| *count == 2.0));
        let all = stream.take().remove(0).into_points();
        assert!(all.iter().map(|(slot, _)| *slot).eq(0..60));
        assert!(all.iter().all(|(_, set)| set.count == 2.0));
    }

    #[test]
    fn the_sum_of_a_slot_that_a_page_may_hold_is_not_known() {
        let mut stream = Stream::default();
        let mut add = |time| stream.add(MINUTES, time, &one(2.0), || Some(1));
        assert_eq!([60, 119, 120].map(&mut add), [None, None, Some(2.0)]);
    }

    #[test]
    fn seconds_are_apart() {
        let mut stream = Stream::default();
        let seconds = SpanName { resolution: Resolution::Second, number: 0 };
        stream.add(RunName { span: seconds, ..MINUTES }, 61, &one(1.0), || None);
        stream.add(MINUTES, 61, &one(1.0), || None);
        let mut fine = Vec::new();
        stream.for_each_figures((0, 3_600), true, |at, figures| fine.push((at, figures.sum)));
        assert_eq!(fine, [(61, 1.0)]);
        assert_eq!(points(&stream), [(60, 1.0, 1.0)]);
    }
}
