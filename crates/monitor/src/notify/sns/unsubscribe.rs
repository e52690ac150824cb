//! `Unsubscribe`: ends a subscription; one that does not exist has ended already.

use keywatch_api::sns::SubscriptionRequest;
use keywatch_iam::Call;

use super::{SnsError, confirmation};
use crate::notify::Notify;
use crate::notify::topic::{SUBSCRIPTION, SubscriptionName, SubscriptionRecord};

pub(super) async fn unsubscribe(
    call: &mut Call<'_>,
    notify: &Notify,
    request: SubscriptionRequest,
) -> Result<(), SnsError> {
    let name = SubscriptionName::parse(&request.subscription_arn)?;
    call.authorize_own("sns:Unsubscribe", "*")?;
    let Some(found) = call.tx.get::<SubscriptionRecord>(SUBSCRIPTION, &name.key()).await? else {
        return Ok(());
    };
    let account = call.account();
    if *account != name.topic.account && account.as_str() != found.owner {
        return Err(SnsError::Authorization("This subscription may only be deleted by an authorized user."));
    }
    confirmation::remove(&mut call.tx, &notify.inner.keyring, &name, found, call.now).await
}
