//! Queues through their operations.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::world::{ACCOUNT, World, root};
use crate::entry::{Body, Message, Target};
use crate::notify::queue::rows::{QUEUED, VISIBLE};

#[tokio::test]
async fn a_message_is_hidden_while_it_is_worked_on() {
    let world = World::new(None).await;
    let url = world.queue("q").await;
    let sent = world
        .sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "hello", "MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}}}))
        .await;
    assert_eq!(sent["MD5OfMessageBody"], "5d41402abc4b2a76b9719d911017c592");
    let receive = json!({"QueueUrl": url, "AttributeNames": ["All"], "MessageAttributeNames": ["All"], "VisibilityTimeout": 10});
    let first = world.sqs("ReceiveMessage", receive.clone()).await["Messages"][0].clone();
    assert_eq!(
        (first["MessageId"].clone(), first["Body"].as_str()),
        (sent["MessageId"].clone(), Some("hello"))
    );
    assert_eq!(first["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(first["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(first["Attributes"]["SenderId"], ACCOUNT);
    assert_eq!(world.sqs("ReceiveMessage", receive.clone()).await, json!({}));
    let counts = world.sqs("GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["All"]})).await;
    assert_eq!(counts["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "1");
    world.advance(10).await;
    let second = world.sqs("ReceiveMessage", receive.clone()).await["Messages"][0].clone();
    assert_eq!(second["Attributes"]["ApproximateReceiveCount"], "2");
    let change = json!({"QueueUrl": url, "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0});
    world.sqs("ChangeMessageVisibility", change).await;
    let third = world.sqs("ReceiveMessage", receive).await["Messages"][0].clone();
    world.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": third["ReceiptHandle"]})).await;
    assert_eq!((world.count(QUEUED).await, world.count(VISIBLE).await), (0, 0));
}

#[tokio::test]
async fn a_waiting_caller_is_woken() {
    let world = std::sync::Arc::new(World::new(None).await);
    let url = world.queue("q").await;
    let waiting = tokio::spawn({
        let (world, url) = (world.clone(), url.clone());
        async move { world.sqs("ReceiveMessage", json!({"QueueUrl": url, "WaitTimeSeconds": 20})).await }
    });
    let started = std::time::Instant::now();
    tokio::task::yield_now().await;
    world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "wake"})).await;
    assert_eq!(waiting.await.unwrap()["Messages"][0]["Body"], "wake");
    assert!(started.elapsed() < std::time::Duration::from_secs(15));
}

#[tokio::test]
async fn messages_of_rules_arrive_once_as_they_are() {
    let mut world = World::new(None).await;
    let url = world.queue("q").await;
    let message = Message {
        target: Target::Queue(format!("arn:aws:sqs:us-east-1:{ACCOUNT}:q")),
        id: "m".into(),
        subject: None,
        body: r#"{"detail":1}"#.into(),
        by_protocol: false,
        order: None,
        rule: None,
        alarm: None,
        attributes: BTreeMap::new(),
    };
    let mut call = world.call(root());
    let partition = call.partition();
    call.tx.append(message.append(partition, call.now));
    call.tx.commit().await.unwrap();
    world.settle().await;
    world = world.restart().await;
    world.settle().await;
    assert_eq!(world.count(QUEUED).await, 1);
    assert_eq!(world.bodies(&url).await, [r#"{"detail":1}"#]);
}

#[tokio::test]
async fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
    let world = World::new(None).await;
    let dead = world.queue("dead").await;
    let policy = json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead"), "maxReceiveCount": "1"});
    let attributes = json!({"RedrivePolicy": policy.to_string(), "VisibilityTimeout": "1"});
    let made = world.sqs("CreateQueue", json!({"QueueName": "q", "Attributes": attributes})).await;
    let url = made["QueueUrl"].as_str().unwrap();
    world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "m"})).await;
    assert_eq!(world.bodies(url).await, ["m"]);
    world.advance(1).await;
    assert!(world.bodies(url).await.is_empty());
    let receive = json!({"QueueUrl": dead, "AttributeNames": ["All"]});
    let buried = world.sqs("ReceiveMessage", receive).await["Messages"][0].clone();
    assert_eq!(
        buried["Attributes"]["DeadLetterQueueSourceArn"],
        format!("arn:aws:sqs:us-east-1:{ACCOUNT}:q")
    );
    // What a queue counted goes along, and when it was sent.
    assert_eq!(buried["Attributes"]["ApproximateReceiveCount"], "2");
    let sources = world.sqs("ListDeadLetterSourceQueues", json!({"QueueUrl": dead})).await;
    assert_eq!(sources["queueUrls"], json!([url]));
}

#[tokio::test]
async fn purged_and_deleted_messages_are_removed() {
    let world = World::new(None).await;
    let url = world.queue("q").await;
    for _ in 0..3 {
        world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "m"})).await;
    }
    world.sqs("PurgeQueue", json!({"QueueUrl": url})).await;
    assert!(world.bodies(&url).await.is_empty());
    let again = world.try_sqs("PurgeQueue", json!({"QueueUrl": url})).await.unwrap_err();
    assert_eq!((again.status, again.code_in_query()), (403, "AWS.SimpleQueueService.PurgeQueueInProgress"));
    world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "m"})).await;
    world.settle().await;
    assert_eq!((world.count(QUEUED).await, world.count(VISIBLE).await), (1, 1));
    world.sqs("DeleteQueue", json!({"QueueUrl": url})).await;
    world.settle().await;
    assert_eq!((world.count(QUEUED).await, world.count(VISIBLE).await), (0, 0));
    let gone = world.try_sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "m"})).await.unwrap_err();
    assert_eq!(
        (gone.code.as_ref(), gone.code_in_query()),
        ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
    );
}

