//! # Recent: what series added lately at most
//! To find the busiest of a million series a query must not read the points of all. **Blocks** of half an hour hold, for every
//! series, an upper bound of what its samples of that time sum up to and of the largest sum of one minute, in eight bytes. A
//! query orders groups by their bounds and reads points only of those that may be among the first.
//! **Invariant:** no sum of minutes of a block is above the block's bound; sums that are single precision numbers are their own
//! bound.
//! **Not here:** countdowns, whose points nobody adds.

use std::collections::VecDeque;

use super::{
    Second,
    series::{SeriesId, Window},
};

pub const BLOCK_SECONDS: Second = 1_800;
/// Three hours, and what a query's first period may reach back before them.
const KEPT_SECONDS: Second = 3 * 3_600 + BLOCK_SECONDS;

/// Bounds of the last hours.
#[derive(Debug, Default)]
pub struct Recent {
    /// Oldest first.
    blocks: VecDeque<Block>,
    /// Blocks from this number on hold everything that was added.
    complete_from: i64,
}

/// Bounds of one half hour, by series.
#[derive(Debug, Default)]
struct Block {
    number: i64,
    sums: Vec<f32>,
    peaks: Vec<f32>,
}

impl Recent {
    /// Takes samples in: their sum and, where it is known, that of all samples of their minute.
    pub fn note(&mut self, id: SeriesId, time: Second, now: Second, sum: f64, minute: Option<f64>) {
        self.forget_before(now);
        let number = time.div_euclid(BLOCK_SECONDS);
        if number < self.complete_from {
            return;
        }
        let at = self.blocks.binary_search_by_key(&number, |block| block.number).unwrap_or_else(|at| {
            self.blocks.insert(at, Block { number, ..Block::default() });
            at
        });
        let block = &mut self.blocks[at];
        let of = id.0 as usize;
        if block.sums.len() <= of {
            // Others of the same number come in the next minutes, so all get their place at once.
            let room = (of + 1 + of / 8).next_multiple_of(256);
            for bounds in [&mut block.sums, &mut block.peaks] {
                bounds.reserve_exact(room - bounds.len());
                bounds.resize(room, 0.0);
            }
        }
        // A negative sum makes the block's smaller, but not that of a part of it.
        block.sums[of] = above(f64::from(block.sums[of]) + sum.max(0.0));
        let minute = minute.map_or(block.sums[of], above);
        block.peaks[of] = block.peaks[of].max(minute);
    }

    /// What lies before a time is not known, because it was not read back.
    pub fn starts(&mut self, time: Second) {
        let whole = time.div_euclid(BLOCK_SECONDS) + i64::from(time.rem_euclid(BLOCK_SECONDS) > 0);
        self.complete_from = whole.max(self.complete_from);
    }

    fn forget_before(&mut self, now: Second) {
        let oldest = (now - KEPT_SECONDS).div_euclid(BLOCK_SECONDS);
        if oldest <= self.complete_from {
            return;
        }
        self.complete_from = oldest;
        while self.blocks.front().is_some_and(|block| block.number < oldest) {
            self.blocks.pop_front();
        }
    }

    /// The most that each of the first `count` series can add up to in a window; `None` where the window begins before what is known.
    pub fn sums(&self, window: &Window, count: usize) -> Option<Vec<f64>> {
        let mut all = vec![0.0; count];
        for block in self.of(window)? {
            for (sum, bound) in all.iter_mut().zip(&block.sums) {
                *sum += f64::from(*bound);
            }
        }
        Some(all)
    }

    /// As [`Self::sums`], the most in one period.
    pub fn peaks(&self, window: &Window, count: usize) -> Option<Vec<f64>> {
        let mut peaks = vec![0.0f32; count];
        for block in self.of(window)? {
            for (peak, bound) in peaks.iter_mut().zip(&block.peaks) {
                *peak = peak.max(*bound);
            }
        }
        let minutes = (window.period as f64 / 60.0).ceil();
        let sums = self.sums(window, count)?;
        Some(peaks.iter().zip(sums).map(|(peak, sum)| (f64::from(*peak) * minutes).min(sum)).collect())
    }

    fn of(&self, window: &Window) -> Option<impl Iterator<Item = &Block>> {
        let (first, end) = (window.start.div_euclid(BLOCK_SECONDS), window.end());
        let blocks = self
            .blocks
            .iter()
            .filter(move |block| block.number >= first && block.number * BLOCK_SECONDS < end);
        (first >= self.complete_from).then_some(blocks)
    }
}

/// The least single precision number that is not below.
fn above(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) < value { near.next_up() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Second = 100 * BLOCK_SECONDS + 90;

    #[test]
    fn bounds_of_windows() {
        let mut recent = Recent::default();
        let (a, b) = (SeriesId(0), SeriesId(5));
        // Two minutes of the block before, three samples in one minute of this one.
        for (id, time, sum, minute) in [
            (a, NOW - 1_000, 4.0, Some(4.0)),
            (a, NOW - 940, 7.0, Some(7.0)),
            (a, NOW, 1.0, Some(1.0)),
            (a, NOW, 2.0, Some(3.0)),
            (b, NOW, 5.0, Some(5.0)),
            (b, NOW - 60, -5.0, None),
        ] {
            recent.note(id, time, NOW, sum, minute);
        }
        let window = |start, period| Window::covering(start, NOW + 60, period);
        let sums = |window| recent.sums(&window, 6).map(|sums| (sums[0], sums[5]));
        assert_eq!(sums(window(NOW - 1_200, 60)), Some((14.0, 5.0)));
        assert_eq!(sums(window(NOW - 60, 60)), Some((3.0, 5.0)));
        assert_eq!(sums(window(NOW - 10 * BLOCK_SECONDS, 60)), None);
        let peaks = |window| recent.peaks(&window, 6).map(|peaks| (peaks[0], peaks[5]));
        assert_eq!(peaks(window(NOW - 1_200, 60)), Some((7.0, 5.0)));
        assert_eq!(peaks(window(NOW - 1_200, 300)), Some((14.0, 5.0)));
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let mut recent = Recent::default();
        recent.note(SeriesId(0), NOW, NOW, 1.0, None);
        let later = NOW + 8 * BLOCK_SECONDS;
        recent.note(SeriesId(0), later, later, 1.0, None);
        assert_eq!(recent.sums(&Window::covering(NOW, later, 60), 1), None);
        assert_eq!(recent.sums(&Window::covering(later - 10_800, later + 60, 60), 1), Some(vec![1.0]));
        recent.note(SeriesId(0), NOW, later, 1.0, None);
        assert_eq!(recent.blocks.len(), 1);
    }

    #[test]
    fn what_was_not_read_back_is_not_known() {
        let mut recent = Recent::default();
        recent.starts(NOW - 3_600);
        recent.note(SeriesId(0), NOW, NOW, 5.0, None);
        let of = |start| recent.sums(&Window::covering(start, NOW + 60, 60), 1);
        assert_eq!(of(NOW - 3_600), None, "its half hour may have begun before");
        assert_eq!(of(NOW - 1_800), Some(vec![5.0]));
    }

    #[test]
    fn bounds_are_never_below() {
        for value in [0.1, 16_777_217.0, 1e-60, 1e60, 3.0] {
            assert!(f64::from(above(value)) >= value);
        }
        assert_eq!(above(16_777_215.0), 16_777_215.0);
    }
}
