//! `PutTargets`: adds targets to a rule, or replaces those of the same id
//!
//! Built are topics, queues, log groups, buses and API destinations. Other targets are refused rather than kept and never called.

use keywatch_api::{
    Arn,
    events::{
        PutTargetsRequest, ShownDeadLetter, ShownHttp, ShownKinesis, ShownRetry, ShownSqs, ShownTarget,
        ShownTransformer, Target, TargetsResponse,
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
    let bus = request.event_bus_name.as_deref();
    let bus = access::rule_bus(call, "events:PutTargets", bus, &request.rule).await?;
    if request.targets.len() > TARGETS_AT_ONCE_MAX {
        return Err(EventsError::LimitExceeded);
    }
    let mut rule = access::rule(call, &bus, &request.rule).await?;
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
    let not_valid = |what: &str, why: &str| {
        EventsError::invalid(format!("Parameter {what} of target {} is not valid. Reason: {why}", target.id))
    };
    let arn = arn_of(&target.arn)?;
    match arn.service.as_str() {
        "sqs" if arn.resource.ends_with(".fifo") || target.sqs_parameters.is_some() => {
            return Err(not_valid("SqsParameters", "FIFO targets are not supported."));
        }
        "sns" | "sqs" => {}
        "logs" if target.input.is_some() || target.input_path.is_some() || target.role_arn.is_some() => {
            let why = "Log groups take neither RoleArn nor Input nor InputPath.";
            return Err(not_valid("Arn", why));
        }
        "logs" if arn.resource.starts_with("log-group:") => {}
        "events" if arn.resource.starts_with("api-destination/") => {}
        "events" if has_input(&target) => {
            return Err(not_valid("Arn", "Event buses take events as they are, without input."));
        }
        "events" if arn.resource.starts_with("event-bus/") => {}
        _ => {
            return Err(not_valid(
                "Arn",
                &format!("{} is not a supported service for a target.", arn.service),
            ));
        }
    }
    if let Some(queue) = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref()) {
        let queue = arn_of(queue)?;
        if queue.service != "sqs" || queue.resource.ends_with(".fifo") {
            return Err(not_valid("DeadLetterConfig", "Dead letters go to standard SQS queues."));
        }
    }
    let shown = shown(target);
    input::check(&shown).map_err(EventsError::invalid)?;
    Ok(shown)
}

fn arn_of(text: &str) -> Result<Arn, EventsError> {
    text.parse().map_err(|_| EventsError::parameter(text, "Provided Arn is not in correct format."))
}

fn has_input(target: &Target) -> bool {
    target.input.is_some() || target.input_path.is_some() || target.input_transformer.is_some()
}

fn shown(target: Target) -> ShownTarget {
    ShownTarget {
        id: target.id,
        arn: target.arn,
        role_arn: target.role_arn,
        input: target.input,
        input_path: target.input_path,
        input_transformer: target.input_transformer.map(|transformer| ShownTransformer {
            input_paths_map: transformer.input_paths_map,
            input_template: transformer.input_template,
        }),
        kinesis_parameters: target
            .kinesis_parameters
            .map(|kinesis| ShownKinesis { partition_key_path: kinesis.partition_key_path }),
        sqs_parameters: target.sqs_parameters.map(|sqs| ShownSqs { message_group_id: sqs.message_group_id }),
        http_parameters: target.http_parameters.map(|http| ShownHttp {
            path_parameter_values: http.path_parameter_values,
            header_parameters: http.header_parameters,
            query_string_parameters: http.query_string_parameters,
        }),
        dead_letter_config: target.dead_letter_config.map(|config| ShownDeadLetter { arn: config.arn }),
        retry_policy: target.retry_policy.map(|policy| ShownRetry {
            maximum_retry_attempts: policy.maximum_retry_attempts,
            maximum_event_age_in_seconds: policy.maximum_event_age_in_seconds,
        }),
    }
}
