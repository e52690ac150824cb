//! What is stored of a trail: where its records go and since when.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_store::{Kind, Partition, Seq, Versioned};
use serde::{Deserialize, Serialize};

use super::selectors::{AdvancedSelector, Facts, Selector};

/// Rows of trails, under [`key`].
pub const TRAIL: Kind = Kind("trail");

/// Trails that were deleted, or started again, before all that they had logged was delivered; under [`ended_key`].
pub(crate) const ENDED: Kind = Kind("trail.ended");

/// A trail, kept in its home Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailRecord {
    pub name: String,
    pub account: String,
    pub home_region: String,
    pub s3_bucket_name: String,
    pub s3_key_prefix: Option<String>,
    pub sns_topic_arn: Option<String>,
    pub include_global_service_events: bool,
    pub is_multi_region: bool,
    pub log_file_validation: bool,
    /// With `:*` at the end.
    pub cloud_watch_logs_log_group_arn: Option<String>,
    pub cloud_watch_logs_role_arn: Option<String>,
    pub kms_key_id: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// Basic event selectors; `None` while the default stands (all management events).
    #[serde(default)]
    pub selectors: Option<Vec<Selector>>,
    /// Advanced event selectors; they take the place of basic ones.
    #[serde(default)]
    pub advanced_selectors: Option<Vec<AdvancedSelector>>,
    /// When logging was last started.
    pub started: Option<Timestamp>,
    /// When logging was last stopped; logging is on when this is absent or before `started`.
    pub stopped: Option<Timestamp>,
    /// How often logging was started: times alone do not tell its spells apart on a clock that stands still.
    #[serde(default)]
    pub spell: u64,
    /// Where the log stood when logging was last started and stopped: a clock that is set back does not tell what came before and after.
    #[serde(default)]
    pub started_after: Option<Seq>,
    #[serde(default)]
    pub stopped_after: Option<Seq>,
}

impl Versioned for TrailRecord {
    const MARKER: &'static str = "trail/1";
}

/// The row of a trail: its home partition and its name.
pub fn key(home: &Partition, name: &str) -> String {
    format!("{home}/{name}")
}

/// The row of a trail that has ended: its own row, and when it began to log in microseconds, with the number of the spell.
pub(crate) fn ended_key(trail_row: &str, started: Timestamp, spell: u64) -> String {
    format!("{trail_row}/{:020}-{spell}", started.as_microsecond())
}

impl TrailRecord {
    /// `arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME`
    pub fn arn(&self) -> String {
        format!("arn:aws:cloudtrail:{}:{}:trail/{}", self.home_region, self.account, self.name)
    }

    /// Whether [`selects`](Self::selects) looks at records at all.
    pub(crate) fn has_selectors(&self) -> bool {
        self.selectors.is_some() || self.advanced_selectors.is_some()
    }

    /// Whether the selectors are others than a trail has by itself.
    pub(crate) fn has_custom_selectors(&self) -> bool {
        self.advanced_selectors.is_some()
            || self
                .selectors
                .as_deref()
                .is_some_and(|basic| !matches!(basic, [one] if one.takes_everything()))
    }

    /// Whether the selectors let a record through.
    pub(crate) fn selects(&self, facts: &Facts<'_>) -> bool {
        match (&self.advanced_selectors, &self.selectors) {
            (Some(advanced), _) => advanced.iter().any(|one| one.takes(facts)),
            (None, Some(basic)) => basic.iter().any(|one| one.takes(facts)),
            (None, None) => true,
        }
    }

    pub fn is_logging(&self) -> bool {
        match (self.started, self.stopped) {
            (Some(started), Some(stopped)) => started > stopped,
            (started, _) => started.is_some(),
        }
    }

    /// Stops logging at `now`, when the log stands at `head`. A clock that was set back does not stop it before it started.
    pub(crate) fn stop(&mut self, now: Timestamp, head: Seq) {
        self.stopped = Some(self.started.map_or(now, |started| now.max(started)));
        self.stopped_after = Some(head);
    }

