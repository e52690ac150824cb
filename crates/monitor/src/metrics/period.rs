//! # Periods of a query
//! Which periods a query reads, from its times and its period and the age of what it asks for. Pure.
//!
//! Source: CloudWatch API Reference, `GetMetricStatistics`: `StartTime` and `Period`.

use super::{
    Second,
    series::Window,
    span::{
        DAY_SECONDS, FIVE_MINUTES_KEPT_DAYS, HIGH_RESOLUTION_KEPT_SECONDS, HOURS_KEPT_DAYS, MINUTES_KEPT_DAYS,
    },
};

/// Data lie at most this far ahead.
const FUTURE_SECONDS: Second = 2 * 3_600;

/// Where periods start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// At the query's start (`GetMetricStatistics`).
    Start,
    /// At whole multiples of the period (`GetMetricData`).
    Multiple,
}

/// Whether `Period` is 1, 5, 10, 20, 30 or whole minutes.
pub fn is_period(period: Second) -> bool {
    matches!(period, 1 | 5 | 10 | 20 | 30) || (period > 0 && period % 60 == 0)
}

/// The finest periods of which data of an age are kept.
fn step(age: Second) -> Second {
    match age {
        _ if age > FIVE_MINUTES_KEPT_DAYS * DAY_SECONDS => 3_600,
        _ if age > MINUTES_KEPT_DAYS * DAY_SECONDS => 300,
        _ if age > HIGH_RESOLUTION_KEPT_SECONDS => 60,
        _ => 1,
    }
}

/// The earliest start at which data exist at a period.
pub fn oldest_start(period: Second, now: Second) -> Second {
    let ages = [HOURS_KEPT_DAYS, FIVE_MINUTES_KEPT_DAYS, MINUTES_KEPT_DAYS].map(|days| days * DAY_SECONDS);
    let readable = ages.into_iter().find(|age| period % step(*age) == 0);
    now - readable.unwrap_or(HIGH_RESOLUTION_KEPT_SECONDS)
}

/// The periods between `start` and `end`; none when data of that age do not exist at that period.
pub fn window(
    start: Second,
    end: Second,
    period: Second,
    alignment: Alignment,
    now: Second,
) -> Option<Window> {
    let step = step(now - start);
    if period % step != 0 {
        return None;
    }
    let start = start.max(now - HOURS_KEPT_DAYS * DAY_SECONDS);
    let end = end.min(now + FUTURE_SECONDS + period);
    let whole = match alignment {
        Alignment::Start if period < 60 => period,
        Alignment::Start => step.max(60),
        Alignment::Multiple => period,
    };
    let start = start.div_euclid(whole) * whole;
    (start < end).then(|| Window::covering(start, end, period))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Second = 1_000_000 * 3_600 + 1_234;

    #[test]
    fn starts_are_rounded_by_age() {
        let start = |age, period, alignment| {
            window(NOW - age, NOW, period, alignment, NOW).map(|window| NOW - window.start)
        };
        assert_eq!(start(3_600, 60, Alignment::Start), Some(3_634));
        assert_eq!(start(3_600, 300, Alignment::Start), Some(3_634));
        assert_eq!(start(3_600, 300, Alignment::Multiple), Some(3_634));
        assert_eq!(start(3_500, 300, Alignment::Multiple), Some(3_634));
        assert_eq!(start(5, 10, Alignment::Start), Some(14));
        assert_eq!(start(4 * 3_600, 10, Alignment::Start), None);
        assert_eq!(start(16 * 86_400, 60, Alignment::Start), None);
        assert_eq!(start(16 * 86_400, 300, Alignment::Start), Some(16 * 86_400 + 34));
        assert_eq!(start(64 * 86_400, 300, Alignment::Start), None);
        assert_eq!(start(64 * 86_400, 3_600, Alignment::Start), Some(64 * 86_400 + 1_234));
    }

    #[test]
    fn the_oldest_start_can_be_read() {
        for (period, days) in [(60, 15), (300, 63), (7_200, HOURS_KEPT_DAYS)] {
            assert_eq!(NOW - oldest_start(period, NOW), days * 86_400, "{period}");
            assert!(window(oldest_start(period, NOW), NOW, period, Alignment::Multiple, NOW).is_some());
        }
        assert_eq!(NOW - oldest_start(10, NOW), 3 * 3_600);
    }

    #[test]
    fn no_query_is_larger_than_what_is_kept() {
        let all = window(0, Second::MAX / 2, 3_600, Alignment::Start, NOW).unwrap();
        assert!(all.count <= (HOURS_KEPT_DAYS as usize + 1) * 24);
        assert_eq!(window(NOW + 86_400, NOW + 90_000, 60, Alignment::Start, NOW), None);
    }

    #[test]
    fn periods() {
        for period in [1, 5, 10, 20, 30, 60, 120, 86_400] {
            assert!(is_period(period));
        }
        for period in [0, -60, 2, 15, 45, 61, 90] {
            assert!(!is_period(period));
        }
    }
}
