//! How rare a magnitude is among all that were seen before.
//!
//! Nouns: a [`Tail`] counts magnitudes (numbers from 0 up) in bins of a quarter octave, forgetting old ones. The **rarity**
//! of a magnitude is minus the natural logarithm of the share that reached it: 0 is common, 7 is once in eleven hundred.
//! Where too few were as large, the tail is taken to fall as a power (Pillai's and Hill's classical assumption for heavy
//! tails, Hill 1975), so rarity goes on growing behind the largest that was seen. No scale is assumed: a tail serves
//! packets per second and degrees alike. **Not here:** what a magnitude is of.

use crate::codec::Codec;

const BINS: usize = 128;
const BINS_PER_OCTAVE: f64 = 4.0;
/// Below this a magnitude is rounding.
const LEAST: f64 = 1e-12;
/// The weight of one more magnitude grows until here, then all are scaled down.
const WEIGHT_MAX: f64 = 1e6;
/// The steepest a tail is taken to fall, in bins for a factor e: even magnitudes of one size say nothing sure of larger ones.
const FALL_LEAST: f64 = 0.3;

/// Counts of magnitudes, 128 bins over 32 octaves below the largest.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    bins: Box<[f32; BINS]>,
    zeros: f64,
    /// Octave, in bins, of the lowest bin; `None` until something was larger than nothing.
    base: Option<i32>,
    total: f64,
    weight: f64,
}

/// How a tail reads its counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// So many magnitudes make a share that is believed; fewer are extrapolated.
    pub(crate) few: f64,
    /// What is believed of the tail's fall before it was seen: octaves for a factor e.
    pub(crate) fall: f64,
}

impl Tail {
    pub(crate) fn new() -> Self {
        Self { bins: Box::new([0.0; BINS]), zeros: 0.0, base: None, total: 0.0, weight: 1.0 }
    }

    /// Counts a magnitude; those `memory` magnitudes ago have lost a factor e of their weight.
    pub(crate) fn learn(&mut self, magnitude: f64, memory: f64) {
        if magnitude > LEAST {
            let key = (magnitude.log2() * BINS_PER_OCTAVE).floor() as i32;
            let base = self.make_room(key);
            let bin = (key - base).clamp(0, BINS as i32 - 1) as usize;
            self.bins[bin] += self.weight as f32;
        } else {
            self.zeros += self.weight;
        }
        self.total += self.weight;
        self.weight /= 1.0 - 1.0 / memory;
        if self.weight > WEIGHT_MAX {
            self.bins.iter_mut().for_each(|bin| *bin /= self.weight as f32);
            self.zeros /= self.weight;
            self.total /= self.weight;
            self.weight = 1.0;
        }
    }

    /// The base after the bins were moved so that `key` has one; what falls out below is counted in the lowest bin.
    fn make_room(&mut self, key: i32) -> i32 {
        let base = self.base.unwrap_or(key - BINS as i32 * 3 / 4);
        let shift = (key - (base + BINS as i32 - 1)).max(0) as usize;
        if shift > 0 {
            let fallen: f32 = self.bins[..shift.min(BINS)].iter().sum();
            self.bins.rotate_left(shift.min(BINS));
            self.bins[BINS - shift.min(BINS)..].fill(0.0);
            self.bins[0] += fallen;
        }
        let base = base + shift as i32;
        self.base = Some(base);
        base
    }

    /// Minus the logarithm of the share of magnitudes that were at least this large.
    pub(crate) fn rarity(&self, magnitude: f64, reading: Reading) -> f64 {
        let (Some(base), true) = (self.base, magnitude > LEAST) else {
            // Nothing but zeros so far: what is not zero is as rare as they are many.
            return if magnitude > LEAST { (self.total / self.weight + 1.0).ln() } else { 0.0 };
        };
        let total = self.total / self.weight;
        let at = magnitude.log2() * BINS_PER_OCTAVE - f64::from(base);
        let (mut above, mut excess, mut edge) = (0.0, 0.0, BINS);
        while edge > 0 && above < reading.few {
            edge -= 1;
            let mass = f64::from(self.bins[edge]) / self.weight;
            above += mass;
            excess += mass * (edge as f64 + 0.5);
        }
        if above < reading.few {
            return -((self.reached(at) + 0.5) / (total + 1.0)).min(1.0).ln();
        }
        let edge = edge as f64;
        if at <= edge {
            return -(self.reached(at) / total).min(1.0).ln();
        }
        let fall = (excess - edge * above + reading.fall * BINS_PER_OCTAVE) / (above + 1.0);
        -(above / total).ln() + (at - edge) / fall.max(FALL_LEAST)
    }

