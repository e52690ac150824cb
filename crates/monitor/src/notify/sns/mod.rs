//! # SNS: the service
//! Topics, subscriptions and publishing, one file per operation. An operation finds its topic, asks whether the caller may (so that a
//! stranger learns nothing of what exists), and then acts. Who confirms and unsubscribes by a link has no caller: both ways share
//! `confirmation`. **Not here:** what happens to a published message (`follower`).

mod accept;
mod add_permission;
mod attributes;
mod confirm_subscription;
pub(crate) mod confirmation;
mod create_topic;
mod delete_topic;
mod error;
pub(crate) mod filter;
mod get_subscription_attributes;
mod get_topic_attributes;
mod list_subscriptions;
mod list_subscriptions_by_topic;
mod list_tags_for_resource;
mod list_topics;
mod message;
mod publish;
mod publish_batch;
mod remove_permission;
mod set_subscription_attributes;
mod set_topic_attributes;
mod subscribe;
mod tag_resource;
mod unsubscribe;
mod untag_resource;

use keywatch_api::Fault;
use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::sns::SnsOperation;
use keywatch_iam::policy::{NoKeys, PolicyDocument, PolicyKind, ResourceSide};
use keywatch_iam::{Call, Question};

use super::Notify;
use super::topic::{TOPIC, TopicName, TopicRecord};
pub(super) use attributes::dead_letter_queue;
pub use error::SnsError;

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: SnsOperation) -> Option<Shape> {
    keywatch_api::sns_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Runs an operation of SNS.
pub async fn dispatch(
    op: SnsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    notify: &Notify,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::sns_operations!(keywatch_api::dispatch, op, wire, call, notify, unsupported)
}

/// The answer of the query protocol to an action the service does not have.
fn unsupported(operation: &'static str) -> Fault {
    let message = format!("Could not find operation {operation} for version 2010-03-31");
    Fault::new("InvalidAction", 400, message)
}

const NO_TOPIC: SnsError = SnsError::NotFound("Topic does not exist");
const NO_SUBSCRIPTION: SnsError = SnsError::NotFound("Subscription does not exist");

/// The topic that `arn`, given as `TopicArn`, names, if the caller may do `action` with it.
async fn topic(call: &mut Call<'_>, arn: &str, action: &str) -> Result<(TopicName, TopicRecord), SnsError> {
    let name = local_name(call, arn, "TopicArn")?;
    let found = permitted(call, &name, action).await?;
    Ok((name, found.ok_or(NO_TOPIC)?))
}

/// A topic's name in this Region.
fn local_name(call: &Call<'_>, arn: &str, parameter: &str) -> Result<TopicName, SnsError> {
    let name = TopicName::parse(arn, parameter)?;
    if name.region != call.region {
        return Err(SnsError::parameter(parameter));
    }
    Ok(name)
}

/// Asks policies and notes the topic; the topic may not exist, which only who may ask learns.
async fn permitted(
    call: &mut Call<'_>,
    name: &TopicName,
    action: &str,
) -> Result<Option<TopicRecord>, SnsError> {
    let found: Option<TopicRecord> = call.tx.get(TOPIC, &name.key()).await?;
    let arn = name.arn();
    call.notes.resource(&arn, "AWS::SNS::Topic");
    let policy = match found.as_ref().and_then(|topic| topic.attributes.get("Policy")) {
        Some(text) => Some(PolicyDocument::parse(PolicyKind::Resource, text).map_err(|error| {
            SnsError::Internal(format!("the stored policy of {arn} does not parse: {error}"))
        })?),
        // AWS's default policy lets in what acts for the owner; callers of the API are none of that.
        None => None,
    };
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
