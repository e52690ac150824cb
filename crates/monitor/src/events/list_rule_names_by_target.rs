//! `ListRuleNamesByTarget`

use keywatch_api::events::{ListRuleNamesByTargetRequest, ListRuleNamesByTargetResponse};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

/// A bus has no more rules than are read at once.
const ROWS_AT_ONCE: usize = 301;

pub(crate) async fn list_rule_names_by_target(
    call: &mut Call<'_>,
    _: &Events,
    request: ListRuleNamesByTargetRequest,
) -> Result<ListRuleNamesByTargetResponse, EventsError> {
    call.authorize_own("events:ListRuleNamesByTarget", "*")?;
    let bus = access::own_bus(call, request.event_bus_name.as_deref())?;
    access::bus(call, &bus).await?;
    let question = format!("ListRuleNamesByTarget {bus} {}", request.target_arn);
    let after = access::page_after(&question, request.next_token.as_deref())?;
    let names: Vec<(String, String)> = access::rules(call, &bus, "", None, ROWS_AT_ONCE)
        .await?
        .into_iter()
        .map(|(_, rule)| rule)
        .filter(|rule| rule.targets.iter().any(|target| target.arn == request.target_arn))
        .map(|rule| (rule.name.clone(), rule.name))
        .filter(|(name, _)| after.as_ref().is_none_or(|after| name > after))
        .collect();
    let (rule_names, next_token) = access::page_of(&question, names, access::page_limit(request.limit));
    Ok(ListRuleNamesByTargetResponse { rule_names, next_token })
}
