//! What others see of topics and queues before they send to them: that they are there, and their policies

use keywatch_store::{Store, StoreError, decode};

use super::{
    queue::{QUEUE, QueueName, QueueRecord},
    topic::{TOPIC, TopicName, TopicRecord},
};

/// A topic or a queue that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receiver {
    /// The text of its policy document.
    pub(crate) policy: Option<String>,
}

/// The topic of an ARN.
pub(crate) async fn topic(store: &Store, arn: &str) -> Result<Option<Receiver>, StoreError> {
    let Ok(name) = TopicName::parse(arn, "TopicArn") else { return Ok(None) };
    let Some(row) = store.get(TOPIC, &name.key()).await? else { return Ok(None) };
    let topic: TopicRecord = decode(&row.bytes)?;
    Ok(Some(Receiver { policy: topic.attributes.get("Policy").cloned() }))
}

/// The queue of an ARN.
pub(crate) async fn queue(store: &Store, arn: &str) -> Result<Option<Receiver>, StoreError> {
    let Some(name) = QueueName::from_arn(arn) else { return Ok(None) };
    let Some(row) = store.get(QUEUE, &name.key()).await? else { return Ok(None) };
    let queue: QueueRecord = decode(&row.bytes)?;
    Ok(Some(Receiver { policy: queue.attributes.get("Policy").cloned() }))
}

/// Makes a topic or a queue as tests of other services need it.
#[cfg(test)]
pub(crate) async fn make(store: &Store, arn: &str, policy: Option<&str>) {
    let attributes: std::collections::BTreeMap<String, String> =
        policy.iter().map(|policy| ("Policy".to_owned(), (*policy).to_owned())).collect();
    let now = "2026-09-14T11:00:00Z".parse().unwrap();
    let put = match QueueName::from_arn(arn) {
        Some(name) => {
            let queue = QueueRecord::new(attributes, Default::default(), now);
            (QUEUE, name.key(), keywatch_store::encode(&queue).unwrap())
        }
        None => {
            let name = TopicName::parse(arn, "TopicArn").unwrap();
            let topic =
                TopicRecord { attributes, tags: Default::default(), created: now, subscriptions_deleted: 0 };
            (TOPIC, name.key(), keywatch_store::encode(&topic).unwrap())
        }
    };
    store.commit(keywatch_store::Batch { puts: vec![put], ..Default::default() }).await.unwrap();
}
