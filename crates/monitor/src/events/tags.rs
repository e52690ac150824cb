//! Tags of rules and of buses

use std::collections::BTreeMap;

use keywatch_api::events::Tag;
use keywatch_iam::Call;

use super::{
    access,
    error::EventsError,
    record::{BusRecord, DEFAULT_BUS, RuleRecord, bus_arn, rule_arn},
};

const TAGS_MAX: usize = 50;

/// What carries tags.
#[derive(Debug)]
pub(crate) enum Tagged {
    Rule(RuleRecord),
    Bus(String, BusRecord),
}

impl Tagged {
    /// The rule or bus of an ARN in the caller's account and Region.
    pub(crate) async fn find(call: &mut Call<'_>, arn: &str) -> Result<Self, EventsError> {
        let partition = call.partition();
        if let Some(bus) = arn.strip_prefix(bus_arn(&partition, "").as_str()) {
            return Ok(Self::Bus(bus.to_owned(), access::bus(call, bus).await?));
        }
        let Some(rule) = arn.strip_prefix(rule_arn(&partition, DEFAULT_BUS, "").as_str()) else {
            return Err(EventsError::invalid(format!("Parameter {arn} is not valid.")));
        };
        let (bus, rule) = rule.rsplit_once('/').unwrap_or((DEFAULT_BUS, rule));
        access::bus(call, bus).await?;
        Ok(Self::Rule(access::rule(call, bus, rule).await?))
    }

    pub(crate) fn tags(&mut self) -> &mut BTreeMap<String, String> {
        match self {
            Self::Rule(rule) => &mut rule.tags,
            Self::Bus(_, bus) => &mut bus.tags,
        }
    }

    pub(crate) fn put(&self, call: &mut Call<'_>) -> Result<(), EventsError> {
        match self {
            Self::Rule(rule) => access::put_rule(call, rule)?,
            Self::Bus(name, bus) => access::put_bus(call, name, bus.clone())?,
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
