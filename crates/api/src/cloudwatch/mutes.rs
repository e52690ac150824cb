//! Shapes of mute rules: when which alarms keep their actions back.

use serde::Serialize;

use super::alarms::Tag;
use super::{AlarmMuteRuleStatus, MuteType};
use crate::{WireTime, shape};

shape! {
    /// When windows begin, and how long they are.
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct Schedule: Pascal {
        expression: String [len 1..=256],
        duration: String [len 1..=50],
        #[serde(skip_serializing_if = "Option::is_none")]
        timezone: Option<String> [len 1..=50],
    }
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct Rule: Pascal { schedule: Schedule }
}

shape! {
    #[derive(Clone, PartialEq, Eq, serde::Deserialize)]
    pub struct MuteTargets: Pascal { alarm_names: Vec<String> [len 0..=100] [each 1..=255] }
}

shape! {
    /// `PutAlarmMuteRule`
    pub struct PutAlarmMuteRuleRequest: Pascal {
        name: String [len 1..=255],
        description: Option<String> [len 0..=1024],
        rule: Rule,
        mute_targets: Option<MuteTargets>,
        tags: Option<Vec<Tag>>,
        start_date: Option<WireTime>,
        expire_date: Option<WireTime>,
    }
}

shape! {
    /// `GetAlarmMuteRule`
    pub struct GetAlarmMuteRuleRequest: Pascal { alarm_mute_rule_name: String [len 1..=255] }
}

shape! {
    /// `DeleteAlarmMuteRule`
    pub struct DeleteAlarmMuteRuleRequest: Pascal { alarm_mute_rule_name: String [len 1..=255] }
}

shape! {
    /// `ListAlarmMuteRules`
    pub struct ListAlarmMuteRulesRequest: Pascal {
        alarm_name: Option<String> [len 1..=255],
        statuses: Option<Vec<AlarmMuteRuleStatus>>,
        max_records: Option<i32> [range 1..=100],
        next_token: Option<String>,
    }
}

/// Answer of `GetAlarmMuteRule`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAlarmMuteRuleResponse {
    pub name: String,
    pub alarm_mute_rule_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mute_targets: Option<MuteTargets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_date: Option<WireTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_date: Option<WireTime>,
    pub status: AlarmMuteRuleStatus,
    pub last_updated_timestamp: WireTime,
    pub mute_type: MuteType,
}

/// Answer of `ListAlarmMuteRules`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAlarmMuteRulesResponse {
    pub alarm_mute_rule_summaries: Vec<AlarmMuteRuleSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlarmMuteRuleSummary {
    pub alarm_mute_rule_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_date: Option<WireTime>,
    pub status: AlarmMuteRuleStatus,
    pub mute_type: MuteType,
    pub last_updated_timestamp: WireTime,
}
