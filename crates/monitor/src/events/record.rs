//! What is stored of rules and of the bus

use std::collections::BTreeMap;

use keywatch_api::Arn;
use keywatch_api::events::{RuleState, ShownTarget};
use keywatch_store::{Kind, Partition, Seq, Versioned};
use serde::{Deserialize, Serialize};

/// `account/region/name`
pub(crate) const RULE: Kind = Kind("events.rule");
/// `account/region`
pub(crate) const BUS: Kind = Kind("events.bus");
/// The only bus there is.
pub(crate) const DEFAULT_BUS: &str = "default";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleRecord {
    pub(crate) name: String,
    pub(crate) event_pattern: String,
    pub(crate) state: RuleState,
    pub(crate) description: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) created_by: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// In the order of their ids.
    pub(crate) targets: Vec<ShownTarget>,
    /// The log's head when the rule was made: only later events count.
    pub(crate) since: Seq,
}

impl Versioned for RuleRecord {
    const MARKER: &'static str = "events.rule/1";
}

/// What the default bus carries besides rules; absent while it carries nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BusRecord {
    pub(crate) tags: BTreeMap<String, String>,
}

impl Versioned for BusRecord {
    const MARKER: &'static str = "events.bus/1";
}

pub(crate) fn rule_key(partition: &Partition, rule: &str) -> String {
    format!("{partition}/{rule}")
}

pub(crate) fn rule_arn(partition: &Partition, rule: &str) -> String {
    Arn::new("events", partition.region(), partition.account(), format!("rule/{rule}")).to_string()
}

pub(crate) fn bus_arn(partition: &Partition, bus: &str) -> String {
    Arn::new("events", partition.region(), partition.account(), format!("event-bus/{bus}")).to_string()
}
