//! `DeleteTopic`: the topic and its subscriptions; a topic that does not exist is deleted already.

use keywatch_api::sns::TopicRequest;
use keywatch_iam::Call;

use super::{SnsError, confirmation, local_name, permitted};
use crate::notify::Notify;
use crate::notify::topic::{ENDPOINT, SUBSCRIPTION, TOPIC};

pub(super) async fn delete_topic(
    call: &mut Call<'_>,
    _: &Notify,
    request: TopicRequest,
) -> Result<(), SnsError> {
    let name = local_name(call, &request.topic_arn, "TopicArn")?;
    if permitted(call, &name, "sns:DeleteTopic").await?.is_none() {
        return Ok(());
    }
    for (key, subscription) in confirmation::subscriptions_of(&mut call.tx, &name).await? {
        let endpoint = name.endpoint_key(subscription.protocol.as_str(), &subscription.endpoint);
        call.tx.delete(ENDPOINT, &endpoint);
        call.tx.delete(SUBSCRIPTION, &key);
    }
    call.tx.delete(TOPIC, &name.key());
    Ok(())
}
