//! How far back imported records are news. Pure.

use jiff::{SignedDuration, Timestamp};

/// `PutLogEvents` refuses events that are older, and those later than [`LOG_EVENT_AHEAD_MAX`].
const LOG_EVENT_AGE_MAX: SignedDuration = SignedDuration::from_hours(14 * 24);
const LOG_EVENT_AHEAD_MAX: SignedDuration = SignedDuration::from_hours(2);
/// EventBridge tries to deliver an event for a day; then it is dropped.
const RULE_EVENT_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// Whether an imported record of `time` goes to the log groups of trails.
pub(crate) fn reaches_log_groups(time: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(time);
    age <= LOG_EVENT_AGE_MAX && -age <= LOG_EVENT_AHEAD_MAX
}

/// Whether an imported record of `time` goes to event rules.
pub(crate) fn reaches_rules(time: Timestamp, now: Timestamp) -> bool {
    now.duration_since(time) <= RULE_EVENT_AGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: &str, log_groups: bool, rules: bool) {
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        let time = time.parse().expect("a time");
        assert_eq!((reaches_log_groups(time, now), reaches_rules(time, now)), (log_groups, rules), "{time}");
    }

    #[test]
    fn old_records_are_not_news() {
        check("2026-11-22T10:00:00Z", true, true);
        check("2026-11-21T10:00:00Z", true, true);
        check("2026-11-21T09:59:59Z", true, false);
        check("2026-11-08T10:00:00Z", true, false);
        check("2026-11-08T09:59:59Z", false, false);
        check("2023-07-10T11:54:39Z", false, false);
        check("2026-11-22T12:00:00Z", true, true);
        check("2026-11-22T12:00:01Z", false, true);
    }
}
