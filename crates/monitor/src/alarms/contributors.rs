//! # Contributors: the time series of an alarm that has several
//! An alarm on a Metrics Insights query with `GROUP BY` decides for each time series by itself. A **contributor** is one of them; it is
//! in `ALARM` or `OK`, and the alarm is in `ALARM` while any of them is. Kept are those in `ALARM`, and those whose way back has not
//! been told yet; all of an alarm are one row.
//! **Not here:** the decision (`evaluate.rs`), what a change writes (`change.rs`).
//!
//! Source: CloudWatch User Guide, "Create alarms on Metrics Insights queries".

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;
use keywatch_crypto::digest::sha256_of;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use super::store::ContributorRef;

/// Key = that of the alarm.
pub const CONTRIBUTORS: Kind = Kind("cloudwatch.alarm-contributors");
/// The reason of a contributor that fell silent.
pub const NO_DATA: &str = "No data was returned for this contributor";
/// From this many contributors in `ALARM` on a reason does not count them.
const COUNTED_MAX: usize = 100;

/// The contributors of one alarm, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributors {
    pub all: BTreeMap<String, Contributor>,
}

impl Versioned for Contributors {
    const MARKER: &'static str = "cloudwatch.alarm-contributors/1";
}

/// One time series, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    pub attributes: BTreeMap<String, String>,
    pub value: StateValue,
    pub reason: String,
    pub reason_data: Option<String>,
    pub transitioned_at: Timestamp,
    /// Its last change was muted, and nobody was told.
    #[serde(default)]
    pub untold: bool,
}

/// What one evaluation says of a time series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    pub attributes: BTreeMap<String, String>,
    /// None when it stays as it was.
    pub value: Option<StateValue>,
    pub reason: String,
    pub reason_data: Option<String>,
}

/// A contributor that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub id: String,
    pub contributor: Contributor,
    /// Whether there is anything to tell: what nobody heard of need not be taken back.
    pub told: bool,
}

impl Contributors {
    pub fn in_alarm(&self) -> usize {
        self.all.values().filter(|one| one.value == StateValue::Alarm).count()
    }

    /// Takes in what an evaluation saw; series that it did not see are back in `OK`. Gives what changed.
    pub fn take_in(&mut self, seen: Vec<Sighting>, muted: bool, now: Timestamp) -> Vec<Changed> {
        let mut silent = self.all.clone();
        silent.retain(|_, one| one.value == StateValue::Alarm);
        for sighting in &seen {
            silent.remove(&contributor_id(&sighting.attributes));
        }
        let mut changed = self.take_in_some(seen, muted, now);
        for (id, one) in silent {
            let sighting = Sighting {
                attributes: one.attributes,
                value: Some(StateValue::Ok),
                reason: NO_DATA.to_owned(),
                reason_data: None,
            };
            changed.extend(self.change(id, StateValue::Ok, sighting, muted, now));
        }
        changed
    }

    /// As [`Self::take_in`], when nothing is known of the series that are not among them.
    pub fn take_in_some(&mut self, seen: Vec<Sighting>, muted: bool, now: Timestamp) -> Vec<Changed> {
        let mut changed = Vec::new();
        for sighting in seen {
            let id = contributor_id(&sighting.attributes);
            if let Some(value) = sighting.value {
                changed.extend(self.change(id, value, sighting, muted, now));
            }
        }
        changed
    }

    fn change(
        &mut self,
        id: String,
        value: StateValue,
        sighting: Sighting,
        muted: bool,
        now: Timestamp,
    ) -> Option<Changed> {
        let old = self.all.get(&id);
        let before = old.map_or(StateValue::Ok, |old| old.value);
        if before == value {
            return None;
        }
        let unheard = old.is_some_and(|old| old.untold);
        let Sighting { attributes, reason, reason_data, .. } = sighting;
        let contributor = Contributor {
            attributes,
            value,
            reason,
            reason_data,
            transitioned_at: now,
            untold: muted && !unheard,
        };
        if value == StateValue::Alarm || contributor.untold {
            self.all.insert(id.clone(), contributor.clone());
        } else {
            self.all.remove(&id);
        }
        Some(Changed { id, contributor, told: !muted && !unheard })
    }

