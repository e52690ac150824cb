//! # What the records say about deleting a key
//! A **demand** is a use of the key's material that was answered, or that was refused only because of the state the key is in:
//! whoever was refused so still needs the key. A caller without permission demands nothing.
//!
//! Pure. **Invariant:** no verdict says that a deletion does no harm: records show use, not need.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::keywatch::Verdict;
use keywatch_api::kms::KEY_USES;
use keywatch_history::{Gather, Use};
use keywatch_monitor::trail::key_usage::principal_of;

/// A demand so recent is use.
const IN_USE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A demand so recent is late use, and less watching says nothing.
pub(super) const LATELY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Principals that are told apart.
const USERS_MAX: usize = 10_000;
/// Refusals because of a key's state, as records name them.
const STATE_ERRORS: [&str; 3] = ["DisabledException", "KMSInvalidStateException", "KeyUnavailableException"];

/// What was seen of a key.
#[derive(Clone, Debug)]
pub(super) struct Readiness {
    /// Users and refusals from here on.
    lately_since: Timestamp,
    /// The first record about the key, of whatever kind.
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_demand: Option<Timestamp>,
    pub(super) last_use: Option<SeenUse>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) refused_by_state: u64,
    pub(super) data_keys_issued: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenUse {
    pub(super) time: Timestamp,
    pub(super) operation: String,
    pub(super) principal: String,
    pub(super) event_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) calls: u64,
    pub(super) failed_calls: u64,
    pub(super) last: Timestamp,
    pub(super) operations: BTreeSet<String>,
}

impl Readiness {
    /// Nothing seen yet; users count within 90 days before `until`.
    pub(super) fn until(until: Timestamp) -> Self {
        Self {
            lately_since: until.checked_sub(LATELY).unwrap_or(Timestamp::MIN),
            first_seen: None,
            last_demand: None,
            last_use: None,
            users: BTreeMap::new(),
            refused_by_state: 0,
            data_keys_issued: 0,
        }
    }

    fn note_user(&mut self, seen: &Use<'_>) {
        let principal = principal_of(seen);
        if self.users.len() >= USERS_MAX && !self.users.contains_key(principal) {
            return;
        }
        let user = self.users.entry(principal.to_owned()).or_insert_with(|| User {
            calls: 0,
            failed_calls: 0,
            last: seen.time,
            operations: BTreeSet::new(),
        });
        user.calls += 1;
        user.failed_calls += u64::from(seen.error_code.is_some());
        user.last = user.last.max(seen.time);
        if !user.operations.contains(seen.event_name) {
            user.operations.insert(seen.event_name.to_owned());
        }
    }
}

impl Gather for Readiness {
    fn take(&mut self, seen: &Use<'_>) {
        self.first_seen = Some(self.first_seen.map_or(seen.time, |first| first.min(seen.time)));
        if !KEY_USES.contains(&seen.event_name) {
            return;
        }
        let by_state = seen.error_code.is_some_and(|code| STATE_ERRORS.contains(&code));
        if seen.error_code.is_none() {
            self.data_keys_issued += u64::from(seen.event_name.starts_with("GenerateDataKey"));
            if self.last_use.as_ref().is_none_or(|last| last.time < seen.time) {
                self.last_use = Some(SeenUse {
                    time: seen.time,
                    operation: seen.event_name.to_owned(),
                    principal: principal_of(seen).to_owned(),
                    event_id: seen.event_id.to_owned(),
                });
            }
        }
        if seen.error_code.is_none() || by_state {
            self.last_demand = self.last_demand.max(Some(seen.time));
        }
        if seen.time >= self.lately_since {
            self.refused_by_state += u64::from(by_state);
            self.note_user(seen);
        }
    }
}

/// From when to when a use of the key would be in the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watched {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// The verdict, and with [`Verdict::NoUseSeen`] since when none was seen.
pub(super) fn verdict(
    last_demand: Option<Timestamp>,
    watched: Option<Watched>,
) -> (Verdict, Option<Timestamp>) {
    let Some(Watched { since, until }) = watched else { return (Verdict::BeingWatched, None) };
    match last_demand.map(|last| until.duration_since(last)) {
        Some(age) if age <= IN_USE => (Verdict::InUse, None),
        Some(age) if age <= LATELY => (Verdict::UsedLately, None),
        _ if until.duration_since(since) < LATELY => (Verdict::BeingWatched, None),
        _ => (Verdict::NoUseSeen, Some(last_demand.unwrap_or(since))),
    }
}

