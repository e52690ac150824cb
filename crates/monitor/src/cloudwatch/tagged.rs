//! What a tagging operation means: an alarm, a mute rule, a dashboard or a metric stream; nothing else of CloudWatch has tags here.

use std::collections::HashSet;

use keywatch_api::{Arn, cloudwatch::alarms::Tag};
use keywatch_iam::Call;
use keywatch_store::{StoreError, Transaction};

use super::CloudWatchError;
use crate::alarms::{
    alarm::Alarm,
    mute::{MUTE_RULE, MuteRule, mute_key},
    store::{ALARM, alarm_key},
};
use crate::dashboards::record::{DASHBOARD, DashboardRecord, key as dashboard_key};
use crate::metric_streams::record::{STREAM, StreamRecord, key as stream_key};

pub(super) const TAGS_MAX: usize = 50;

/// Something that has tags, and its key.
pub(super) enum Tagged {
    Alarm(String, Box<Alarm>),
    MuteRule(String, Box<MuteRule>),
    Dashboard(String, Box<DashboardRecord>),
    Stream(String, Box<StreamRecord>),
}

impl Tagged {
    /// What an ARN names, after `action` on it was authorised.
    pub(super) async fn find(call: &mut Call<'_>, action: &str, arn: &str) -> Result<Self, CloudWatchError> {
        call.authorize_own(action, arn)?;
        let missing = || CloudWatchError::NoSuchResource { arn: arn.to_owned() };
        let parsed: Arn = arn.parse().map_err(|_| {
            CloudWatchError::InvalidParameterValue(format!(
                "The value {arn} for parameter ResourceARN is not an ARN."
            ))
        })?;
        if parsed.account != call.account().as_str() || parsed.service != "cloudwatch" {
            return Err(missing());
        }
        // Dashboards are in no Region.
        if let Some(name) = parsed.resource.strip_prefix("dashboard/").filter(|_| parsed.region.is_empty()) {
            let key = dashboard_key(&parsed.account, name);
            let dashboard = call.tx.get::<DashboardRecord>(DASHBOARD, &key).await?.ok_or_else(missing)?;
            return Ok(Self::Dashboard(key, Box::new(dashboard)));
        }
        if parsed.region != call.region.as_str() {
            return Err(missing());
        }
        let partition = call.partition();
        if let Some(name) = parsed.resource.strip_prefix("alarm-mute-rule:") {
            let key = mute_key(partition.as_str(), name);
            let rule = call.tx.get::<MuteRule>(MUTE_RULE, &key).await?.ok_or_else(missing)?;
            return Ok(Self::MuteRule(key, Box::new(rule)));
        }
        if let Some(name) = parsed.resource.strip_prefix("metric-stream/") {
            let key = stream_key(partition.as_str(), name);
            let stream = call.tx.get::<StreamRecord>(STREAM, &key).await?.ok_or_else(missing)?;
            return Ok(Self::Stream(key, Box::new(stream)));
        }
        let key = alarm_key(partition.as_str(), parsed.resource.strip_prefix("alarm:").ok_or_else(missing)?);
        let alarm = call.tx.get::<Alarm>(ALARM, &key).await?.ok_or_else(missing)?;
        Ok(Self::Alarm(key, Box::new(alarm)))
    }

    pub(super) fn tags(&mut self) -> &mut Vec<Tag> {
        match self {
            Self::Alarm(_, alarm) => &mut alarm.tags,
            Self::MuteRule(_, rule) => &mut rule.tags,
            Self::Dashboard(_, dashboard) => &mut dashboard.tags,
            Self::Stream(_, stream) => &mut stream.tags,
        }
    }

    pub(super) fn put(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        match self {
            Self::Alarm(key, alarm) => tx.put(ALARM, key, alarm.as_ref()),
            Self::MuteRule(key, rule) => tx.put(MUTE_RULE, key, rule.as_ref()),
            Self::Dashboard(key, dashboard) => tx.put(DASHBOARD, key, dashboard.as_ref()),
            Self::Stream(key, stream) => tx.put(STREAM, key, stream.as_ref()),
        }
    }
}

/// The tags something is created with.
pub(crate) fn check_tags(tags: &[Tag]) -> Result<Vec<Tag>, CloudWatchError> {
    let refuse = |text: String| Err(CloudWatchError::Validation(text));
    if tags.len() > TAGS_MAX {
        return refuse(format!("More than {TAGS_MAX} tags are not allowed on a resource."));
    }
    let mut keys = HashSet::new();
    for tag in tags {
        if tag.key.starts_with("aws:") {
            return refuse("Tag keys starting with aws: are reserved for system use.".into());
        }
        if !keys.insert(tag.key.as_str()) {
            return refuse(format!("Duplicate tag key: {}", tag.key));
        }
    }
    Ok(tags.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_checked() {
        let tag = |key: &str| Tag { key: key.into(), value: String::new() };
        assert!(check_tags(&[tag("a"), tag("b")]).is_ok());
        assert!(check_tags(&[tag("a"), tag("a")]).is_err());
        assert!(check_tags(&[tag("aws:a")]).is_err());
        assert!(check_tags(&vec![tag("a"); 51]).is_err());
    }
}
