//! What is remembered of a key, and what an act means beside that. Pure: memory and act in, memory and findings out.

use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

use super::policy_change::{Change, change};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// Principals remembered of a key; further ones are not told apart from those, so they are no news.
const PRINCIPALS_MAX: usize = 256;
/// A silence shorter than this is not told.
const SILENCE_TOLD: i64 = 7 * DAY;
/// How long a destination of re-encryption is new.
const ARRIVALS_NEW: i64 = DAY;
/// Arrivals at a new destination that are told, by their number.
const ARRIVALS_TOLD: [u32; 4] = [1, 10, 100, 1_000];
/// A rotation may be this late.
const ROTATION_GRACE_DAYS: u32 = 7;
/// A rotation that stays overdue is told again after so long.
const ROTATION_REMINDER: i64 = 30 * DAY;

/// A key, as its records showed it so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyMemory {
    /// The first time it was seen.
    pub since: i64,
    /// The hour of the newest use.
    pub last_use: Option<i64>,
    /// Who used it, sorted.
    pub principals: Vec<String>,
    /// What was re-encrypted to it.
    #[serde(default)]
    pub arrivals: Option<Arrivals>,
    #[serde(default)]
    pub policy: Option<String>,
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// When it was last told that the share of decrypting shifted.
    #[serde(default)]
    pub shift_told: Option<i64>,
}

/// Re-encryptions to a key since the first one, while the key is new to that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrivals {
    pub since: i64,
    pub calls: u32,
}

/// A key whose material can be rotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// When the material was made.
    pub since: i64,
    pub period_days: u32,
    /// The key is pending deletion.
    pub paused: bool,
    /// When it is told next that the rotation is overdue.
    pub due: i64,
}

impl Versioned for KeyMemory {
    const MARKER: &'static str = "guard.key/1";
}

/// What was done to a key.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Use,
    ReEncrypt,
    Create(Made),
    Policy(String),
    Grant(Grant),
    RotationPeriod(u32),
    Rotated,
    Leaving,
    Staying,
    Gone,
}

/// A key that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub policy: String,
    /// Its material can be rotated.
    pub rotates: bool,
}

/// A grant that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    #[serde(rename = "grantId")]
    pub id: String,
    #[serde(rename = "granteePrincipal")]
    pub grantee: String,
    pub operations: Vec<String>,
    /// Nothing says with which encryption context it may be used.
    pub unrestricted: bool,
    /// The grantee is of another account than the key.
    pub foreign: bool,
}

/// What an act means.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// A principal that did not use the key before; how long the key is known and how many principals.
    FirstSeenPrincipal {
        known_days: i64,
        known_principals: usize,
    },
    /// A use after days without; none where there was no use at all.
    UsedAfterSilence {
        silent_days: i64,
        last_use: Option<i64>,
    },
    /// Something was re-encrypted from `source` to a key that is new to it; the number of such calls.
    ReEncryptedToNewKey {
        source: String,
        calls: u32,
        since: i64,
    },
    /// Rights that a new policy gives and takes; without a known policy before it all are gained.
    PolicyChanged {
        previous_known: bool,
        change: Change,
    },
    GrantCreated(Grant),
    /// Another part of the key's use in the last hour is decrypting than in the week before it.
    DecryptShareShifted {
        percent_before: i64,
        percent: i64,
        calls: i64,
    },
    /// The material was not rotated in time.
    RotationOverdue {
        since: i64,
        period_days: u32,
    },
}

impl KeyMemory {
    /// Memory of a key that is first seen at `time`.
    pub fn new(time: i64) -> Self {
        Self { since: time, ..Self::default() }
    }

