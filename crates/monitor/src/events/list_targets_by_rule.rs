//! `ListTargetsByRule`: in the order of their ids

use keywatch_api::{
    events::{ListTargetsByRuleRequest, ListTargetsByRuleResponse, PAGE_MAX},
    page,
};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn list_targets_by_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: ListTargetsByRuleRequest,
) -> Result<ListTargetsByRuleResponse, EventsError> {
    access::authorize_rule(call, "events:ListTargetsByRule", &request.rule)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let mut targets = access::rule(call, &request.rule).await?.targets;
    let question = format!("ListTargetsByRule {}", request.rule);
    if let Some(after) = access::page_after(&question, request.next_token.as_deref())? {
        targets.retain(|target| target.id > after);
    }
    let limit = usize::try_from(request.limit.unwrap_or(PAGE_MAX)).unwrap_or(1);
    let more = targets.len() > limit;
    targets.truncate(limit);
    let next_token = match targets.last() {
        Some(last) if more => Some(page::encode(&question, &last.id)),
        _ => None,
    };
    Ok(ListTargetsByRuleResponse { targets, next_token })
}
