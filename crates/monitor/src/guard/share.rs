//! Whether what part of a key's use is decrypting has shifted: the last hour beside the week before it. Pure but for reading series.

use keywatch_api::cloudwatch::StandardUnit as Unit;

use super::memory::Finding;
use crate::metrics::{
    Second,
    series::{MetricRef, SeriesStore, Window},
};

const HOUR: Second = 3_600;
const WEEK_HOURS: Second = 7 * 24;
/// Calls in the hour, and in the week, of which a share says something.
const CALLS_HOUR_MIN: f64 = 50.0;
const CALLS_WEEK_MIN: f64 = 200.0;
/// A shift is of so many percentage points or more, and further from chance than so many standard deviations.
const SHIFT_MIN: f64 = 25.0;
const DEVIATIONS_MIN: f64 = 6.0;

/// Calls that encrypt or decrypt, and how many of them decrypt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Calls {
    all: f64,
    decrypts: f64,
}

impl Calls {
    fn share(self) -> f64 {
        self.decrypts / self.all * 100.0
    }
}

/// What the hour that ended last at `now` (seconds) means for a key of the account and Region `partition`.
pub fn shifted(series: &SeriesStore, partition: &str, key_arn: &str, now: Second) -> Option<Finding> {
    let metric = MetricRef {
        partition,
        namespace: "Keywatch/KMS",
        name: "DecryptShare",
        dimensions: &[("KeyArn", key_arn)],
    };
    let id = series.find(&metric)?;
    let end = now.div_euclid(HOUR) * HOUR;
    let calls = |hours: Second, before: Second| {
        let window = Window { start: before - hours * HOUR, period: HOUR, count: hours as usize };
        let mut calls = Calls::default();
        for bucket in series.read(id, Some(Unit::Percent), &window, now) {
            calls.all += bucket.set.count;
            calls.decrypts += bucket.set.sum / 100.0;
        }
        calls
    };
    let hour = calls(1, end);
    // The newest hours are in memory, the week may not be: of most keys it need not be asked for.
    if hour.all < CALLS_HOUR_MIN {
        return None;
    }
    judge(calls(WEEK_HOURS, end - HOUR), hour)
}

/// Compares two shares as two samples of calls (the two-proportion z-test).
fn judge(week: Calls, hour: Calls) -> Option<Finding> {
    if week.all < CALLS_WEEK_MIN || hour.all < CALLS_HOUR_MIN {
        return None;
    }
    let (before, after) = (week.share(), hour.share());
    let pooled = (week.decrypts + hour.decrypts) / (week.all + hour.all);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / week.all + 1.0 / hour.all)).sqrt() * 100.0;
    let shift = (after - before).abs();
    (shift >= SHIFT_MIN && shift >= DEVIATIONS_MIN * deviation).then(|| Finding::DecryptShareShifted {
        percent_before: before.round() as i64,
        percent: after.round() as i64,
        calls: hour.all as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let calls = |all: f64, decrypts: f64| Calls { all, decrypts };
        for (week, hour, want) in [
            (calls(2_000.0, 1_000.0), calls(400.0, 396.0), Some((50, 99))),
            (calls(2_000.0, 1_000.0), calls(400.0, 4.0), Some((50, 1))),
            (calls(2_000.0, 1_000.0), calls(400.0, 260.0), None),
            (calls(2_000.0, 1_000.0), calls(49.0, 49.0), None),
            (calls(199.0, 0.0), calls(400.0, 400.0), None),
            (calls(200.0, 100.0), calls(50.0, 38.0), None),
            (calls(2_000.0, 2_000.0), calls(400.0, 400.0), None),
            (calls(0.0, 0.0), calls(0.0, 0.0), None),
        ] {
            let got = judge(week, hour).map(|found| match found {
                Finding::DecryptShareShifted { percent_before, percent, .. } => (percent_before, percent),
                other => panic!("{other:?}"),
            });
            assert_eq!(got, want, "{week:?} {hour:?}");
        }
    }
}
