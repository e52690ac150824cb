//! `PutTargets`: adds targets to a rule, or replaces those of the same id
//!
//! Built are SNS topics and standard SQS queues. Other targets are refused rather than kept and never sent anything.

use keywatch_api::{
    Arn,
    events::{
        PutTargetsRequest, ShownDeadLetter, ShownRetry, ShownTarget, ShownTransformer, Target,
        TargetsResponse,
    },
};
use keywatch_iam::Call;

use super::{Events, EventsError, access, input};

/// Targets in one request, and of one rule.
const TARGETS_AT_ONCE_MAX: usize = 10;
const TARGETS_MAX: usize = 5;

pub(crate) async fn put_targets(
    call: &mut Call<'_>,
    _: &Events,
    request: PutTargetsRequest,
) -> Result<TargetsResponse, EventsError> {
    access::authorize_rule(call, "events:PutTargets", &request.rule)?;
    access::on_default_bus(call, request.event_bus_name.as_deref())?;
    if request.targets.len() > TARGETS_AT_ONCE_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let mut rule = access::rule(call, &request.rule).await?;
    for target in request.targets {
        let target = checked(target)?;
        rule.targets.retain(|other| other.id != target.id);
        rule.targets.push(target);
    }
    if rule.targets.len() > TARGETS_MAX {
        return Err(EventsError::LimitExceeded);
    }
    rule.targets.sort_by(|a, b| a.id.cmp(&b.id));
    access::put_rule(call, &rule)?;
    Ok(TargetsResponse { failed_entry_count: 0, failed_entries: Vec::new() })
}

fn checked(target: Target) -> Result<ShownTarget, EventsError> {
    let id = &target.id;
    let arn: Arn = target.arn.parse().map_err(|_| {
        EventsError::invalid(format!(
            "Parameter {} is not valid. Reason: Provided Arn is not in correct format.",
            target.arn
        ))
    })?;
    if !matches!(arn.service.as_str(), "sns" | "sqs") {
        return Err(EventsError::invalid(format!(
            "Parameter Arn of target {id} is not valid. Reason: {} is not a supported service for a target.",
            arn.service
        )));
    }
    if arn.resource.ends_with(".fifo") || target.sqs_parameters.is_some() {
        return Err(EventsError::invalid(format!(
            "Parameter SqsParameters of target {id} is not valid. Reason: FIFO targets are not supported."
        )));
    }
    let shown = ShownTarget {
        id: target.id,
        arn: target.arn,
        role_arn: target.role_arn,
        input: target.input,
        input_path: target.input_path,
        input_transformer: target.input_transformer.map(|transformer| ShownTransformer {
            input_paths_map: transformer.input_paths_map,
            input_template: transformer.input_template,
        }),
        dead_letter_config: target.dead_letter_config.map(|config| ShownDeadLetter { arn: config.arn }),
        retry_policy: target.retry_policy.map(|policy| ShownRetry {
            maximum_retry_attempts: policy.maximum_retry_attempts,
            maximum_event_age_in_seconds: policy.maximum_event_age_in_seconds,
        }),
    };
    input::check(&shown).map_err(EventsError::invalid)?;
    Ok(shown)
}
