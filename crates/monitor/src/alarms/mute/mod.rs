//! # Mute rules: times at which alarms keep their actions back
//! A rule names alarms and a **schedule** (`schedule.rs`), which opens **windows**. Within one the states of those alarms change as ever
//! and are told to the bus and to history; their actions wait until it has ended (`hold.rs`). Pure, but for the rows.
//!
//! Source: CloudWatch API Reference, `PutAlarmMuteRule`.

pub mod schedule;

use jiff::Timestamp;
use keywatch_api::cloudwatch::{AlarmMuteRuleStatus, MuteType, alarms::Tag, mutes::Rule};
use keywatch_store::{Kind, Scan, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use self::schedule::Schedule;
use super::hold::MuteWindow;

/// Key = account / Region / name.
pub const MUTE_RULE: Kind = Kind("cloudwatch.alarm-mute-rule");
/// Rules of one account and Region.
pub const RULES_MAX: usize = 2_000;

/// A mute rule as it is kept. **Invariant:** its schedule was parsed when it was put.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MuteRule {
    pub account: String,
    pub region: String,
    pub name: String,
    pub description: Option<String>,
    pub rule: Rule,
    /// The names of the alarms; none when no targets were given.
    pub targets: Option<Vec<String>>,
    pub start_date: Option<Timestamp>,
    pub expire_date: Option<Timestamp>,
    pub updated_at: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

impl Versioned for MuteRule {
    const MARKER: &'static str = "cloudwatch.alarm-mute-rule/1";
}

impl MuteRule {
    pub fn arn(&self) -> String {
        arn(&self.account, &self.region, &self.name)
    }

    pub fn mutes(&self, alarm: &str) -> bool {
        self.targets.iter().flatten().any(|name| name == alarm)
    }

    /// The window that is open at `now`.
    pub fn window(&self, now: Timestamp) -> Option<MuteWindow> {
        let (start_date, expire_date) =
            (self.start_date.unwrap_or(Timestamp::MIN), self.expire_date.unwrap_or(Timestamp::MAX));
        if now < start_date || now >= expire_date {
            return None;
        }
        let (start, end) = self.schedule()?.window(now)?;
        Some(MuteWindow { by: self.arn(), start: start.max(start_date), end: end.min(expire_date) })
    }

    pub fn status(&self, now: Timestamp) -> AlarmMuteRuleStatus {
        if self.window(now).is_some() {
            return AlarmMuteRuleStatus::Active;
        }
        let is_past = self.schedule().and_then(|schedule| schedule.last_end()).is_some_and(|end| end <= now);
        if is_past || self.expire_date.is_some_and(|expires| expires <= now) {
            return AlarmMuteRuleStatus::Expired;
        }
        AlarmMuteRuleStatus::Scheduled
    }

    pub fn mute_type(&self) -> MuteType {
        match self.schedule() {
            Some(schedule) if schedule.last_end().is_some() => MuteType::OneTime,
            _ => MuteType::Recurring,
        }
    }

    fn schedule(&self) -> Option<Schedule> {
        Schedule::parse(&self.rule.schedule).ok()
    }
}

/// `arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:name`
pub fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:cloudwatch:{region}:{account}:alarm-mute-rule:{name}")
}

/// `000000000000/us-east-1/name`
pub fn mute_key(partition: &str, name: &str) -> String {
    format!("{partition}/{name}")
}

/// The window that mutes an alarm at `now`; of several the one that ends last.
pub fn muting<'a>(
    rules: impl IntoIterator<Item = &'a MuteRule>,
    alarm: &str,
    now: Timestamp,
) -> Option<MuteWindow> {
    let windows = rules.into_iter().filter(|rule| rule.mutes(alarm)).filter_map(|rule| rule.window(now));
    windows.max_by_key(|window| window.end)
}

/// Every rule of an account and Region.
pub async fn rules(tx: &mut Transaction<'_>, partition: &str) -> Result<Vec<MuteRule>, StoreError> {
    let prefix = mute_key(partition, "");
    let scan = Scan { prefix: &prefix, after: None, limit: RULES_MAX };
    Ok(tx.scan::<MuteRule>(MUTE_RULE, scan).await?.into_iter().map(|(_, rule)| rule).collect())
}

#[cfg(test)]
mod tests {
    use keywatch_api::cloudwatch::mutes;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn rule(expression: &str, duration: &str) -> MuteRule {
        let schedule =
            mutes::Schedule { expression: expression.into(), duration: duration.into(), timezone: None };
        MuteRule {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            name: "nights".into(),
            description: None,
            rule: Rule { schedule },
            targets: Some(vec!["a".into()]),
            start_date: None,
            expire_date: None,
            updated_at: at("2026-09-01T00:00:00Z"),
            tags: vec![],
        }
    }

    #[test]
    fn statuses() {
        use AlarmMuteRuleStatus::{Active, Expired, Scheduled};
        let once = rule("at(2026-09-14T11:00)", "PT1H");
        let nightly = rule("cron(0 2 * * *)", "PT4H");
        let bounded = MuteRule {
            start_date: Some(at("2026-09-14T03:00:00Z")),
            expire_date: Some(at("2026-09-16T03:00:00Z")),
            ..nightly.clone()
        };
        for (rule, now, want) in [
            (&once, "2026-09-14T10:59:59Z", Scheduled),
            (&once, "2026-09-14T11:00:00Z", Active),
            (&once, "2026-09-14T12:00:00Z", Expired),
            (&nightly, "2026-09-14T05:59:59Z", Active),
            (&nightly, "2026-09-14T06:00:00Z", Scheduled),
            (&bounded, "2026-09-14T02:30:00Z", Scheduled),
            (&bounded, "2026-09-14T03:30:00Z", Active),
            (&bounded, "2026-09-16T02:30:00Z", Active),
            (&bounded, "2026-09-16T03:00:00Z", Expired),
        ] {
            assert_eq!(rule.status(at(now)), want, "{now}");
        }
        assert_eq!((once.mute_type(), nightly.mute_type()), (MuteType::OneTime, MuteType::Recurring));
        let window = bounded.window(at("2026-09-16T02:30:00Z")).unwrap();
        assert_eq!((window.start, window.end), (at("2026-09-16T02:00:00Z"), at("2026-09-16T03:00:00Z")));
    }

    #[test]
    fn the_window_that_ends_last_counts() {
        let (short, long) = (rule("at(2026-09-14T11:00)", "PT1H"), rule("at(2026-09-14T10:00)", "P1D"));
        let now = at("2026-09-14T11:30:00Z");
        assert_eq!(muting([&short, &long], "a", now).unwrap().end, at("2026-09-15T10:00:00Z"));
        assert_eq!(muting([&short, &long], "b", now), None);
    }
}
