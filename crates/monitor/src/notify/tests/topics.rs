//! Topics and subscriptions through their operations: answers and refusals.

use super::world::{ACCOUNT, World, element, escaped, root, stranger};
use crate::notify::delivery::EXPIRY;
use crate::notify::topic::SUBSCRIPTION;

#[tokio::test]
async fn the_life_of_a_topic() {
    let world = World::new(None).await;
    let topic = world.topic("life").await;
    assert_eq!(topic, format!("arn:aws:sns:us-east-1:{ACCOUNT}:life"));
    assert_eq!(world.topic("life").await, topic);
    world
        .sns(&format!("SetTopicAttributes&TopicArn={topic}&AttributeName=DisplayName&AttributeValue=Shown"))
        .await;
    let attributes = world.sns(&format!("GetTopicAttributes&TopicArn={topic}")).await;
    for part in [
        "<key>DisplayName</key><value>Shown</value>",
        "<key>SubscriptionsConfirmed</key><value>0</value>",
        "__default_policy_ID",
    ] {
        assert!(attributes.contains(part), "{attributes}");
    }
    let other = "CreateTopic&Name=life&Attributes.entry.1.key=DisplayName&Attributes.entry.1.value=Other";
    let different = "Invalid parameter: Attributes Reason: Topic already exists with different attributes";
    assert_eq!(world.refused(other).await, ("InvalidParameter".into(), different.into()));
    let tag =
        |key: &str| format!("TagResource&ResourceArn={topic}&Tags.member.1.Key={key}&Tags.member.1.Value=v");
    world.sns(&tag("a")).await;
    world.sns(&tag("b")).await;
    world.sns(&format!("UntagResource&ResourceArn={topic}&TagKeys.member.1=a")).await;
    let tags = world.sns(&format!("ListTagsForResource&ResourceArn={topic}")).await;
    assert!(tags.contains("<Key>b</Key>") && !tags.contains("<Key>a</Key>"), "{tags}");
    assert!(world.sns("ListTopics").await.contains(&topic));
    world.sns(&format!("DeleteTopic&TopicArn={topic}")).await;
    world.sns(&format!("DeleteTopic&TopicArn={topic}")).await;
    assert!(!world.sns("ListTopics").await.contains(&topic));
}

#[tokio::test]
async fn refusals() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    let missing = format!("arn:aws:sns:us-east-1:{ACCOUNT}:none");
    let publish = |rest: &str| format!("Publish&TopicArn={topic}&{rest}");
    let invalid = "InvalidParameter";
    for (form, code, text) in [
        ("CreateTopic&Name=a.b".to_owned(), invalid, "Invalid parameter: Topic Name"),
        (format!("GetTopicAttributes&TopicArn={missing}"), "NotFound", "Topic does not exist"),
        (
            "Publish&TopicArn=x&Message=m".to_owned(),
            invalid,
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            format!("Publish&TopicArn={}&Message=m", topic.replace("us-east-1", "us-west-2")),
            invalid,
            "Invalid parameter: TopicArn",
        ),
        (publish("Message="), invalid, "Invalid parameter: Empty message"),
        (
            format!("Subscribe&TopicArn={topic}&Protocol=fax&Endpoint=1"),
            invalid,
            "Invalid parameter: Amazon SNS does not support this protocol string: fax",
        ),
        (
            format!("Subscribe&TopicArn={topic}&Protocol=https&Endpoint=http%3A%2F%2Fh"),
            invalid,
            "Invalid parameter: Endpoint must match the specified protocol",
        ),
        (
            format!("Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint=http%3A%2F%2Fh"),
            invalid,
            "Invalid parameter: SQS endpoint ARN",
        ),
        (
            format!("Subscribe&TopicArn={topic}&Protocol=email&Endpoint=nobody"),
            invalid,
            "Invalid parameter: Email address",
        ),
        (format!("ConfirmSubscription&TopicArn={topic}&Token=x"), invalid, "Invalid parameter: Token"),
        (format!("ConfirmSubscription&TopicArn={topic}&Token={}", "0".repeat(256)), invalid, "Invalid token"),
        (
            format!("GetSubscriptionAttributes&SubscriptionArn={topic}:6b0e71bd-7e97-4d97-80ce-4a0994e55286"),
            "NotFound",
            "Subscription does not exist",
        ),
    ] {
        assert_eq!(world.refused(&form).await, (code.to_owned(), text.to_owned()), "{form}");
    }
    for form in [
        "ListTopics".to_owned(),
        "CreateTopic&Name=other".to_owned(),
        publish("Message=m"),
        format!("GetTopicAttributes&TopicArn={missing}"),
        format!("Unsubscribe&SubscriptionArn={topic}:6b0e71bd-7e97-4d97-80ce-4a0994e55286"),
    ] {
        let fault = world.try_sns(stranger(), &form).await.expect_err(&form);
        assert_eq!((fault.code_in_query(), fault.status), ("AuthorizationError", 403), "{form}");
    }
}

