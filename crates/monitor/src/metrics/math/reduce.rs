//! Functions that make one figure of a series, or one series of several.

use std::collections::BTreeMap;

use super::{Function, Second, Series};

/// The figure of a series over its points; not a number when there are none, except for counts and sums.
pub(super) fn along(function: Function, series: &Series) -> f64 {
    let values: Vec<f64> = series.points.iter().map(|(_, value)| *value).collect();
    figure(function, &values, values.len())
}

/// One series whose points are figures of those that the series have at that time. An average divides by how many series there are.
pub(super) fn across(function: Function, array: &[Series], period: Second) -> Series {
    let mut times: BTreeMap<Second, Vec<f64>> = BTreeMap::new();
    for (time, value) in array.iter().flat_map(|series| &series.points) {
        times.entry(*time).or_default().push(*value);
    }
    let period = array.iter().map(|series| series.period).max().unwrap_or(period);
    let points = times.into_iter().map(|(time, values)| (time, figure(function, &values, array.len())));
    Series { origin: None, period, points: Vec::new() }.with(points)
}

fn figure(function: Function, values: &[f64], count: usize) -> f64 {
    // An empty sum of floats is negative zero.
    let sum = values.iter().fold(0.0, |sum, value| sum + value);
    match function {
        Function::Sum => sum,
        Function::Avg => sum / count as f64,
        Function::DatapointCount => values.len() as f64,
        Function::Max => values.iter().copied().fold(f64::NAN, f64::max),
        Function::Min => values.iter().copied().fold(f64::NAN, f64::min),
        _ => {
            let mean = sum / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / values.len() as f64).sqrt()
        }
    }
}

/// The first `limit` series by a figure of each; those that have none come last, and equal ones stay in their order.
pub(super) fn sort(array: Vec<Series>, by: Function, descending: bool, limit: usize) -> Vec<Series> {
    let mut keyed: Vec<(f64, Series)> =
        array.into_iter().map(|series| (along(by, &series), series)).collect();
    keyed.sort_by(|(left, _), (right, _)| match (left.is_nan(), right.is_nan()) {
        (false, false) if descending => right.total_cmp(left),
        (false, false) => left.total_cmp(right),
        (left, right) => left.cmp(&right),
    });
    keyed.into_iter().take(limit).map(|(_, series)| series).collect()
}
