//! `ListSubscriptionsByTopic`: a hundred at a time.

use keywatch_api::sns::{ListSubscriptionsByTopicRequest, ListSubscriptionsResponse};
use keywatch_iam::Call;

use super::list_subscriptions::list_page;
use super::list_topics::read_token;
use super::{SnsError, topic};
use crate::notify::Notify;

pub(super) async fn list_subscriptions_by_topic(
    call: &mut Call<'_>,
    _: &Notify,
    request: ListSubscriptionsByTopicRequest,
) -> Result<ListSubscriptionsResponse, SnsError> {
    let (name, _) = topic(call, &request.topic_arn, "sns:ListSubscriptionsByTopic").await?;
    let question = format!("ListSubscriptionsByTopic {}", name.key());
    let after = read_token(&question, request.next_token)?;
    let prefix = format!("{}/", name.key());
    Ok(list_page(&mut call.tx, &question, &prefix, after.as_deref()).await?)
}