#[tokio::test]
async fn a_topic_policy_lets_in() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/Mallory"}},"Action":"sns:Publish","Resource":"{topic}"}},{{"Effect":"Deny","Principal":"*","Action":"sns:DeleteTopic","Resource":"{topic}"}}]}}"#
    );
    let set = format!(
        "SetTopicAttributes&TopicArn={topic}&AttributeName=Policy&AttributeValue={}",
        escaped(&policy)
    );
    world.sns(&set).await;
    world.try_sns(stranger(), &format!("Publish&TopicArn={topic}&Message=m")).await.unwrap();
    let refused = world.try_sns(stranger(), &format!("GetTopicAttributes&TopicArn={topic}")).await;
    assert_eq!(refused.unwrap_err().status, 403);
    let denied = world.try_sns(root(), &format!("DeleteTopic&TopicArn={topic}")).await.unwrap_err();
    assert!(denied.message.unwrap().contains("explicit deny"));
}

#[tokio::test]
async fn subscriptions_are_unique_listed_and_end_when_nobody_confirms() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    let subscribe = format!(
        "Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a%40example.com&ReturnSubscriptionArn=true"
    );
    let arn = element(&world.sns(&subscribe).await, "SubscriptionArn");
    assert_eq!(element(&world.sns(&subscribe).await, "SubscriptionArn"), arn);
    let listed = world.sns(&format!("ListSubscriptionsByTopic&TopicArn={topic}")).await;
    assert_eq!(listed.matches("PendingConfirmation").count(), 1, "{listed}");
    assert!(world.sns("ListSubscriptions").await.contains("a@example.com"));
    let attributes = world.sns(&format!("GetSubscriptionAttributes&SubscriptionArn={arn}")).await;
    assert!(attributes.contains("<key>PendingConfirmation</key><value>true</value>"), "{attributes}");
    let wrong = format!(
        "SetSubscriptionAttributes&SubscriptionArn={arn}&AttributeName=RawMessageDelivery&AttributeValue=x"
    );
    let text = "Invalid parameter: RawMessageDelivery: Invalid value [x]. Must be true or false.";
    assert_eq!(world.refused(&wrong).await.1, text);
    world.advance(47 * 3_600).await;
    assert_eq!(world.count(SUBSCRIPTION).await, 1);
    world.advance(2 * 3_600).await;
    assert_eq!((world.count(SUBSCRIPTION).await, world.count(EXPIRY).await), (0, 0));
}

#[tokio::test]
async fn a_locked_subscription_is_not_ended_by_its_link() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a%40example.com")).await;
    world.settle().await;
    let mut call = world.call(root());
    let request =
        keywatch_api::outbox::ListOutboxRequest { max_results: Some(1), next_token: None, dead: None };
    let mails = crate::notify::list_outbox::list_outbox(&mut call, &(), request).await.unwrap().mails;
    let token = mails[0].body.split("Token=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let locking =
        format!("/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}&AuthenticateOnUnsubscribe=true");
    let anonymous = world.visit(&format!("{}{locking}", super::world::ENDPOINT)).await;
    assert_eq!(anonymous.status, 403, "{anonymous:?}");
    let confirm =
        format!("ConfirmSubscription&TopicArn={topic}&Token={token}&AuthenticateOnUnsubscribe=true");
    let arn = element(&world.sns(&confirm).await, "SubscriptionArn");
    assert_eq!(element(&world.sns(&confirm).await, "SubscriptionArn"), arn);
    let page =
        world.visit(&format!("{}/?Action=Unsubscribe&SubscriptionArn={arn}", super::world::ENDPOINT)).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("This subscription may only be deleted by an authorized user."));
    world.sns(&format!("Unsubscribe&SubscriptionArn={arn}")).await;
    assert_eq!(world.count(SUBSCRIPTION).await, 0);
}

#[tokio::test]
async fn batches_succeed_and_fail_by_entry() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    let entry = |n: u32, id: &str, text: &str| {
        format!(
            "&PublishBatchRequestEntries.member.{n}.Id={id}&PublishBatchRequestEntries.member.{n}.Message={text}"
        )
    };
    let batch = |entries: &str| format!("PublishBatch&TopicArn={topic}{entries}");
    let answer = world.sns(&batch(&(entry(1, "a", "m") + &entry(2, "b", "")))).await;
    assert!(
        answer.contains("<Id>a</Id><MessageId>")
            && answer.contains("<Id>b</Id><Code>InvalidParameter</Code>"),
        "{answer}"
    );
    let twice = world.refused(&batch(&(entry(1, "a", "m") + &entry(2, "a", "m")))).await;
    assert_eq!(twice.0, "BatchEntryIdsNotDistinct");
    let odd = world.refused(&batch(&entry(1, "a.b", "m"))).await;
    assert_eq!(
        odd.1,
        "The Id of a batch entry in the batch request contains an impermissible character: a.b"
    );
}
