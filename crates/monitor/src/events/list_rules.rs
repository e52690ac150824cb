//! `ListRules`: in the order of their names

use keywatch_api::events::{ListRulesRequest, ListRulesResponse, Rule};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn list_rules(
    call: &mut Call<'_>,
    _: &Events,
    request: ListRulesRequest,
) -> Result<ListRulesResponse, EventsError> {
    call.authorize_own("events:ListRules", "*")?;
    let bus = access::own_bus(call, request.event_bus_name.as_deref())?;
    access::bus(call, &bus).await?;
    let partition = call.partition();
    let prefix = request.name_prefix.unwrap_or_default();
    let question = format!("ListRules {partition} {bus} {prefix}");
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let limit = access::page_limit(request.limit);
    let rows = access::rules(call, &bus, &prefix, after.as_deref(), limit + 1).await?;
    let (rules, next_token) = access::page_of(&question, rows, limit);
    let rules = rules
        .into_iter()
        .map(|rule| Rule {
            arn: rule.arn(&partition),
            name: rule.name,
            event_pattern: rule.event_pattern,
            state: rule.state,
            description: rule.description,
            schedule_expression: rule.schedule.map(|schedule| schedule.expression),
            role_arn: rule.role_arn,
            event_bus_name: rule.bus,
        })
        .collect();
    Ok(ListRulesResponse { rules, next_token })
}
