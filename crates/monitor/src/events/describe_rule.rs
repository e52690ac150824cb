//! `DescribeRule`

use keywatch_api::events::{DescribeRuleRequest, DescribeRuleResponse};
use keywatch_iam::Call;

use super::{Events, EventsError, access};

pub(crate) async fn describe_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeRuleRequest,
) -> Result<DescribeRuleResponse, EventsError> {
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:DescribeRule", bus, &request.name).await?;
    let rule = access::rule(call, &bus, &request.name).await?;
    Ok(DescribeRuleResponse {
        arn: rule.arn(&call.partition()),
        name: rule.name,
        event_pattern: rule.event_pattern,
        schedule_expression: rule.schedule.map(|schedule| schedule.expression),
        state: rule.state,
        description: rule.description,
        role_arn: rule.role_arn,
        event_bus_name: bus,
        created_by: rule.created_by,
    })
}
