//! `ListTargetsByRule`: in the order of their ids

use keywatch_api::events::{ListTargetsByRuleRequest, ListTargetsByRuleResponse, ShownTarget};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn list_targets_by_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: ListTargetsByRuleRequest,
) -> Result<ListTargetsByRuleResponse, EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:ListTargetsByRule", bus, &request.rule).await?;
    let rule = access::rule(call, &bus, &request.rule).await?;
    let question = format!("ListTargetsByRule {bus} {}", request.rule);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let targets: Vec<(String, ShownTarget)> = rule
        .targets
        .into_iter()
        .filter(|target| after.as_ref().is_none_or(|after| target.id > *after))
        .map(|target| (target.id.clone(), target))
        .collect();
    let (targets, next_token) = access::page_of(&question, targets, access::page_limit(request.limit));
    Ok(ListTargetsByRuleResponse { targets, next_token })
}
