//! `ListRuleNamesByTarget`

use keywatch_api::{
    events::{ListRuleNamesByTargetRequest, ListRuleNamesByTargetResponse, PAGE_MAX},
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Events, EventsError, access,
    record::{RULE, RuleRecord, rule_key},
};

const ROWS_AT_ONCE: usize = 300;

pub(crate) async fn list_rule_names_by_target(
    call: &mut Call<'_>,
    _: &Events,
    request: ListRuleNamesByTargetRequest,
) -> Result<ListRuleNamesByTargetResponse, EventsError> {
    call.authorize_own("events:ListRuleNamesByTarget", "*")?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let prefix = rule_key(&call.partition(), "");
    let question = format!("ListRuleNamesByTarget {}", request.target_arn);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let limit = usize::try_from(request.limit.unwrap_or(PAGE_MAX)).unwrap_or(1);
    // A bus has no more rules than are read at once.
    let scan = Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE };
    let mut rule_names: Vec<String> = call
        .tx
        .scan::<RuleRecord>(RULE, scan)
        .await?
        .into_iter()
        .map(|(_, rule)| rule)
        .filter(|rule| rule.targets.iter().any(|target| target.arn == request.target_arn))
        .map(|rule| rule.name)
        .filter(|name| after.as_ref().is_none_or(|after| name > after))
        .collect();
    let more = rule_names.len() > limit;
    rule_names.truncate(limit);
    let next_token = match rule_names.last() {
        Some(last) if more => Some(page::encode(&question, last)),
        _ => None,
    };
    Ok(ListRuleNamesByTargetResponse { rule_names, next_token })
}
