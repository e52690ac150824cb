//! `ListSubscriptions`: those to the account's topics in this Region, a hundred at a time.

use keywatch_api::page;
use keywatch_api::sns::{ListSubscriptionsResponse, PageRequest, Subscription};
use keywatch_iam::Call;
use keywatch_store::{Scan, StoreError, Transaction};

use super::SnsError;
use super::list_topics::{PAGE, read_token};
use crate::notify::Notify;
use crate::notify::topic::{SUBSCRIPTION, SubscriptionRecord};

pub(super) async fn list_subscriptions(
    call: &mut Call<'_>,
    _: &Notify,
    request: PageRequest,
) -> Result<ListSubscriptionsResponse, SnsError> {
    call.authorize_own("sns:ListSubscriptions", "*")?;
    let prefix = format!("{}/", call.partition());
    let after = read_token("ListSubscriptions", request.next_token)?;
    Ok(list_page(&mut call.tx, "ListSubscriptions", &prefix, after.as_deref()).await?)
}

/// One page of the subscriptions whose keys begin with `prefix`.
pub(super) async fn list_page(
    tx: &mut Transaction<'_>,
    question: &str,
    prefix: &str,
    after: Option<&str>,
) -> Result<ListSubscriptionsResponse, StoreError> {
    let mut rows: Vec<(String, SubscriptionRecord)> =
        tx.scan(SUBSCRIPTION, Scan { prefix, after, limit: PAGE + 1 }).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next_token = rows.last().filter(|_| more).map(|(key, _)| page::encode(question, key));
    let subscriptions = rows.into_iter().filter_map(|(key, record)| shown(&key, record)).collect();
    Ok(ListSubscriptionsResponse { subscriptions, next_token })
}

fn shown(key: &str, record: SubscriptionRecord) -> Option<Subscription> {
    let mut parts = key.split('/');
    let (account, region, topic) = (parts.next()?, parts.next()?, parts.next()?);
    let topic_arn = format!("arn:aws:sns:{region}:{account}:{topic}");
    let subscription_arn = match record.confirmed {
        true => format!("{topic_arn}:{}", record.id),
        false => "PendingConfirmation".to_owned(),
    };
    Some(Subscription {
        subscription_arn,
        owner: record.owner,
        protocol: record.protocol.as_str().to_owned(),
        endpoint: record.endpoint,
        topic_arn,
    })
}
