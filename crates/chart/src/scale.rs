//! # Scales: from values and times to places, and where the grid's lines are
//! A **scale** of values begins and ends at round numbers, unless bounds are given. Ticks of time are round in the zone of the chart.

use crate::Second;

const DAY: Second = 86_400;
/// Steps of time that people count in.
const TIME_STEPS: [Second; 21] = [
    1,
    5,
    10,
    15,
    30,
    60,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
];

/// A scale of values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) ticks: Vec<f64>,
}

impl Scale {
    /// A scale that shows all `values`, with about `count` ticks, from zero on where that is near.
    pub(crate) fn of(
        values: impl Iterator<Item = f64>,
        min: Option<f64>,
        max: Option<f64>,
        count: usize,
    ) -> Self {
        let (least, most) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        let (mut least, mut most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        // A line that begins near zero is judged from zero.
        if least > 0.0 && least < most * 0.8 {
            least = 0.0;
        }
        if least == most {
            let half = if most == 0.0 { 1.0 } else { most.abs() * 0.5 };
            (least, most) = if least >= 0.0 {
                ((least - half).max(0.0), most + half)
            } else {
                (least - half, most + half)
            };
        }
        let low = min.filter(|min| min.is_finite()).unwrap_or(least);
        let high = max.filter(|max| max.is_finite()).unwrap_or(most);
        let (low, high) = if low < high { (low, high) } else { (low, low + low.abs().max(1.0)) };
        let step = step((high - low) / count.max(1) as f64);
        let low = min.filter(|min| min.is_finite()).unwrap_or_else(|| (low / step).floor() * step);
        let high = if max.is_some() { high } else { (high / step).ceil() * step };
        let first = (low / step).ceil() as i64;
        let last = ((high / step) + 1e-9).floor() as i64;
        // A step is never so small that there are many.
        let ticks = (first..=last.min(first.saturating_add(50))).map(|tick| tick as f64 * step).collect();
        Self { low, high, ticks }
    }

    /// 0 at the low end, 1 at the high one.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span > 0.0 && span.is_finite() { (value - self.low) / span } else { 0.5 }
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is at least `wanted`.
fn step(wanted: f64) -> f64 {
    if !(wanted.is_finite() && wanted > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf(wanted.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|factor| factor * power >= wanted * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// Round times between start and end, about `count` of them.
pub(crate) fn times(start: Second, end: Second, offset: i32, count: usize) -> (Vec<Second>, Second) {
    let span = end.saturating_sub(start).max(1);
    let wanted = span / count.max(1) as i64;
    let year = 365 * DAY;
    let step = TIME_STEPS
        .into_iter()
        .find(|step| *step >= wanted)
        .unwrap_or_else(|| (wanted / year).saturating_add(1).saturating_mul(year));
    let offset = Second::from(offset);
    let first = start.saturating_add(offset).div_euclid(step);
    let ticks = (0..=span / step + 1)
        .map(|tick| first.saturating_add(tick).saturating_mul(step).saturating_sub(offset))
        .filter(|time| (start..=end).contains(time))
        .collect();
    (ticks, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales() {
        let check = |values: &[f64], min, max, ticks: &[f64], ends: (f64, f64)| {
            let scale = Scale::of(values.iter().copied(), min, max, 4);
            assert_eq!(scale.ticks, ticks, "{values:?}");
            assert_eq!((scale.low, scale.high), ends, "{values:?}");
        };
        check(&[1.0, 10.0], None, None, &[0.0, 2.5, 5.0, 7.5, 10.0], (0.0, 10.0));
        check(&[], None, None, &[0.0, 0.25, 0.5, 0.75, 1.0], (0.0, 1.0));
        check(&[0.0, 0.0], None, None, &[0.0, 0.25, 0.5, 0.75, 1.0], (0.0, 1.0));
        check(&[98.0, 100.0], None, None, &[98.0, 98.5, 99.0, 99.5, 100.0], (98.0, 100.0));
        check(&[-5.0, 5.0], None, None, &[-5.0, -2.5, 0.0, 2.5, 5.0], (-5.0, 5.0));
        check(&[3.0], Some(0.0), Some(100.0), &[0.0, 25.0, 50.0, 75.0, 100.0], (0.0, 100.0));
        check(&[f64::NAN, f64::INFINITY, 1.0, 4.0], None, None, &[0.0, 1.0, 2.0, 3.0, 4.0], (0.0, 4.0));
    }

    #[test]
    fn strange_values_end() {
        for values in [[f64::MAX, f64::MIN], [f64::MIN_POSITIVE, 0.0], [1e300, 1e300], [-1e-300, 1e-300]] {
            let scale = Scale::of(values.into_iter(), None, None, 5);
            assert!(scale.ticks.len() <= 51, "{values:?}");
            assert!(values.iter().all(|value| !scale.place(*value).is_nan()), "{values:?}");
        }
        assert!(Scale::of([1.0].into_iter(), Some(5.0), Some(5.0), 4).high > 5.0);
    }

    #[test]
    fn round_times() {
        assert_eq!(times(0, 3_600, 0, 6), (vec![0, 600, 1_200, 1_800, 2_400, 3_000, 3_600], 600));
        let (ticks, step) = times(1_000, 1_000 + 3 * DAY, 0, 6);
        assert_eq!((ticks[0], step), (43_200, 43_200));
        // Midnight in India.
        let (ticks, _) = times(0, 4 * DAY, 19_800, 4);
        assert_eq!(ticks[0], DAY - 19_800);
        assert!(times(0, i64::MAX / 4, 0, 5).0.len() < 20);
    }
}
