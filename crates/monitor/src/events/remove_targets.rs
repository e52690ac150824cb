//! `RemoveTargets`: ids that are not there are no failure

use keywatch_api::events::{RemoveTargetsRequest, TargetsResponse};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn remove_targets(
    call: &mut Call<'_>,
    _: &Events,
    request: RemoveTargetsRequest,
) -> Result<TargetsResponse, EventsError> {
    access::authorize_rule(call, "events:RemoveTargets", &request.rule)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let mut rule = access::rule(call, &request.rule).await?;
    rule.targets.retain(|target| !request.ids.contains(&target.id));
    access::put_rule(call, &rule)?;
    Ok(TargetsResponse { failed_entry_count: 0, failed_entries: Vec::new() })
}
