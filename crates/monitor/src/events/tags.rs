//! Tags of rules and of the default bus

use std::collections::BTreeMap;

use keywatch_api::events::Tag;
use keywatch_iam::Call;

use super::{
    access,
    error::EventsError,
    record::{BUS, BusRecord, DEFAULT_BUS, RuleRecord, bus_arn, rule_arn},
};

const TAGS_MAX: usize = 50;

/// What carries tags.
#[derive(Debug)]
pub(crate) enum Tagged {
    Rule(RuleRecord),
    Bus(BusRecord),
}

impl Tagged {
    /// The rule or bus of an ARN in the caller's account and Region.
    pub(crate) async fn find(call: &mut Call<'_>, arn: &str) -> Result<Self, EventsError> {
        let partition = call.partition();
        if arn == bus_arn(&partition, DEFAULT_BUS) {
            return Ok(Self::Bus(call.tx.get(BUS, partition.as_str()).await?.unwrap_or_default()));
        }
        match arn.strip_prefix(rule_arn(&partition, "").as_str()) {
            Some(name) => {
                let name = name.strip_prefix("default/").unwrap_or(name);
                Ok(Self::Rule(access::rule(call, name).await?))
            }
            None => match arn.strip_prefix(bus_arn(&partition, "").as_str()) {
                Some(bus) => Err(EventsError::BusNotFound(bus.to_owned())),
                None => Err(EventsError::invalid(format!("Parameter {arn} is not valid."))),
            },
        }
    }

    pub(crate) fn tags(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Rule(rule) => &mut rule.tags,
            Self::Bus(bus) => &mut bus.tags,
        }
    }

    pub(crate) fn put(&self, call: &mut Call<'_>) -> Result<(), EventsError> {
        match self {
            Self::Rule(rule) => access::put_rule(call, rule)?,
            Self::Bus(bus) => {
                let key = call.partition();
                call.tx.put(BUS, key.as_str(), bus)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn add(tags: &mut BTreeMap<String, String>, new: Vec<Tag>) -> Result<(), EventsError> {
    for tag in new {
        if tag.key.starts_with("aws:") {
            return Err(EventsError::invalid("Tag keys must not begin with aws:."));
        }
        tags.insert(tag.key, tag.value);
    }
    if tags.len() > TAGS_MAX {
        return Err(EventsError::LimitExceeded);
    }
    Ok(())
}
