//! What is stored of rules and of buses

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::events::{RuleState, ShownDeadLetter, ShownTarget};
use keywatch_store::{Kind, Partition, Seq, Versioned};
use serde::{Deserialize, Serialize};

/// `account/region/name` on the default bus, `account/region/~bus:name` on others: neither sign is in a rule's name.
pub(crate) const RULE: Kind = Kind("events.rule");
/// `account/region` of the default bus, `account/region/name` of others
pub(crate) const BUS: Kind = Kind("events.bus");
/// The bus that is always there.
pub(crate) const DEFAULT_BUS: &str = "default";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleRecord {
    pub(crate) name: String,
    #[serde(default = "default_bus")]
    pub(crate) bus: String,
    /// Absent where a schedule stands alone.
    pub(crate) event_pattern: Option<String>,
    #[serde(default)]
    pub(crate) schedule: Option<RuleSchedule>,
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

fn default_bus() -> String {
    DEFAULT_BUS.to_owned()
}

/// When a rule goes off by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleSchedule {
    pub(crate) expression: String,
    /// Names its row in the timetable; another one each time the schedule begins anew, none while the rule is disabled.
    pub(crate) entry: Option<String>,
}

impl Versioned for RuleRecord {
    const MARKER: &'static str = "events.rule/1";
}

impl RuleRecord {
    pub(crate) fn arn(&self, partition: &Partition) -> String {
        rule_arn(partition, &self.bus, &self.name)
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.state != RuleState::Disabled
    }
}

/// What a bus carries besides rules; absent of the default bus while it carries nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BusRecord {
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) dead_letter_config: Option<ShownDeadLetter>,
    /// The text of a policy document.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) created: Option<Timestamp>,
    #[serde(default)]
    pub(crate) modified: Option<Timestamp>,
}

impl Versioned for BusRecord {
    const MARKER: &'static str = "events.bus/1";
}

/// The row of a rule; without a name, what the rows of all rules of the bus begin with. Those of the default bus come before all
/// others.
pub(crate) fn rule_key(partition: &Partition, bus: &str, rule: &str) -> String {
    if bus == DEFAULT_BUS { format!("{partition}/{rule}") } else { format!("{partition}/~{bus}:{rule}") }
}

/// Whether the row of a rule is of another bus than the default one.
pub(crate) fn is_elsewhere(partition: &Partition, key: &str) -> bool {
    key[partition.as_str().len()..].starts_with("/~")
}

pub(crate) fn bus_key(partition: &Partition, bus: &str) -> String {
    if bus == DEFAULT_BUS { partition.to_string() } else { format!("{partition}/{bus}") }
}

pub(crate) fn rule_arn(partition: &Partition, bus: &str, rule: &str) -> String {
    let resource = if bus == DEFAULT_BUS { format!("rule/{rule}") } else { format!("rule/{bus}/{rule}") };
    Arn::new("events", partition.region(), partition.account(), resource).to_string()
}

pub(crate) fn bus_arn(partition: &Partition, bus: &str) -> String {
    Arn::new("events", partition.region(), partition.account(), format!("event-bus/{bus}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_bus_lie_together() {
        let home = Partition::new("111122223333", "us-east-1");
        assert_eq!(rule_key(&home, "default", "r"), "111122223333/us-east-1/r");
        assert_eq!(rule_key(&home, "a/b", "r"), "111122223333/us-east-1/~a/b:r");
        for (bus, elsewhere) in [("default", false), ("b", true)] {
            assert_eq!(is_elsewhere(&home, &rule_key(&home, bus, "r")), elsewhere);
        }
        assert!(rule_key(&home, "default", "zz") < rule_key(&home, "a", ""));
        assert_eq!(rule_arn(&home, "b", "r"), "arn:aws:events:us-east-1:111122223333:rule/b/r");
    }

    #[test]
    fn rules_that_were_stored_before_there_were_buses() {
        let row = br#"events.rule/1
{"name":"r","event_pattern":"{}","state":"ENABLED","description":null,"role_arn":null,"created_by":"1","tags":{},"targets":[],"since":7}"#;
        let rule: RuleRecord = keywatch_store::decode(&bytes::Bytes::from_static(row)).unwrap();
        assert_eq!((rule.bus.as_str(), rule.event_pattern.as_deref()), ("default", Some("{}")));
    }
}