    /// Takes in an act of `principal`; gives what it means. The memory is unchanged by most.
    pub fn take_in(&mut self, time: i64, principal: &str, act: &Act) -> Vec<Finding> {
        self.since = self.since.min(time);
        let mut found = Vec::new();
        match act {
            Act::Use | Act::ReEncrypt => self.used(time, principal, &mut found),
            Act::Create(made) => {
                self.policy = Some(made.policy.clone());
                if made.rotates && self.rotation.is_none() {
                    self.rotation = Some(Rotation::new(time, 365));
                }
            }
            Act::Policy(policy) => {
                let before = self.policy.replace(policy.clone());
                let change = change(before.as_deref(), policy);
                if !change.is_empty() {
                    found.push(Finding::PolicyChanged { previous_known: before.is_some(), change });
                }
            }
            Act::Grant(grant) => found.push(Finding::GrantCreated(grant.clone())),
            Act::RotationPeriod(days) => {
                let since = self.rotation.as_ref().map_or(time, |rotation| rotation.since);
                self.rotation = Some(Rotation::new(since, *days));
            }
            Act::Rotated => {
                let days = self.rotation.as_ref().map_or(365, |rotation| rotation.period_days);
                let since = self.rotation.as_ref().map_or(time, |rotation| rotation.since.max(time));
                self.rotation = Some(Rotation::new(since, days));
            }
            Act::Leaving | Act::Staying => {
                if let Some(rotation) = &mut self.rotation {
                    rotation.paused = *act == Act::Leaving;
                }
            }
            Act::Gone => {}
        }
        found
    }

    fn used(&mut self, time: i64, principal: &str, found: &mut Vec<Finding>) {
        let last = self.last_use.unwrap_or(self.since);
        let silent = time - last;
        if silent >= SILENCE_TOLD {
            found.push(Finding::UsedAfterSilence { silent_days: silent / DAY, last_use: self.last_use });
        }
        let hour = time.div_euclid(HOUR) * HOUR;
        self.last_use = Some(self.last_use.map_or(hour, |last| last.max(hour)));
        let place = self.principals.binary_search_by(|known| known.as_str().cmp(principal));
        if let Err(place) = place
            && self.principals.len() < PRINCIPALS_MAX
        {
            let (known_days, known_principals) = ((time - self.since) / DAY, self.principals.len());
            self.principals.insert(place, principal.to_owned());
            found.push(Finding::FirstSeenPrincipal { known_days, known_principals });
        }
    }

    /// Something was re-encrypted from the key `source` to this one.
    pub fn receive(&mut self, time: i64, source: &str) -> Option<Finding> {
        let arrivals = self.arrivals.get_or_insert(Arrivals { since: time, calls: 0 });
        if time - arrivals.since >= ARRIVALS_NEW || arrivals.calls >= ARRIVALS_TOLD[ARRIVALS_TOLD.len() - 1] {
            return None;
        }
        arrivals.calls += 1;
        let (calls, since) = (arrivals.calls, arrivals.since);
        ARRIVALS_TOLD.contains(&calls).then(|| Finding::ReEncryptedToNewKey {
            source: source.to_owned(),
            calls,
            since,
        })
    }

    /// Whether a shift of the share of decrypting is news at `now`: it is told once a day.
    pub fn tell_shift(&mut self, now: i64) -> bool {
        let is_news = self.shift_told.is_none_or(|told| now - told >= DAY);
        if is_news {
            self.shift_told = Some(now);
        }
        is_news
    }

    /// When it is to be told that the rotation is overdue.
    pub fn rotation_due(&self) -> Option<i64> {
        self.rotation.as_ref().filter(|rotation| !rotation.paused).map(|rotation| rotation.due)
    }

    /// Tells that the rotation is overdue, if it is at `now`, and puts off telling it again.
    pub fn tell_overdue(&mut self, now: i64) -> Option<Finding> {
        let rotation = self.rotation.as_mut().filter(|rotation| !rotation.paused && rotation.due <= now)?;
        rotation.due = now + ROTATION_REMINDER;
        Some(Finding::RotationOverdue { since: rotation.since, period_days: rotation.period_days })
    }
}

