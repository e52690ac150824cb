//! # Countdowns: metrics that fall one per second
//! A **ramp** is the time left until an instant, measured from the moment it became known until it ends. `AWS/KMS`
//! `SecondsUntilKeyMaterialExpiration` is one: a point a minute for a year would be half a million points, while the value is a
//! pure function of the expiry and the minute.
//! **Invariant:** at most one ramp of a material runs at a time.
//! **Not here:** when ramps start and end (`derive.rs`).

use super::{Second, statistic_set::StatisticSet};

/// The time left until `expires`, as one point a minute from `from` until `until`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ramp {
    /// What expires (a key material id); a metric with several shows the earliest.
    pub subject: String,
    pub from: Second,
    /// When it ended early, by deletion or by a new expiry.
    pub until: Option<Second>,
    pub expires: Second,
}

impl Ramp {
    fn end(&self) -> Second {
        self.until.map_or(self.expires, |until| until.min(self.expires))
    }

    /// The value during the minute that starts at `minute`: the seconds left at its start, or when the ramp began if later.
    fn value(&self, minute: Second) -> Option<Second> {
        let at = minute.max(self.from);
        (at < minute + 60 && at < self.end()).then_some(self.expires - at)
    }
}

/// Begins a countdown, which ends the running one of the same subject.
pub fn start(ramps: &mut Vec<Ramp>, subject: &str, from: Second, expires: Second) {
    end(ramps, Some(subject), from);
    if expires > from {
        ramps.push(Ramp { subject: subject.to_owned(), from, until: None, expires });
    }
}

/// Ends the countdowns of a subject, or all of them.
pub fn end(ramps: &mut Vec<Ramp>, subject: Option<&str>, at: Second) {
    for ramp in ramps.iter_mut() {
        let meant = subject.is_none_or(|subject| subject == ramp.subject);
        if meant && ramp.end() > at {
            ramp.until = Some(at);
        }
    }
    ramps.retain(|ramp| ramp.end() > ramp.from);
}

/// Whether a countdown has a point at or after `since`, as seen at `now`.
pub fn active_since(ramps: &[Ramp], since: Second, now: Second) -> bool {
    ramps.iter().any(|ramp| ramp.from <= now && ramp.end() > since)
}

/// Calls `each` with every minute of `[start, end)` that has a point at `now`, oldest first.
pub fn for_each_minute(
    ramps: &[Ramp],
    start: Second,
    end: Second,
    now: Second,
    mut each: impl FnMut(Second, StatisticSet),
) {
    let Some(first) = ramps.iter().map(|ramp| ramp.from).min() else { return };
    let Some(last) = ramps.iter().map(Ramp::end).max() else { return };
    let mut minute = start.max(first).div_euclid(60) * 60;
    if minute < start {
        minute += 60;
    }
    while minute < end.min(last) && minute <= now {
        if let Some(left) = ramps.iter().filter_map(|ramp| ramp.value(minute)).min() {
            each(minute, StatisticSet::uniform(left as f64, 1.0));
        }
        minute += 60;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Second = 86_400;

    #[test]
    fn falls_one_per_second() {
        let mut ramps = Vec::new();
        start(&mut ramps, "m", 90, 20 * DAY);
        check(
            &ramps,
            0,
            300,
            1_000,
            &[(60, 20 * DAY - 90), (120, 20 * DAY - 120), (180, 20 * DAY - 180), (240, 20 * DAY - 240)],
        );
        check(&ramps, 20 * DAY - 120, 21 * DAY, 30 * DAY, &[(20 * DAY - 120, 120), (20 * DAY - 60, 60)]);
    }

    #[test]
    fn has_no_points_in_the_future() {
        let mut ramps = Vec::new();
        start(&mut ramps, "m", 0, DAY);
        check(&ramps, 0, 600, 60, &[(0, DAY), (60, DAY - 60)]);
        assert!(active_since(&ramps, 0, 0));
        assert!(!active_since(&ramps, DAY, 2 * DAY));
    }

    #[test]
    fn a_new_expiry_replaces_the_old() {
        let mut ramps = Vec::new();
        start(&mut ramps, "m", 0, 1_000);
        start(&mut ramps, "m", 120, 10_000);
        check(&ramps, 0, 240, 500, &[(0, 1_000), (60, 940), (120, 9_880), (180, 9_820)]);
    }

    #[test]
    fn the_earliest_expiry_counts() {
        let mut ramps = Vec::new();
        start(&mut ramps, "a", 0, 10_000);
        start(&mut ramps, "b", 60, 5_000);
        check(&ramps, 0, 120, 500, &[(0, 10_000), (60, 4_940)]);
        end(&mut ramps, Some("b"), 100);
        check(&ramps, 60, 180, 500, &[(60, 4_940), (120, 9_880)]);
        end(&mut ramps, None, 180);
        check(&ramps, 120, 600, 500, &[(120, 9_880)]);
    }

    #[test]
    fn a_ramp_ended_where_it_began_is_gone() {
        let mut ramps = Vec::new();
        start(&mut ramps, "a", 60, 10_000);
        end(&mut ramps, None, 60);
        assert_eq!(ramps, []);
    }

    #[track_caller]
    fn check(ramps: &[Ramp], from: Second, to: Second, now: Second, want: &[(Second, Second)]) {
        let mut got = Vec::new();
        for_each_minute(ramps, from, to, now, |minute, set| got.push((minute, set.minimum as Second)));
        assert_eq!(got, want);
    }
}
