//! `FILL`: points where a series has none.

use super::{Second, Series};

/// What is put into gaps.
pub(super) enum Gap {
    Constant(f64),
    /// The value before the gap; nothing before the first.
    Repeat,
    /// The straight line from the value before to the one after; nothing outside them.
    Linear,
    /// The value another series has then.
    Series(Series),
}

/// A series with what `gap` gives at each of `times` where it has no point.
pub(super) fn fill(series: &Series, times: &[Second], gap: &Gap) -> Series {
    let mut all: Vec<Second> =
        times.iter().copied().chain(series.points.iter().map(|(time, _)| *time)).collect();
    all.sort_unstable();
    all.dedup();
    let value = |time: Second| {
        let after = series.points.partition_point(|(at, _)| *at <= time);
        let before = after.checked_sub(1).map(|before| series.points[before]);
        if let Some((_, value)) = before.filter(|(at, _)| *at == time) {
            return Some(value);
        }
        match gap {
            Gap::Constant(value) => Some(*value),
            Gap::Repeat => before.map(|(_, value)| value),
            Gap::Linear => {
                let ((from, first), (to, last)) = before.zip(series.points.get(after).copied())?;
                Some(first + (last - first) * (time - from) as f64 / (to - from) as f64)
            }
            Gap::Series(other) => other.at(time),
        }
    };
    series.with(all.iter().filter_map(|time| Some((*time, value(*time)?))))
}
