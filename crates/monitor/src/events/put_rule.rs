//! `PutRule`: creates a rule, or replaces all of it but its targets and tags
//!
//! Schedules are not built: a `ScheduleExpression` is answered as one that is not valid.

use std::collections::BTreeMap;

use keywatch_api::events::{PutRuleRequest, PutRuleResponse, RuleState};
use keywatch_iam::Call;
use keywatch_patterns::event::EventPattern;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    record::{RULE, RuleRecord, rule_arn, rule_key},
    tags,
};

/// Rules of one bus.
const RULES_MAX: usize = 300;

pub(crate) async fn put_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: PutRuleRequest,
) -> Result<PutRuleResponse, EventsError> {
    access::authorize_rule(call, "events:PutRule", &request.name)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let schedule = request.schedule_expression.filter(|expression| !expression.is_empty());
    let pattern = request.event_pattern.filter(|pattern| !pattern.is_empty());
    let event_pattern = match (pattern, schedule) {
        (_, Some(_)) => return Err(EventsError::invalid("Parameter ScheduleExpression is not valid.")),
        (Some(pattern), None) => pattern,
        (None, None) => {
            return Err(EventsError::invalid(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
    };
    EventPattern::parse(&event_pattern)?;
    let partition = call.partition();
    let key = rule_key(&partition, &request.name);
    let before = call.tx.get::<RuleRecord>(RULE, &key).await?;
    let rule = match before {
        Some(before) => RuleRecord { event_pattern, ..before },
        None => {
            let prefix = rule_key(&partition, "");
            let scan = Scan { prefix: &prefix, after: None, limit: RULES_MAX };
            if call.tx.scan::<RuleRecord>(RULE, scan).await?.len() >= RULES_MAX {
                return Err(EventsError::LimitExceeded);
            }
            let mut tags = BTreeMap::new();
            tags::add(&mut tags, request.tags.unwrap_or_default())?;
            RuleRecord {
                name: request.name,
                event_pattern,
                state: RuleState::Enabled,
                description: None,
                role_arn: None,
                created_by: call.account().to_string(),
                tags,
                targets: Vec::new(),
                since: call.tx.store.head(),
            }
        }
    };
    let rule = RuleRecord {
        state: request.state.unwrap_or(RuleState::Enabled),
        description: request.description,
        role_arn: request.role_arn,
        ..rule
    };
    call.tx.put(RULE, &key, &rule)?;
    Ok(PutRuleResponse { rule_arn: rule_arn(&partition, &rule.name) })
}