#[tokio::test]
async fn refusals_and_batches() {
    let world = World::new(None).await;
    let url = world.queue("q").await;
    let with = |mut extra: Value| {
        extra["QueueUrl"] = json!(url);
        extra
    };
    for (operation, request, text) in [
        (
            "ReceiveMessage",
            with(json!({"MaxNumberOfMessages": 11})),
            "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        ),
        (
            "ReceiveMessage",
            with(json!({"WaitTimeSeconds": 21})),
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        ("SendMessage", with(json!({})), "The request must contain the parameter MessageBody."),
        (
            "SendMessage",
            with(json!({"MessageBody": "x".repeat(1_048_577)})),
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ),
        (
            "DeleteMessage",
            with(json!({"ReceiptHandle": "x"})),
            "The input receipt handle \"x\" is not a valid receipt handle.",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "q", "Attributes": {"DelaySeconds": "1"}}),
            "A queue already exists with the same name and a different value for attribute DelaySeconds",
        ),
        ("GetQueueUrl", json!({"QueueName": "none"}), "The specified queue does not exist."),
        (
            "SetQueueAttributes",
            with(json!({"Attributes": {"FifoQueue": "false"}})),
            "Unknown Attribute FifoQueue.",
        ),
    ] {
        let fault = world.try_sqs(operation, request).await.unwrap_err();
        assert_eq!(fault.message.as_deref(), Some(text), "{operation}");
    }
    let entries = json!([{"Id": "a", "MessageBody": "1"}, {"Id": "b"}]);
    let answer = world.sqs("SendMessageBatch", with(json!({"Entries": entries}))).await;
    assert_eq!(
        (answer["Successful"][0]["Id"].as_str(), answer["Failed"][0]["Code"].as_str()),
        (Some("a"), Some("MissingParameter"))
    );
    let received = world.sqs("ReceiveMessage", with(json!({}))).await;
    let handle = received["Messages"][0]["ReceiptHandle"].clone();
    let deleted = world
        .sqs(
            "DeleteMessageBatch",
            with(
                json!({"Entries": [{"Id": "x", "ReceiptHandle": handle}, {"Id": "y", "ReceiptHandle": "?"}]}),
            ),
        )
        .await;
    assert_eq!(
        (deleted["Successful"][0]["Id"].as_str(), deleted["Failed"][0]["Id"].as_str()),
        (Some("x"), Some("y"))
    );
}

