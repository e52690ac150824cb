//! `CreateTopic`: a new topic, or the one that is there already if it is the same.

use std::collections::BTreeMap;

use keywatch_api::sns::{CreateTopicRequest, TopicArn};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::attributes::{check_topic, same_meaning};
use super::tag_resource::tag_map;
use super::{SnsError, permitted};
use crate::notify::Notify;
use crate::notify::topic::{TOPIC, TopicName, TopicRecord, is_topic_name};

/// "100,000 topics"
const TOPICS_MAX: usize = 100_000;

pub(super) async fn create_topic(
    call: &mut Call<'_>,
    _: &Notify,
    request: CreateTopicRequest,
) -> Result<TopicArn, SnsError> {
    let mut attributes = request.attributes.unwrap_or_default();
    let is_fifo = attributes.get("FifoTopic").is_some_and(|fifo| fifo == "true");
    if !is_topic_name(&request.name) || request.name.ends_with(".fifo") != is_fifo {
        return Err(SnsError::parameter("Topic Name"));
    }
    if request.data_protection_policy.is_some() {
        return Err(SnsError::parameter("DataProtectionPolicy: this attribute is not supported here"));
    }
    for (name, value) in &attributes {
        check_topic(name, value, true, is_fifo)?;
    }
    // No topic is said not to be in order.
    attributes.retain(|name, value| name != "FifoTopic" || value == "true");
    let tags = tag_map(request.tags.unwrap_or_default())?;
    let name = TopicName { account: call.account().clone(), region: call.region.clone(), name: request.name };
    let found = permitted(call, &name, "sns:CreateTopic").await?;
    let topic_arn = name.arn().to_string();
    if let Some(found) = found {
        check_same(&found, &attributes, &tags)?;
        return Ok(TopicArn { topic_arn });
    }
    let prefix = format!("{}/", call.partition());
    let scan = Scan { prefix: &prefix, after: None, limit: TOPICS_MAX };
    if call.tx.store.scan(TOPIC, scan).await?.len() >= TOPICS_MAX {
        return Err(SnsError::TopicLimit);
    }
    let record = TopicRecord { attributes, tags, created: call.now, subscriptions_deleted: 0 };
    call.tx.insert(TOPIC, &name.key(), &record)?;
    Ok(TopicArn { topic_arn })
}

/// What is asked for must be what is there; attributes that were not mentioned are not compared.
fn check_same(
    found: &TopicRecord,
    attributes: &BTreeMap<String, String>,
    tags: &BTreeMap<String, String>,
) -> Result<(), SnsError> {
    let there = found.attributes.iter().filter(|(name, _)| attributes.contains_key(*name));
    let there = there.map(|(name, value)| (name.clone(), value.clone())).collect();
    if !same_meaning(&there, attributes) {
        return Err(SnsError::parameter_because(
            "Attributes",
            "Topic already exists with different attributes",
        ));
    }
    if tags.iter().any(|(key, value)| found.tags.get(key) != Some(value)) {
        return Err(SnsError::parameter_because("Tags", "Topic already exists with different tags"));
    }
    Ok(())
}
