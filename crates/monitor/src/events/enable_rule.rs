//! `EnableRule`

use keywatch_api::events::{EnableRuleRequest, RuleState};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn enable_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: EnableRuleRequest,
) -> Result<(), EventsError> {
    access::authorize_rule(call, "events:EnableRule", &request.name)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let mut rule = access::rule(call, &request.name).await?;
    rule.state = RuleState::Enabled;
    access::put_rule(call, &rule)?;
    Ok(())
}