    /// Those whose change is still to be told, now that nothing mutes the alarm.
    pub fn take_untold(&mut self) -> Vec<Changed> {
        let untold: Vec<(String, Contributor)> = self
            .all
            .iter()
            .filter(|(_, one)| one.untold)
            .map(|(id, one)| (id.clone(), one.clone()))
            .collect();
        let mut changed = Vec::new();
        for (id, mut contributor) in untold {
            contributor.untold = false;
            if contributor.value == StateValue::Alarm {
                self.all.insert(id.clone(), contributor.clone());
            } else {
                self.all.remove(&id);
            }
            changed.push(Changed { id, contributor, told: true });
        }
        changed
    }
}

impl Changed {
    /// How history names it.
    pub fn reference(&self) -> ContributorRef {
        ContributorRef { id: self.id.clone(), attributes: self.contributor.attributes.clone() }
    }
}

/// 16 hexadecimal digits that follow from the attributes alone.
pub fn contributor_id(attributes: &BTreeMap<String, String>) -> String {
    let text = serde_json::to_string(attributes).expect("texts become JSON");
    let digest = sha256_of(&[b"contributor", text.as_bytes()]);
    hex::encode(&digest[..8])
}

/// `6 out of 6 time series evaluated to ALARM`
pub fn summary(in_alarm: usize, of: usize) -> String {
    if in_alarm > COUNTED_MAX {
        return format!("{COUNTED_MAX}+ time series evaluated to ALARM");
    }
    format!("{in_alarm} out of {of} time series evaluated to ALARM")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saw(key: &str, value: Option<StateValue>) -> Sighting {
        let attributes = BTreeMap::from([("KeyArn".to_owned(), key.to_owned())]);
        Sighting { attributes, value, reason: "because".into(), reason_data: None }
    }

    fn named(changed: &[Changed]) -> Vec<(&str, StateValue, bool)> {
        let name = |one: &'_ Changed| one.contributor.value;
        changed
            .iter()
            .map(|one| (one.contributor.attributes["KeyArn"].as_str(), name(one), one.told))
            .collect()
    }

    const ALARM: Option<StateValue> = Some(StateValue::Alarm);
    const OK: Option<StateValue> = Some(StateValue::Ok);

    #[test]
    fn those_in_alarm_are_kept_and_silence_is_ok() {
        let mut all = Contributors::default();
        let now = Timestamp::UNIX_EPOCH;
        let changed = all.take_in(vec![saw("a", ALARM), saw("b", OK), saw("c", ALARM)], false, now);
        assert_eq!(named(&changed), [("a", StateValue::Alarm, true), ("c", StateValue::Alarm, true)]);
        assert_eq!(all.in_alarm(), 2);
        let changed = all.take_in(vec![saw("a", None), saw("b", OK)], false, now);
        assert_eq!(named(&changed), [("c", StateValue::Ok, true)]);
        assert_eq!(changed[0].contributor.reason, NO_DATA);
        assert_eq!((all.in_alarm(), all.all.len()), (1, 1));
        assert_eq!(all.take_in(vec![saw("a", ALARM)], false, now), []);
    }

    #[test]
    fn what_nobody_heard_of_is_not_taken_back() {
        let mut all = Contributors::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(named(&all.take_in(vec![saw("a", ALARM), saw("b", ALARM)], true, now)).len(), 2);
        assert_eq!(
            named(&all.take_in(vec![saw("a", OK), saw("b", ALARM)], true, now)),
            [("a", StateValue::Ok, false)]
        );
        assert_eq!(named(&all.take_untold()), [("b", StateValue::Alarm, true)]);
        assert_eq!(named(&all.take_in(vec![saw("b", OK)], true, now)), [("b", StateValue::Ok, false)]);
        assert_eq!((all.in_alarm(), all.all.len()), (0, 1));
        assert_eq!(named(&all.take_untold()), [("b", StateValue::Ok, true)]);
        assert_eq!(all.all.len(), 0);
    }

    #[test]
    fn ids_and_summaries() {
        let id = contributor_id(&saw("a", OK).attributes);
        assert_eq!(id.len(), 16);
        assert_ne!(id, contributor_id(&saw("b", OK).attributes));
        assert_eq!(summary(6, 6), "6 out of 6 time series evaluated to ALARM");
        assert_eq!(summary(95, 150), "95 out of 150 time series evaluated to ALARM");
        assert_eq!(summary(101, 150), "100+ time series evaluated to ALARM");
    }
}
