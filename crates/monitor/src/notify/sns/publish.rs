//! `Publish`: a message to a topic, durable in the log before the answer.

use keywatch_api::sns::{PublishRequest, PublishResponse};
use keywatch_iam::Call;
use serde_json::json;

use super::accept::accept;
use super::message::{Draft, message};
use super::{SnsError, topic};
use crate::notify::Notify;

pub(super) async fn publish(
    call: &mut Call<'_>,
    _: &Notify,
    request: PublishRequest,
) -> Result<PublishResponse, SnsError> {
    let arn = match (request.topic_arn, request.target_arn, request.phone_number) {
        (Some(arn), None, None) | (None, Some(arn), None) => arn,
        (None, None, Some(_)) => {
            return Err(SnsError::parameter_because("PhoneNumber", "text messages are not supported here"));
        }
        (None, None, None) => {
            return Err(SnsError::parameter_because("TopicArn", "no value for required parameter"));
        }
        _ => {
            return Err(SnsError::parameter(
                "Only one of TopicArn, TargetArn and PhoneNumber may be specified",
            ));
        }
    };
    // As CloudTrail shows it: what is published is nobody else's business.
    call.notes.request_parameters = Some(
        json!({"topicArn": arn, "message": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "subject": request.subject.as_ref().map(|_| "HIDDEN_DUE_TO_SECURITY_REASONS")})
        .to_string(),
    );
    let (name, record) = topic(call, &arn, "sns:Publish").await?;
    let draft = Draft {
        text: request.message,
        subject: request.subject,
        structure: request.message_structure,
        attributes: request.message_attributes,
        deduplication_id: request.message_deduplication_id,
        group: request.message_group_id,
    };
    let message = message(&name, &record, draft)?;
    let accepted = accept(call, &name, &record, message).await?;
    Ok(PublishResponse { message_id: accepted.id, sequence_number: accepted.sequence })
}
