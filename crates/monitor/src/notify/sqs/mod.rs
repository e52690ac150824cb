//! # SQS: the service
//! Queues, standard ones and those that keep an order, one file per operation. An operation finds its queue by URL, asks whether the caller may (so that a stranger
//! learns nothing of what exists), and then acts. **Not here:** how messages lie in rows, groups, deduplication, retention (`queue`); how
//! topics and rules send (`follower`).

mod add_permission;
mod attributes;
mod batch;
mod cancel_message_move_task;
mod change_message_visibility;
mod change_message_visibility_batch;
mod create_queue;
mod delete_message;
mod delete_message_batch;
mod delete_queue;
mod error;
mod get_queue_attributes;
mod get_queue_url;
mod list_dead_letter_source_queues;
mod list_message_move_tasks;
mod list_queue_tags;
mod list_queues;
mod purge_queue;
mod receive_message;
mod received;
mod remove_permission;
mod send_message;
mod send_message_batch;
mod set_queue_attributes;
mod start_message_move_task;
mod tag_queue;
mod untag_queue;

use jiff::Timestamp;
use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::sqs::SqsOperation;
use keywatch_iam::policy::{
    Environment, KeyList, NoKeys, Policies, PolicyDocument, PolicyKind, Request, ResourceSide, Subject,
    Values, evaluate,
};
use keywatch_iam::{Call, Question};

use super::Notify;
use super::queue::{QUEUE, QueueName, QueueRecord};
pub use error::SqsError;

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: SqsOperation) -> Option<Shape> {
    keywatch_api::sqs_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Runs an operation of SQS.
pub async fn dispatch(
    op: SqsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    notify: &Notify,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::sqs_operations!(keywatch_api::dispatch, op, wire, call, notify, ())
}

/// The queue that `url` names, if the caller may do `action` with it.
async fn queue(call: &mut Call<'_>, url: &str, action: &str) -> Result<(QueueName, QueueRecord), SqsError> {
    let name = QueueName::from_url(url, &call.region).ok_or(SqsError::InvalidAddress)?;
    let found = permitted(call, &name, action).await?;
    Ok((name, found.ok_or(SqsError::QueueDoesNotExist)?))
}

/// Asks policies and notes the queue; the queue may not exist, which only who may ask learns.
async fn permitted(
    call: &mut Call<'_>,
    name: &QueueName,
    action: &str,
) -> Result<Option<QueueRecord>, SqsError> {
    let found: Option<QueueRecord> = call.tx.get(QUEUE, &name.key()).await?;
    let arn = name.arn();
    call.notes.resource(&arn, "AWS::SQS::Queue");
    let policy = found.as_ref().and_then(|queue| queue.attributes.get("Policy")).map(|text| {
        PolicyDocument::parse(PolicyKind::Resource, text).map_err(|error| {
            SqsError::Internal(format!("the stored policy of {arn} does not parse: {error}"))
        })
    });
    let policy = policy.transpose()?;
    call.authorize(&Question {
        action,
        resource: &arn.to_string(),
        owner: &name.account,
        side: ResourceSide::Optional(policy.as_ref()),
        granted: false,
        keys: &NoKeys,
    })?;
    Ok(found)
}

/// Whether a queue lets a service send for a source. A queue without a policy takes what its own account's topics send.
pub(crate) fn service_may_send(
    queue: &QueueRecord,
    name: &QueueName,
    service: &str,
    source_arn: &str,
    now: Timestamp,
) -> bool {
    let source_account = source_arn.split(':').nth(4).unwrap_or_default();
    let Some(text) = queue.attributes.get("Policy") else { return source_account == name.account.as_str() };
    let Ok(policy) = PolicyDocument::parse(PolicyKind::Resource, text) else { return false };
    let keys = KeyList::default()
        .with("aws:SourceArn", Values::one(source_arn))
        .with("aws:SourceAccount", Values::one(source_account));
    let environment = Environment {
        now,
        region: name.region.as_str(),
        source_ip: None,
        user_agent: None,
        secure_transport: true,
        via_service: None,
    };
    let request = Request {
        subject: &Subject::service(service),
        action: "sqs:SendMessage",
        resource: &name.arn().to_string(),
        resource_account: name.account.as_str(),
        environment: &environment,
        keys: &keys,
    };
    let policies = Policies { resource: ResourceSide::Optional(Some(&policy)), ..Policies::default() };
    evaluate(&request, &policies).is_allowed()
}
