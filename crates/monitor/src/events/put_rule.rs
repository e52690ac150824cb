//! `PutRule`: creates a rule, or replaces all of it but its targets and tags

use std::collections::BTreeMap;

use keywatch_api::events::{PutRuleRequest, PutRuleResponse, RuleState};
use keywatch_iam::Call;
use keywatch_patterns::event::EventPattern;

use super::{
    Events, EventsError, access,
    record::{DEFAULT_BUS, RULE, RuleRecord, rule_key},
    tags, timetable,
};

/// Rules of one bus.
const RULES_MAX: usize = 300;

pub(crate) async fn put_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: PutRuleRequest,
) -> Result<PutRuleResponse, EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:PutRule", bus, &request.name).await?;
    let schedule = request.schedule_expression.filter(|expression| !expression.is_empty());
    let event_pattern = request.event_pattern.filter(|pattern| !pattern.is_empty());
    if schedule.is_some() && bus != DEFAULT_BUS {
        return Err(EventsError::invalid("ScheduleExpression is supported only on the default event bus."));
    }
    match &event_pattern {
        Some(pattern) => drop(EventPattern::parse(pattern)?),
        None if schedule.is_some() => {}
        None => {
            return Err(EventsError::invalid(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
    }
    let partition = call.partition();
    let key = rule_key(&partition, &bus, &request.name);
    let before = match call.tx.get::<RuleRecord>(RULE, &key).await? {
        Some(before) => before,
        None => {
            if access::rules(call, &bus, "", None, RULES_MAX).await?.len() >= RULES_MAX {
                return Err(EventsError::LimitExceeded);
            }
            let mut carried = BTreeMap::new();
            tags::add(&mut carried, request.tags.unwrap_or_default())?;
            RuleRecord {
                name: request.name,
                bus,
                event_pattern: None,
                schedule: None,
                state: RuleState::Enabled,
                description: None,
                role_arn: None,
                created_by: call.account().to_string(),
                tags: carried,
                targets: Vec::new(),
                since: call.tx.store.head(),
            }
        }
    };
    let mut rule = RuleRecord {
        event_pattern,
        state: request.state.unwrap_or(RuleState::Enabled),
        description: request.description,
        role_arn: request.role_arn,
        ..before
    };
    timetable::enter(call, &mut rule, schedule)?;
    call.tx.put(RULE, &key, &rule)?;
    Ok(PutRuleResponse { rule_arn: rule.arn(&partition) })
}
