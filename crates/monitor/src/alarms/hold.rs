//! # What keeps actions back, and when it lets go
//! A change of an alarm's state whose actions may not be executed yet is **held**: by a mute rule's window, or, of a composite alarm,
//! by its suppressor. Waiting is in stages: a change waits for the suppressor (`WaitPeriod`), then as long as that is in `ALARM`
//! (`Alarm`), then a little longer (`ExtensionPeriod`). When nothing holds it any more, the actions of the state the alarm is in by
//! then are executed. A mute window comes before a suppressor. Pure: what is around an alarm goes in, what becomes of it comes out.
//! **Not here:** which windows there are (`mute`), executing (`change.rs`).
//!
//! Source: CloudWatch User Guide, "Suppressing composite alarm actions" and "Alarm mute rules".

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudwatch::ActionsSuppressedBy;
use serde::{Deserialize, Serialize};

use super::{alarm::State, config::Suppressor};

/// A change of state whose actions are still to be executed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The state before the change.
    pub from: State,
    pub by: By,
}

/// What holds a change back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    Mute { until: Timestamp },
    WaitPeriod { until: Timestamp },
    Alarm,
    ExtensionPeriod { until: Timestamp },
}

/// A window of a mute rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteWindow {
    /// The rule's ARN.
    pub by: String,
    pub start: Timestamp,
    pub end: Timestamp,
}

/// What is around an alarm at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// The window that mutes the alarm; of several the one that ends last.
    pub muted: Option<MuteWindow>,
    /// The alarm's suppressor is in `ALARM`.
    pub suppressing: bool,
}

/// What becomes of a held change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Keep,
    Become(By),
    /// Nothing holds it any more; `after_mute` if a window did last.
    Act {
        after_mute: bool,
    },
}

/// What holds back the actions of a change that happens at `now`.
pub fn on_change(suppressor: Option<&Suppressor>, around: &Around, now: Timestamp) -> Option<By> {
    if let Some(window) = &around.muted {
        return Some(By::Mute { until: window.end });
    }
    let suppressor = suppressor?;
    if around.suppressing {
        return Some(By::Alarm);
    }
    (suppressor.wait_period > 0).then(|| By::WaitPeriod { until: after(now, suppressor.wait_period) })
}

impl Held {
    /// What becomes of it at `now`.
    pub fn next(&self, suppressor: Option<&Suppressor>, around: &Around, now: Timestamp) -> Next {
        let suppressing = suppressor.is_some() && around.suppressing;
        let released = |after_mute| match &around.muted {
            Some(window) => Next::Become(By::Mute { until: window.end }),
            None => Next::Act { after_mute },
        };
        match &self.by {
            By::Mute { until } => match &around.muted {
                Some(window) if window.end == *until => Next::Keep,
                None if suppressing => Next::Become(By::Alarm),
                _ => released(true),
            },
            By::WaitPeriod { .. } | By::ExtensionPeriod { .. } if suppressing => Next::Become(By::Alarm),
            By::WaitPeriod { until } | By::ExtensionPeriod { until } if *until > now => Next::Keep,
            By::WaitPeriod { .. } | By::ExtensionPeriod { .. } => released(false),
            By::Alarm if suppressing => Next::Keep,
            By::Alarm => match suppressor.map(|suppressor| suppressor.extension_period) {
                Some(seconds) if seconds > 0 => {
                    Next::Become(By::ExtensionPeriod { until: after(now, seconds) })
                }
                _ => released(false),
            },
        }
    }

    /// When time alone may change what becomes of it.
    pub fn due(&self) -> Option<Timestamp> {
        match self.by {
            By::Mute { until } | By::WaitPeriod { until } | By::ExtensionPeriod { until } => Some(until),
            By::Alarm => None,
        }
    }

    /// How `DescribeAlarms` calls it; windows of mute rules are not shown there.
    pub fn suppressed(&self) -> Option<(ActionsSuppressedBy, String)> {
        let by = match self.by {
            By::Mute { .. } => return None,
            By::WaitPeriod { .. } => ActionsSuppressedBy::WaitPeriod,
            By::Alarm => ActionsSuppressedBy::Alarm,
            By::ExtensionPeriod { .. } => ActionsSuppressedBy::ExtensionPeriod,
        };
        Some((by, format!("Actions suppressed by {by}")))
    }
}

fn after(now: Timestamp, seconds: i32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_789_000_000 + 60 * minute).unwrap()
    }

    fn suppressor() -> Suppressor {
        Suppressor { given: "s".into(), name: "s".into(), wait_period: 120, extension_period: 180 }
    }

    fn around(muted_until: Option<i64>, suppressing: bool) -> Around {
        let window = |end| MuteWindow { by: "arn:m".into(), start: at(0), end: at(end) };
        Around { muted: muted_until.map(window), suppressing }
    }

    #[test]
    fn changes() {
        for (suppressor, around, want) in [
            (None, around(None, false), None),
            (None, around(Some(5), false), Some(By::Mute { until: at(5) })),
            (Some(suppressor()), around(None, false), Some(By::WaitPeriod { until: at(3) })),
            (Some(suppressor()), around(None, true), Some(By::Alarm)),
            (Some(suppressor()), around(Some(5), true), Some(By::Mute { until: at(5) })),
            (Some(Suppressor { wait_period: 0, ..suppressor() }), around(None, false), None),
        ] {
            assert_eq!(on_change(suppressor.as_ref(), &around, at(1)), want, "{around:?}");
        }
    }

    #[test]
    fn stages() {
        let act = |after_mute| Next::Act { after_mute };
        for (by, around, want) in [
            (By::WaitPeriod { until: at(3) }, around(None, false), Next::Keep),
            (By::WaitPeriod { until: at(3) }, around(None, true), Next::Become(By::Alarm)),
            (By::WaitPeriod { until: at(1) }, around(None, false), act(false)),
            (
                By::WaitPeriod { until: at(1) },
                around(Some(9), false),
                Next::Become(By::Mute { until: at(9) }),
            ),
            (By::Alarm, around(None, true), Next::Keep),
            (By::Alarm, around(None, false), Next::Become(By::ExtensionPeriod { until: at(4) })),
            (By::ExtensionPeriod { until: at(4) }, around(None, false), Next::Keep),
            (By::ExtensionPeriod { until: at(4) }, around(None, true), Next::Become(By::Alarm)),
            (By::ExtensionPeriod { until: at(1) }, around(None, false), act(false)),
            (By::Mute { until: at(4) }, around(Some(4), false), Next::Keep),
            (By::Mute { until: at(4) }, around(Some(8), false), Next::Become(By::Mute { until: at(8) })),
            (By::Mute { until: at(4) }, around(None, false), act(true)),
            (By::Mute { until: at(4) }, around(None, true), Next::Become(By::Alarm)),
        ] {
            let held = Held { from: State::initial(at(0)), by };
            assert_eq!(held.next(Some(&suppressor()), &around, at(1)), want, "{held:?} {around:?}");
        }
    }
}
