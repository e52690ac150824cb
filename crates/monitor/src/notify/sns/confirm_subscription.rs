//! `ConfirmSubscription`: proves with a token that an endpoint wants its subscription.

use keywatch_api::sns::{ConfirmSubscriptionRequest, SubscriptionArn};
use keywatch_iam::Call;

use super::confirmation::{Confirmer, confirm};
use super::{SnsError, topic};
use crate::notify::Notify;

pub(super) async fn confirm_subscription(
    call: &mut Call<'_>,
    _: &Notify,
    request: ConfirmSubscriptionRequest,
) -> Result<SubscriptionArn, SnsError> {
    let (name, _) = topic(call, &request.topic_arn, "sns:ConfirmSubscription").await?;
    let lock = request.authenticate_on_unsubscribe.is_some_and(|lock| lock.eq_ignore_ascii_case("true"));
    let account = call.account().clone();
    let confirmer = Confirmer::Signed(account.as_str());
    let subscription_arn =
        confirm(&mut call.tx, &name, request.token.expose(), confirmer, lock, call.now).await?;
    Ok(SubscriptionArn { subscription_arn })
}