#[tokio::test]
async fn dead_letters_go_back_where_they_came_from() {
    let world = World::new(None).await;
    let dead = world.queue("dead").await;
    let dead_arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead");
    let start = json!({"SourceArn": dead_arn});
    let refused = world.try_sqs("StartMessageMoveTask", start.clone()).await.unwrap_err();
    assert_eq!(refused.message.as_deref(), Some("Source queue must be configured as a Dead Letter Queue."));
    let policy = json!({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1}).to_string();
    let attributes = json!({"RedrivePolicy": policy, "VisibilityTimeout": "0"});
    let made = world.sqs("CreateQueue", json!({"QueueName": "q", "Attributes": attributes})).await;
    let url = made["QueueUrl"].as_str().unwrap();
    for n in 0..3 {
        world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": format!("m{n}")})).await;
    }
    for _ in 0..2 {
        world.bodies(url).await;
    }
    let count = async |url: &str| {
        let all = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        world.sqs("GetQueueAttributes", all).await["Attributes"]["ApproximateNumberOfMessages"].clone()
    };
    assert_eq!((count(url).await, count(&dead).await), (json!("0"), json!("3")));
    let slow = json!({"SourceArn": dead_arn, "MaxNumberOfMessagesPerSecond": 1});
    let handle = world.sqs("StartMessageMoveTask", slow.clone()).await["TaskHandle"].clone();
    world.settle().await;
    let again = world.try_sqs("StartMessageMoveTask", slow).await.unwrap_err();
    assert!(again.message.unwrap().starts_with("There is already a task running."));
    let tasks = world.sqs("ListMessageMoveTasks", start.clone()).await["Results"].clone();
    assert_eq!((&tasks[0]["Status"], &tasks[0]["TaskHandle"]), (&json!("RUNNING"), &handle));
    let cancelled = world.sqs("CancelMessageMoveTask", json!({"TaskHandle": handle})).await;
    assert_eq!(cancelled["ApproximateNumberOfMessagesMoved"], 1);
    // Tasks are listed by when they began, the newest first.
    world.advance(1).await;
    world.sqs("StartMessageMoveTask", start.clone()).await;
    world.advance(1).await;
    let all = json!({"SourceArn": dead_arn, "MaxResults": 10});
    let tasks = world.sqs("ListMessageMoveTasks", all).await["Results"].clone();
    let shown = |index: usize| {
        (tasks[index]["Status"].clone(), tasks[index]["ApproximateNumberOfMessagesMoved"].clone())
    };
    assert_eq!((shown(0), shown(1)), ((json!("COMPLETED"), json!(2)), (json!("CANCELLED"), json!(1))));
    assert_eq!((count(url).await, count(&dead).await), (json!("3"), json!("0")));
}

#[tokio::test]
async fn messages_expire_though_nobody_asks() {
    let world = World::new(None).await;
    let attributes = json!({"MessageRetentionPeriod": "60"});
    let made = world.sqs("CreateQueue", json!({"QueueName": "q", "Attributes": attributes})).await;
    let url = made["QueueUrl"].as_str().unwrap();
    world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "old"})).await;
    world.advance(45).await;
    world.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": "new"})).await;
    world.advance(59).await;
    assert_eq!(world.bodies(url).await, ["new"]);
    world.advance(120).await;
    assert_eq!((world.count(QUEUED).await, world.count(VISIBLE).await), (0, 0));
}

#[tokio::test]
async fn a_redrive_policy_names_a_queue_that_allows_it() {
    let world = World::new(None).await;
    let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead");
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 1}).to_string();
    let create = json!({"QueueName": "q", "Attributes": {"RedrivePolicy": policy}});
    let refused = async |reason: &str| {
        let fault = world.try_sqs("CreateQueue", create.clone()).await.unwrap_err();
        let want = format!("Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}");
        assert_eq!(fault.message, Some(want));
    };
    refused("Dead letter target does not exist.").await;
    let dead = world.queue("dead").await;
    let deny = json!({"redrivePermission": "denyAll"}).to_string();
    let set = |value: &str| json!({"QueueUrl": dead, "Attributes": {"RedriveAllowPolicy": value}});
    world.sqs("SetQueueAttributes", set(&deny)).await;
    refused("The dead-letter queue's redrive allow policy does not allow this queue.").await;
    world.sqs("SetQueueAttributes", set("")).await;
    world.sqs("CreateQueue", create.clone()).await;
}

#[tokio::test]
async fn permissions_are_statements_of_the_policy() {
    let world = World::new(None).await;
    let url = world.queue("q").await;
    let add = |label: &str| json!({"QueueUrl": url, "Label": label, "AWSAccountIds": ["222233334444"], "Actions": ["ReceiveMessage"]});
    world.sqs("AddPermission", add("one")).await;
    let twice = world.try_sqs("AddPermission", add("one")).await.unwrap_err();
    let want = "Value one for parameter Label is invalid. Reason: Already exists.";
    assert_eq!(twice.message.as_deref(), Some(want));
    world.sqs("AddPermission", add("two")).await;
    let ask = json!({"QueueUrl": url, "AttributeNames": ["Policy"]});
    let policy = world.sqs("GetQueueAttributes", ask.clone()).await["Attributes"]["Policy"].clone();
    let policy: Value = serde_json::from_str(policy.as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][1]["Sid"], "two");
    assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::222233334444:root");
    for label in ["one", "two"] {
        world.sqs("RemovePermission", json!({"QueueUrl": url, "Label": label})).await;
    }
    assert_eq!(world.sqs("GetQueueAttributes", ask).await, json!({}));
    let gone = world.try_sqs("RemovePermission", json!({"QueueUrl": url, "Label": "one"})).await.unwrap_err();
    assert!(gone.message.unwrap().ends_with("can't find label."));
}