impl Rotation {
    fn new(since: i64, period_days: u32) -> Self {
        let due = since + i64::from(period_days + ROTATION_GRACE_DAYS) * DAY;
        Self { since, period_days, paused: false, due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_000 * DAY;

    #[test]
    fn principals_are_new_once() {
        let mut key = KeyMemory::new(T);
        let first =
            |known_days, known_principals| Finding::FirstSeenPrincipal { known_days, known_principals };
        assert_eq!(key.take_in(T, "a", &Act::Use), [first(0, 0)]);
        assert_eq!(key.take_in(T + 5, "a", &Act::Use), []);
        assert_eq!(key.take_in(T + 3 * DAY, "b", &Act::Use), [first(3, 1)]);
        for number in 0..PRINCIPALS_MAX * 2 {
            key.take_in(T + 3 * DAY, &format!("p{number}"), &Act::Use);
        }
        assert_eq!(key.principals.len(), PRINCIPALS_MAX);
        assert_eq!(key.take_in(T + 3 * DAY, "one more", &Act::Use), []);
    }

    #[test]
    fn silence_ends() {
        let mut key = KeyMemory::new(T);
        key.take_in(T, "a", &Act::Use);
        let before = key.clone();
        key.take_in(T + 59, "a", &Act::Use);
        assert_eq!(key, before, "uses of one hour leave no trace");
        assert_eq!(key.take_in(T + 6 * DAY, "a", &Act::Use), []);
        let want = Finding::UsedAfterSilence { silent_days: 40, last_use: Some(T + 6 * DAY) };
        assert_eq!(key.take_in(T + 46 * DAY, "a", &Act::Use), [want]);
        assert_eq!(key.take_in(T, "a", &Act::Use), [], "an older record is no news");
        let mut unused = KeyMemory::new(T);
        unused.principals = vec!["a".into()];
        let want = Finding::UsedAfterSilence { silent_days: 8, last_use: None };
        assert_eq!(unused.take_in(T + 8 * DAY, "a", &Act::Use), [want]);
    }

    #[test]
    fn arrivals_are_told_by_powers_of_ten() {
        let mut key = KeyMemory::new(T);
        let told: Vec<u32> = (0..2_000)
            .filter_map(|second| match key.receive(T + second, "s") {
                Some(Finding::ReEncryptedToNewKey { calls, .. }) => Some(calls),
                _ => None,
            })
            .collect();
        assert_eq!(told, [1, 10, 100, 1_000]);
        let mut slow = KeyMemory::new(T);
        assert!(slow.receive(T, "s").is_some());
        assert_eq!((0..20).filter_map(|n| slow.receive(T + DAY + n, "s")).count(), 0);
    }

    #[test]
    fn rotation() {
        let mut key = KeyMemory::new(T);
        assert_eq!(key.rotation_due(), None);
        key.take_in(T, "a", &Act::Create(Made { policy: "{}".into(), rotates: true }));
        assert_eq!(key.rotation_due(), Some(T + 372 * DAY));
        assert_eq!(key.tell_overdue(T + 371 * DAY), None);
        key.take_in(T + 100 * DAY, "a", &Act::RotationPeriod(90));
        assert_eq!(key.rotation_due(), Some(T + 97 * DAY));
        let overdue = Finding::RotationOverdue { since: T, period_days: 90 };
        assert_eq!(key.tell_overdue(T + 100 * DAY), Some(overdue));
        assert_eq!(key.rotation_due(), Some(T + 130 * DAY));
        key.take_in(T + 101 * DAY, "a", &Act::Rotated);
        assert_eq!(key.rotation_due(), Some(T + 198 * DAY));
        key.take_in(T + 102 * DAY, "a", &Act::Leaving);
        assert_eq!((key.rotation_due(), key.tell_overdue(T + 900 * DAY)), (None, None));
        key.take_in(T + 103 * DAY, "a", &Act::Staying);
        assert_eq!(key.rotation_due(), Some(T + 198 * DAY));
    }
}
