//! `DisableRule`

use keywatch_api::events::{DisableRuleRequest, RuleState};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn disable_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: DisableRuleRequest,
) -> Result<(), EventsError> {
    access::authorize_rule(call, "events:DisableRule", &request.name)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let mut rule = access::rule(call, &request.name).await?;
    rule.state = RuleState::Disabled;
    access::put_rule(call, &rule)?;
    Ok(())
}
