//! `Subscribe`: an endpoint to a topic. Whoever is not known to agree is asked first.

use std::collections::BTreeMap;

use keywatch_api::sns::{SubscribeRequest, SubscriptionArn};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::attributes::{check_subscription, same_meaning};
use super::confirmation::{SUBSCRIPTIONS_MAX, ask_to_confirm};
use super::{SnsError, topic};
use crate::notify::queue::{QUEUE, QueueName, QueueRecord};
use crate::notify::topic::{ENDPOINT, EndpointRecord, Protocol, SUBSCRIPTION, SubscriptionRecord, TopicName};
use crate::notify::{Notify, mail};

/// Protocols that AWS has and that are not built here.
const OTHER_PROTOCOLS: [&str; 4] = ["sms", "application", "lambda", "firehose"];
const ENDPOINT_BYTES_MAX: usize = 2_048;
const PENDING: &str = "pending confirmation";

pub(super) async fn subscribe(
    call: &mut Call<'_>,
    notify: &Notify,
    request: SubscribeRequest,
) -> Result<SubscriptionArn, SnsError> {
    let (name, record) = topic(call, &request.topic_arn, "sns:Subscribe").await?;
    let protocol = protocol(&request.protocol)?;
    let endpoint = request.endpoint.ok_or_else(|| SnsError::parameter("Endpoint"))?;
    check_endpoint(call, &name, protocol, &endpoint).await?;
    let attributes = request.attributes.unwrap_or_default();
    for (attribute, value) in &attributes {
        check_subscription(&name, attribute, value, true)?;
    }
    let wants_arn = request.return_subscription_arn.unwrap_or(false);
    let found = existing(call, &name, protocol, &endpoint, &attributes).await?;
    let subscription = match found {
        Some(found) if found.confirmed => return Ok(answer(&name, &found, wants_arn)),
        // Asked again; the two days begin anew.
        Some(found) => SubscriptionRecord { created: call.now, ..found },
        None => new_subscription(call, &name, protocol, endpoint, attributes).await?,
    };
    call.tx.put(SUBSCRIPTION, &name.subscription_key(&subscription.id), &subscription)?;
    if !subscription.confirmed {
        ask_to_confirm(&mut call.tx, &notify.inner.keyring, &name, &record, &subscription, call.now)?;
    }
    Ok(answer(&name, &subscription, wants_arn))
}

fn answer(name: &TopicName, subscription: &SubscriptionRecord, wants_arn: bool) -> SubscriptionArn {
    let subscription_arn = if subscription.confirmed || wants_arn {
        format!("{}:{}", name.arn(), subscription.id)
    } else {
        PENDING.to_owned()
    };
    SubscriptionArn { subscription_arn }
}

fn protocol(name: &str) -> Result<Protocol, SnsError> {
    if OTHER_PROTOCOLS.contains(&name) {
        return Err(SnsError::InvalidParameter(format!("Protocol: {name} is not supported here")));
    }
    Protocol::from_name(name).ok_or_else(|| {
        SnsError::InvalidParameter(format!("Amazon SNS does not support this protocol string: {name}"))
    })
}

async fn check_endpoint(
    call: &mut Call<'_>,
    topic: &TopicName,
    protocol: Protocol,
    endpoint: &str,
) -> Result<(), SnsError> {
    if topic.is_fifo() && protocol != Protocol::Sqs {
        let name = protocol.as_str();
        return Err(SnsError::InvalidParameter(format!(
            "Protocol: FIFO topics do not support the protocol {name}"
        )));
    }
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(SnsError::parameter("Endpoint"));
    }
    match protocol {
        Protocol::Http | Protocol::Https => {
            let scheme = endpoint.split("://").next().unwrap_or_default();
            if !scheme.eq_ignore_ascii_case(protocol.as_str()) {
                return Err(SnsError::parameter("Endpoint must match the specified protocol"));
            }
            let url = reqwest::Url::parse(endpoint).ok().filter(reqwest::Url::has_host);
            url.map(drop).ok_or_else(|| SnsError::parameter("Endpoint"))
        }
        Protocol::Email | Protocol::EmailJson if mail::is_address(endpoint) => Ok(()),
        Protocol::Email | Protocol::EmailJson => Err(SnsError::parameter("Email address")),
        Protocol::Sqs => {
            let invalid = || SnsError::parameter("SQS endpoint ARN");
            let queue = QueueName::from_arn(endpoint).ok_or_else(invalid)?;
            if queue.is_fifo() && !topic.is_fifo() {
                return Err(SnsError::InvalidParameter(
                    "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
                        .to_owned(),
                ));
            }
            call.tx.get::<QueueRecord>(QUEUE, &queue.key()).await?.map(drop).ok_or_else(invalid)
        }
    }
}

/// The subscription of this endpoint that is there already; its attributes must be the same.
async fn existing(
    call: &mut Call<'_>,
    name: &TopicName,
    protocol: Protocol,
    endpoint: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<Option<SubscriptionRecord>, SnsError> {
    let key = name.endpoint_key(protocol.as_str(), endpoint);
    let Some(known) = call.tx.get::<EndpointRecord>(ENDPOINT, &key).await? else { return Ok(None) };
    let found: Option<SubscriptionRecord> =
        call.tx.get(SUBSCRIPTION, &name.subscription_key(&known.subscription)).await?;
    if let Some(found) = &found
        && !attributes.is_empty()
        && !same_meaning(&found.attributes, attributes)
    {
        return Err(SnsError::parameter_because(
            "Attributes",
            "Subscription already exists with different attributes",
        ));
    }
    Ok(found)
}

async fn new_subscription(
    call: &mut Call<'_>,
    name: &TopicName,
    protocol: Protocol,
    endpoint: String,
    attributes: BTreeMap<String, String>,
) -> Result<SubscriptionRecord, SnsError> {
    let prefix = format!("{}/", name.key());
    let scan = Scan { prefix: &prefix, after: None, limit: SUBSCRIPTIONS_MAX };
    if call.tx.store.scan(SUBSCRIPTION, scan).await?.len() >= SUBSCRIPTIONS_MAX {
        return Err(SnsError::SubscriptionLimit);
    }
    let owns_endpoint = protocol == Protocol::Sqs
        && QueueName::from_arn(&endpoint).is_some_and(|queue| queue.account == *call.account());
    let subscription = SubscriptionRecord {
        id: uuid::Uuid::new_v4().to_string(),
        protocol,
        owner: call.account().to_string(),
        principal: call.caller.arn.clone(),
        confirmed: owns_endpoint,
        authenticated: owns_endpoint,
        unsubscribe_needs_authentication: false,
        attributes,
        created: call.now,
        endpoint,
    };
    if protocol == Protocol::Sqs && !owns_endpoint {
        return Err(SnsError::InvalidParameter(
            "SQS endpoint ARN: queues of other accounts are not supported here".into(),
        ));
    }
    // The topic must still be there at the commit.
    call.tx.require_unchanged(crate::notify::topic::TOPIC, &name.key());
    let key = name.endpoint_key(protocol.as_str(), &subscription.endpoint);
    let known = EndpointRecord { subscription: subscription.id.clone() };
    // It was read before: nobody else may have subscribed the endpoint meanwhile.
    call.tx.put(ENDPOINT, &key, &known)?;
    Ok(subscription)
}
