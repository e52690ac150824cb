//! `RemoveTargets`: ids that are not there are no failure

use keywatch_api::events::{RemoveTargetsRequest, TargetsResponse};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn remove_targets(
    call: &mut Call<'_>,
    _: &Events,
    request: RemoveTargetsRequest,
) -> Result<TargetsResponse, EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:RemoveTargets", bus, &request.rule).await?;
    let mut rule = access::rule(call, &bus, &request.rule).await?;
    rule.targets.retain(|target| !request.ids.contains(&target.id));
    access::put_rule(call, &rule)?;
    Ok(TargetsResponse { failed_entry_count: 0, failed_entries: Vec::new() })
}