    /// How many magnitudes, weighed, were at `at` (in bins from the base) or above.
    fn reached(&self, at: f64) -> f64 {
        let first = (at.max(0.0) as usize).min(BINS - 1);
        let whole: f64 = self.bins[first + 1..].iter().map(|mass| f64::from(*mass)).sum();
        let part = f64::from(self.bins[first]) * (first as f64 + 1.0 - at).clamp(0.0, 1.0);
        (whole + part) / self.weight
    }

    /// The magnitude that a `share` of them (0 to 1) surpassed.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let Some(base) = self.base else { return 0.0 };
        let mut left = share * self.total;
        for (bin, mass) in self.bins.iter().enumerate().rev() {
            let mass = f64::from(*mass);
            if mass > 0.0 && left < mass {
                let at = f64::from(base) + bin as f64 + 1.0 - left / mass;
                return (at / BINS_PER_OCTAVE).exp2();
            }
            left -= mass;
        }
        0.0
    }

    pub(crate) fn code(&mut self, codec: &mut Codec<'_>) {
        codec.f32s(&mut self.bins[..]);
        codec.f64(&mut self.zeros);
        let mut base = f64::from(self.base.unwrap_or(i32::MIN));
        codec.f64(&mut base);
        // Bases of representable magnitudes are a few thousand; further ones are no base.
        self.base = (base.abs() < 10_000.0).then_some(base as i32);
        codec.f64(&mut self.total);
        codec.f64(&mut self.weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Reading = Reading { few: 10.0, fall: 0.3 };

    fn of(magnitudes: impl Iterator<Item = f64>) -> Tail {
        let mut tail = Tail::new();
        magnitudes.for_each(|magnitude| tail.learn(magnitude, 1e6));
        tail
    }

    #[track_caller]
    fn check(tail: &Tail, magnitude: f64, want: f64, within: f64) {
        let got = tail.rarity(magnitude, READING);
        assert!((got - want).abs() <= within, "{got} instead of {want}");
    }

    #[test]
    fn shares_are_counted() {
        let even = of((1..=1000).map(f64::from));
        check(&even, 0.0, 0.0, 0.0);
        check(&even, 1.0, 0.0, 0.01);
        check(&even, 500.0, 2f64.ln(), 0.1);
        check(&even, 900.0, 10f64.ln(), 0.35);
    }

    #[test]
    fn the_tail_goes_on_as_a_power() {
        // The n-th of a thousand is reached by n of them: (1000 / n)^(1/2) has exponent 2.
        let heavy = of((1..=1000).map(|n| (1000.0 / f64::from(n)).sqrt()));
        check(&heavy, 10.0, 100f64.ln(), 0.3);
        check(&heavy, 100.0, 10_000f64.ln(), 2.0);
    }

    #[test]
    fn where_all_was_zero() {
        let quiet = of(std::iter::repeat_n(0.0, 99));
        check(&quiet, 0.0, 0.0, 0.0);
        check(&quiet, 3.0, 100f64.ln(), 0.01);
    }

    #[test]
    fn quantiles() {
        let even = of((1..=1000).map(f64::from));
        for (share, want) in [(0.5, 500.0), (0.1, 900.0), (0.01, 990.0)] {
            let got = even.quantile(share);
            assert!((got / want - 1.0).abs() < 0.1, "{got} instead of {want}");
        }
        assert_eq!(Tail::new().quantile(0.1), 0.0);
    }

    #[test]
    fn larger_ones_push_small_ones_together() {
        let mut tail = of([1e-6, 1.0].into_iter().cycle().take(100));
        tail.learn(1e100, 1e6);
        assert!(tail.rarity(1e100, READING) > 101f64.ln());
        assert!((tail.total - f64::from(tail.bins.iter().sum::<f32>())).abs() < 0.1);
    }
}
