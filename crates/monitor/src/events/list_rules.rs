//! `ListRules`: in the order of their names

use keywatch_api::{
    events::{ListRulesRequest, ListRulesResponse, PAGE_MAX, Rule},
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    record::{DEFAULT_BUS, RULE, RuleRecord, rule_arn, rule_key},
};

pub(crate) async fn list_rules(
    call: &mut Call<'_>,
    _: &Events,
    request: ListRulesRequest,
) -> Result<ListRulesResponse, EventsError> {
    call.authorize_own("events:ListRules", "*")?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let partition = call.partition();
    let prefix = rule_key(&partition, request.name_prefix.as_deref().unwrap_or_default());
    let question = format!("ListRules {prefix}");
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let limit = usize::try_from(request.limit.unwrap_or(PAGE_MAX)).unwrap_or(1);
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: limit + 1 };
    let mut rows = call.tx.scan::<RuleRecord>(RULE, scan).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_token = match rows.last() {
        Some((last, _)) if more => Some(page::encode(&question, last)),
        _ => None,
    };
    let rules = rows
        .into_iter()
        .map(|(_, rule)| Rule {
            arn: rule_arn(&partition, &rule.name),
            name: rule.name,
            event_pattern: Some(rule.event_pattern),
            state: rule.state,
            description: rule.description,
            schedule_expression: None,
            role_arn: rule.role_arn,
            event_bus_name: DEFAULT_BUS.to_owned(),
        })
        .collect();
    Ok(ListRulesResponse { rules, next_token })
}
