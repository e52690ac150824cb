//! The averages a series is seen against: short, middle and long, and one for each half hour of the day.
//!
//! Nouns: a [`Level`] follows the values; a [`Reach`] is what one value was against the level before it. Long averages take
//! a value at no more than three spreads (Huber 1964), so an outlier moves them no more than a large ordinary value does.
//! **Not here:** whether a reach is rare.

use crate::codec::Codec;
use crate::settings::Settings;

const SLOTS: usize = 48;
const SLOT_SECONDS: i64 = 86_400 / SLOTS as i64;
/// The first points set the level and are not held to a spread.
pub(crate) const WARM_UP: u64 = 50;
/// The first visits to a time of the day set its average.
const FIRST_VISITS: f64 = 6.0;
/// Spreads to which a value is held.
const REACH_MAX: f64 = 3.0;

/// Spreads that one distance may add to their mean: what happens a tenth of the time keeps the spread up, what is rarer is
/// passed over.
const SPREADS_MAX: f64 = 10.0;

/// The averages, and how far values usually are from the long one.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    points: u64,
    last: f64,
    short: f64,
    middle: f64,
    long: f64,
    /// Mean distance from the long level.
    spread: f64,
    /// Mean step from point to point, over the middle span.
    step: f64,
    /// Average of each half hour of the day (UTC), and visits to it.
    day: Box<[(f64, f64)]>,
    /// Short and middle average of what the day does not explain.
    run: f64,
    offset: f64,
}

/// What a value was against the level before it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach {
    pub(crate) step: f64,
    pub(crate) from_short: f64,
    pub(crate) above: f64,
    pub(crate) below: f64,
    pub(crate) drift: f64,
    pub(crate) restless: f64,
    pub(crate) calm: f64,
    pub(crate) off_day: f64,
    pub(crate) off_day_run: f64,
}

impl Level {
    pub(crate) fn new() -> Self {
        Self {
            points: 0,
            last: 0.0,
            short: 0.0,
            middle: 0.0,
            long: 0.0,
            spread: 0.0,
            step: 0.0,
            day: vec![(0.0, 0.0); SLOTS].into_boxed_slice(),
            run: 0.0,
            offset: 0.0,
        }
    }

    pub(crate) fn points(&self) -> u64 {
        self.points
    }

    /// Mean distance of values from the long level.
    pub(crate) fn spread(&self) -> f64 {
        self.spread
    }

    /// What is expected at `at` by the level alone, and by the time of the day where that was seen twice.
    pub(crate) fn expected(&self, at: i64) -> (f64, Option<f64>) {
        let (average, visits) = self.day[slot(at)];
        (self.short, (visits >= 2.0).then_some(average + self.offset))
    }

    /// Takes a value of magnitude below 2^361.
    pub(crate) fn learn(&mut self, at: i64, value: f64, settings: &Settings) -> Reach {
        if self.points == 0 {
            (self.last, self.short, self.middle, self.long) = (value, value, value, value);
        }
        self.points = self.points.saturating_add(1);
        let young = self.points as f64;
        let (short, middle) = (1.0 / settings.short, 1.0 / settings.middle.min(young));
        let mut reach = Reach {
            step: (value - self.last).abs(),
            from_short: (value - self.short).abs(),
            above: beyond(value - self.long, self.spread),
            below: beyond(self.long - value, self.spread),
            ..Reach::default()
        };
        self.last = value;
        self.short += (value - self.short) * short;
        self.middle += (value - self.middle) * middle;
        reach.drift = (self.middle - self.long).abs();
        self.learn_long(value, 1.0 / settings.long.min(young));
        self.step += (reach.step - self.step) * middle;
        reach.restless = self.step;
        reach.calm = if self.step > 0.0 { 1.0 / (self.step + 1e-9 * self.spread + 1e-12) } else { 0.0 };

        let off = self.learn_day(at, value, settings.visits);
        self.run += (off - self.run) * short;
        let held = REACH_MAX * self.spread;
        self.offset += (off - self.offset).clamp(-held, held) * middle;
        reach.off_day = off.abs();
        reach.off_day_run = self.run.abs();
        reach
    }

    fn learn_long(&mut self, value: f64, share: f64) {
        let off = value - self.long;
        let warm = self.points >= WARM_UP;
        let distance = if warm { off.abs().min(SPREADS_MAX * self.spread) } else { off.abs() };
        self.spread += (distance - self.spread) * share;
        // A series that never moved has no spread yet; a trace of the distance lets it begin one.
        self.spread = self.spread.max(off.abs() * 1e-3 * share);
        let held = REACH_MAX * self.spread;
        self.long += if warm { off.clamp(-held, held) } else { off } * share;
    }

    /// How far the value is from what is usual at this time of the day, 0 at the first visit.
    fn learn_day(&mut self, at: i64, value: f64, memory: f64) -> f64 {
        let (average, visits) = &mut self.day[slot(at)];
        let off = value - *average;
        let held = REACH_MAX * self.spread;
        let step = if *visits < FIRST_VISITS { off } else { off.clamp(-held, held) };
        let seen = *visits >= 1.0;
        *visits += 1.0;
        *average += step / visits.min(memory);
        if seen { off } else { 0.0 }
    }

    pub(crate) fn code(&mut self, codec: &mut Codec<'_>) {
        codec.u64(&mut self.points);
        for value in [&mut self.last, &mut self.short, &mut self.middle, &mut self.long, &mut self.spread] {
            codec.f64(value);
        }
        for value in [&mut self.step, &mut self.run, &mut self.offset] {
            codec.f64(value);
        }
        for (average, visits) in &mut self.day {
            codec.f64(average);
            codec.f64(visits);
        }
    }
}

/// A distance in one direction, 0 where it is not half a usual one.
fn beyond(distance: f64, spread: f64) -> f64 {
    if distance < spread / 2.0 { 0.0 } else { distance }
}

fn slot(at: i64) -> usize {
    (at.rem_euclid(86_400) / SLOT_SECONDS) as usize
}
