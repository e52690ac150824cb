//! `EnableRule`

use keywatch_api::events::{EnableRuleRequest, RuleState};
use keywatch_iam::Call;

use super::{Events, EventsError, access, timetable};

pub(crate) async fn enable_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: EnableRuleRequest,
) -> Result<(), EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:EnableRule", bus, &request.name).await?;
    let mut rule = access::rule(call, &bus, &request.name).await?;
    rule.state = RuleState::Enabled;
    let expression = rule.schedule.as_ref().map(|schedule| schedule.expression.clone());
    timetable::enter(call, &mut rule, expression)?;
    Ok(access::put_rule(call, &rule)?)
}
