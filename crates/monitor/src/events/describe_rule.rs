//! `DescribeRule`

use keywatch_api::events::{DescribeRuleRequest, DescribeRuleResponse};
use keywatch_iam::Call;

use super::{
    Events, EventsError, access,
    record::{DEFAULT_BUS, rule_arn},
};

pub(crate) async fn describe_rule(
    call: &mut Call<'_>,
    _: &Events,
    request: DescribeRuleRequest,
) -> Result<DescribeRuleResponse, EventsError> {
    access::authorize_rule(call, "events:DescribeRule", &request.name)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    let rule = access::rule(call, &request.name).await?;
    Ok(DescribeRuleResponse {
        arn: rule_arn(&call.partition(), &rule.name),
        name: rule.name,
        event_pattern: Some(rule.event_pattern),
        schedule_expression: None,
        state: rule.state,
        description: rule.description,
        role_arn: rule.role_arn,
        event_bus_name: DEFAULT_BUS.to_owned(),
        created_by: rule.created_by,
    })
}