    /// Whether a record came after logging was last started.
    pub(crate) fn is_after_start(&self, time: Timestamp, seq: Seq) -> bool {
        match self.started_after {
            Some(after) => self.started.is_some() && seq > after,
            None => self.started.is_some_and(|started| started <= time),
        }
    }

    /// Whether a record came before logging was last stopped, or with it.
    pub(crate) fn is_before_stop(&self, time: Timestamp, seq: Seq) -> bool {
        let was_there = self.stopped_after.is_some_and(|after| seq <= after);
        was_there || self.stopped.is_some_and(|stopped| time <= stopped)
    }

    /// Whether the record `seq` of `partition`, made at `time`, belongs to this trail.
    pub fn takes(&self, partition: &Partition, time: Timestamp, seq: Seq) -> bool {
        self.takes_imported(partition) && self.is_after_start(time, seq)
    }

    /// Whether records of `partition` that are imported now belong to this trail, whenever they were made.
    pub fn takes_imported(&self, partition: &Partition) -> bool {
        self.is_logging() && self.covers(partition)
    }

    /// Whether the trail is about records of `partition` at all.
    pub(crate) fn covers(&self, partition: &Partition) -> bool {
        self.account == partition.account()
            && (self.is_multi_region || self.home_region == partition.region())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one Region, logging from second 10 on.
    fn trail() -> TrailRecord {
        TrailRecord {
            name: "t".into(),
            account: "000000000000".into(),
            home_region: "us-east-1".into(),
            s3_bucket_name: "b".into(),
            s3_key_prefix: None,
            sns_topic_arn: None,
            include_global_service_events: true,
            is_multi_region: false,
            log_file_validation: false,
            cloud_watch_logs_log_group_arn: None,
            cloud_watch_logs_role_arn: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
            selectors: None,
            advanced_selectors: None,
            started: Timestamp::from_second(10).ok(),
            stopped: None,
            spell: 0,
            started_after: None,
            stopped_after: None,
        }
    }

    #[test]
    fn what_a_trail_takes() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let trail = trail();
        let home = Partition::new("000000000000", "us-east-1");
        let elsewhere = Partition::new("000000000000", "eu-west-1");
        assert!(trail.takes(&home, at(10), 7));
        assert!(!trail.takes(&home, at(9), 7));
        assert!(trail.takes_imported(&home));
        assert!(!trail.takes_imported(&elsewhere));
        assert!(!TrailRecord { started: None, ..trail.clone() }.takes_imported(&home));
        assert!(!trail.takes(&elsewhere, at(10), 7));
        assert!(!trail.takes(&Partition::new("111122223333", "us-east-1"), at(10), 7));
        assert!(TrailRecord { is_multi_region: true, ..trail.clone() }.takes(&elsewhere, at(10), 7));
        assert!(!TrailRecord { stopped: Some(at(11)), ..trail.clone() }.takes(&home, at(12), 7));
        assert!(TrailRecord { stopped: Some(at(5)), ..trail.clone() }.takes(&home, at(12), 7));
        assert!(!TrailRecord { started: None, ..trail }.takes(&home, at(12), 7));
    }

    #[test]
    fn a_clock_that_is_set_back_hides_nothing() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let home = Partition::new("000000000000", "us-east-1");
        let mut trail = TrailRecord { started_after: Some(6), ..trail() };
        assert!(trail.takes(&home, at(3), 7), "after the start, by the log");
        assert!(!trail.takes(&home, at(30), 6));
        trail.stop(at(4), 9);
        assert!(!trail.is_logging() && trail.stopped == Some(at(10)));
        assert!(trail.is_before_stop(at(30), 9) && trail.is_before_stop(at(4), 10));
        assert!(!trail.is_before_stop(at(30), 10));
    }
}