/// The verdict in words.
pub(super) fn explanation(verdict: &Verdict, since: Option<Timestamp>, watched: Option<Watched>) -> String {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    match (verdict, watched) {
        (Verdict::InUse, _) => "In use: asked for within the last 7 days of the records.".to_owned(),
        (Verdict::UsedLately, _) => {
            "Used lately: asked for within the last 90 days of the records.".to_owned()
        }
        (Verdict::NoUseSeen, Some(watched)) => format!(
            "No use seen since {}; records reach from {} to {}. What the key encrypted may still be needed.",
            day(since.unwrap_or(watched.since)),
            day(watched.since),
            day(watched.until)
        ),
        (_, Some(watched)) => format!(
            "Being watched: no use seen, but records reach only from {} to {}, less than 90 days.",
            day(watched.since),
            day(watched.until)
        ),
        (_, None) => "Being watched: there are no records about this key yet.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn verdicts() {
        let long = Some(("2026-01-01T00:00:00Z", "2026-11-22T00:00:00Z"));
        let short = Some(("2026-11-01T00:00:00Z", "2026-11-22T00:00:00Z"));
        check(Some("2026-11-15T00:00:00Z"), long, Verdict::InUse, None);
        check(Some("2026-11-14T23:59:59Z"), long, Verdict::UsedLately, None);
        check(Some("2026-08-24T00:00:00Z"), long, Verdict::UsedLately, None);
        check(Some("2026-08-23T00:00:00Z"), long, Verdict::NoUseSeen, Some("2026-08-23T00:00:00Z"));
        check(None, long, Verdict::NoUseSeen, Some("2026-01-01T00:00:00Z"));
        check(None, short, Verdict::BeingWatched, None);
        check(Some("2026-11-20T00:00:00Z"), short, Verdict::InUse, None);
        check(None, None, Verdict::BeingWatched, None);

        #[track_caller]
        fn check(last: Option<&str>, watched: Option<(&str, &str)>, want: Verdict, since: Option<&str>) {
            let watched = watched.map(|(since, until)| Watched { since: at(since), until: at(until) });
            let (got, got_since) = verdict(last.map(at), watched);
            assert_eq!((&got, got_since), (&want, since.map(at)), "{last:?} {watched:?}");
            let words = explanation(&got, got_since, watched);
            assert!(!words.to_lowercase().contains("safe"), "{words}");
        }
    }

    fn seen<'u>(time: &str, name: &'u str, error: Option<&'u str>) -> Use<'u> {
        Use {
            time: at(time),
            seq: 1,
            event_id: "e",
            event_name: name,
            event_source: "kms.amazonaws.com",
            principal: Some("arn:user"),
            session_issuer: None,
            source_address: None,
            user_agent: None,
            error_code: error,
            context_keys: &[],
        }
    }

    #[test]
    fn demands_are_uses_and_refusals_by_state() {
        let mut readiness = Readiness::until(at("2026-11-22T00:00:00Z"));
        readiness.take(&seen("2026-01-01T00:00:00Z", "CreateKey", None));
        readiness.take(&seen("2026-02-01T00:00:00Z", "GenerateDataKey", None));
        readiness.take(&seen("2026-11-01T00:00:00Z", "Decrypt", Some("AccessDenied")));
        assert_eq!(readiness.last_demand, Some(at("2026-02-01T00:00:00Z")));
        readiness.take(&seen("2026-11-02T00:00:00Z", "Decrypt", Some("DisabledException")));
        readiness.take(&seen("2026-11-03T00:00:00Z", "DescribeKey", None));
        assert_eq!(readiness.last_demand, Some(at("2026-11-02T00:00:00Z")));
        assert_eq!(readiness.first_seen, Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(readiness.last_use.as_ref().map(|last| &*last.operation), Some("GenerateDataKey"));
        assert_eq!((readiness.refused_by_state, readiness.data_keys_issued), (1, 1));
        let user = &readiness.users["arn:user"];
        assert_eq!((user.calls, user.failed_calls), (2, 2), "only of the last 90 days");
    }
}
