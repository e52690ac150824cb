//! How far the last stretch of a series is from every stretch it went through before.
//!
//! Nouns: a **stretch** is the last `POINTS` values as `PARTS` averages; [`Shapes`] keeps stretches, every `STRIDE` points
//! one, and measures the mean distance of the latest from the nearest of them. What has never looked so is far from all. The
//! idea is that of conformal nearest-neighbour detectors (Burnaev and Ishimtsev 2016) and matrix-profile discords (Yeh et
//! al. 2016). **Invariant:** a stretch is compared with those that do not overlap it, and `KEPT` of them at most.

use crate::codec::Codec;

/// So many stretches are kept, the newest.
const KEPT: usize = 512;
/// Fewer say nothing.
const ENOUGH: usize = 8;
/// Stretches wait here while the latest still overlaps them.
const WAITING: usize = 8;

/// Stretches of `POINTS` points as `PARTS` averages (a multiple of 4), one kept for every eighth of `POINTS`.
#[derive(Debug, Clone)]
pub(crate) struct Shapes<const POINTS: usize, const PARTS: usize> {
    /// The last points, a ring; distances are of values near the first, for single precision.
    ring: Box<[f32; POINTS]>,
    waiting: Box<[[f32; PARTS]; WAITING]>,
    kept: Box<[[f32; PARTS]]>,
    origin: f64,
    points: u64,
}

impl<const POINTS: usize, const PARTS: usize> Shapes<POINTS, PARTS> {
    const STRIDE: u64 = (POINTS / WAITING) as u64;

    pub(crate) fn new() -> Self {
        Self {
            ring: Box::new([0.0; POINTS]),
            waiting: Box::new([[0.0; PARTS]; WAITING]),
            kept: vec![[0.0; PARTS]; KEPT].into_boxed_slice(),
            origin: 0.0,
            points: 0,
        }
    }

    /// Takes a value; the distance is 0 until enough is known.
    pub(crate) fn learn(&mut self, value: f64) -> f64 {
        if self.points == 0 {
            self.origin = value;
        }
        self.ring[(self.points % POINTS as u64) as usize] = (value - self.origin).clamp(-1e30, 1e30) as f32;
        self.points = self.points.saturating_add(1);
        let Some(full) = self.points.checked_sub(POINTS as u64) else { return 0.0 };
        let stretch = self.stretch();
        let distance = self.nearest(&stretch, self.stretches(full));
        if full % Self::STRIDE == 0 {
            self.keep(stretch, full / Self::STRIDE);
        }
        distance
    }

    /// How many stretches are kept when `full` points came after the first stretch.
    fn stretches(&self, full: u64) -> usize {
        let made = full.div_ceil(Self::STRIDE);
        (made.saturating_sub(WAITING as u64)).min(KEPT as u64) as usize
    }

    fn stretch(&self) -> [f32; PARTS] {
        let start = self.points % POINTS as u64;
        let mut stretch = [0.0; PARTS];
        let per = POINTS / PARTS;
        for (part, average) in stretch.iter_mut().enumerate() {
            let values = (0..per).map(|i| self.ring[(start as usize + part * per + i) % POINTS]);
            *average = values.sum::<f32>() / per as f32;
        }
        stretch
    }

    fn nearest(&self, stretch: &[f32; PARTS], stretches: usize) -> f64 {
        if stretches < ENOUGH {
            return 0.0;
        }
        let mut nearest = f32::INFINITY;
        for kept in &self.kept[..stretches] {
            // Four sums at once, for the processor.
            let mut sums = [0.0f32; 4];
            for part in 0..PARTS {
                sums[part % 4] += (kept[part] - stretch[part]).abs();
            }
            nearest = nearest.min(sums.iter().sum());
        }
        f64::from(nearest.min(f32::MAX)) / PARTS as f64
    }

    /// Puts the `number`-th stretch among those that wait; the one that waited longest is kept.
    fn keep(&mut self, stretch: [f32; PARTS], number: u64) {
        let place = (number % WAITING as u64) as usize;
        if let Some(ripe) = number.checked_sub(WAITING as u64) {
            self.kept[(ripe % KEPT as u64) as usize] = self.waiting[place];
        }
        self.waiting[place] = stretch;
    }

    pub(crate) fn code(&mut self, codec: &mut Codec<'_>) {
        codec.f32s(&mut self.ring[..]);
        self.waiting.iter_mut().for_each(|stretch| codec.f32s(stretch));
        self.kept.iter_mut().for_each(|stretch| codec.f32s(stretch));
        codec.f64(&mut self.origin);
        codec.u64(&mut self.points);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_is_near_and_what_never_did_is_far() {
        let mut shapes = Shapes::<64, 16>::new();
        let wave = |i: usize| (i as f64 / 100.0 * std::f64::consts::TAU).sin() * 10.0;
        let known: Vec<f64> = (0..3000).map(|i| shapes.learn(wave(i))).collect();
        assert_eq!(known[64], 0.0, "nothing is known yet");
        assert!(known[1000..].iter().all(|distance| *distance < 0.9), "a wave is like itself");
        let flat: Vec<f64> = (0..64).map(|_| shapes.learn(wave(3000))).collect();
        assert!(flat[63] > 1.0, "{} is near a wave", flat[63]);
    }
}
