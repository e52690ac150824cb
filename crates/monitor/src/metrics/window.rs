//! # Windows: which periods are read

use super::Second;

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
    pub(super) fn fine(&self) -> bool {
        self.period < 60
    }
}
