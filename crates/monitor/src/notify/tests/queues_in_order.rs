//! Queues in order (FIFO) through their operations.

use serde_json::{Value, json};

use super::world::{ACCOUNT, World};
use crate::notify::queue::fifo::{GROUP, READY};
use crate::notify::queue::rows::{QUEUED, VISIBLE};

/// A queue in order with these attributes.
async fn made(world: &World, name: &str, mut attributes: Value) -> String {
    attributes["FifoQueue"] = json!("true");
    let made = world.sqs("CreateQueue", json!({"QueueName": name, "Attributes": attributes})).await;
    made["QueueUrl"].as_str().unwrap().to_owned()
}

async fn send(world: &World, url: &str, group: &str, body: &str) -> Value {
    let message = json!({"QueueUrl": url, "MessageGroupId": group, "MessageDeduplicationId": body, "MessageBody": body});
    world.sqs("SendMessage", message).await
}

/// Bodies and receipts of what is received.
async fn receive(world: &World, url: &str, count: i32) -> Vec<(String, String)> {
    let request = json!({"QueueUrl": url, "MaxNumberOfMessages": count, "AttributeNames": ["All"]});
    let received = world.sqs("ReceiveMessage", request).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = received["Messages"].as_array().cloned().unwrap_or_default();
    messages.iter().map(|message| (text(&message["Body"]), text(&message["ReceiptHandle"]))).collect()
}

async fn bodies(world: &World, url: &str, count: i32) -> Vec<String> {
    receive(world, url, count).await.into_iter().map(|(body, _)| body).collect()
}

#[tokio::test]
async fn a_group_is_blocked_while_a_message_of_it_is_out() {
    let world = World::new(None).await;
    let url = made(&world, "q.fifo", json!({})).await;
    let first = send(&world, &url, "a", "a1").await;
    let second = send(&world, &url, "a", "a2").await;
    send(&world, &url, "b", "b1").await;
    assert!(first["SequenceNumber"].as_str().unwrap() < second["SequenceNumber"].as_str().unwrap());
    assert_eq!(first["SequenceNumber"].as_str().unwrap().len(), 20);
    let out = receive(&world, &url, 1).await;
    assert_eq!(out[0].0, "a1");
    assert_eq!(bodies(&world, &url, 10).await, ["b1"]);
    assert!(bodies(&world, &url, 10).await.is_empty());
    world.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": out[0].1})).await;
    assert_eq!(bodies(&world, &url, 10).await, ["a2"]);
    // After its time a message comes again, and a receipt from before is worth nothing.
    world.advance(30).await;
    let again = receive(&world, &url, 10).await;
    assert_eq!(again.len(), 2);
    world.advance(30).await;
    let late = json!({"QueueUrl": url, "ReceiptHandle": again[0].1});
    let refused = world.try_sqs("DeleteMessage", late).await.unwrap_err();
    assert!(refused.message.unwrap().ends_with("Reason: The receipt handle has expired."));
    for (_, handle) in receive(&world, &url, 10).await {
        world.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": handle})).await;
    }
    for kind in [QUEUED, VISIBLE, GROUP, READY] {
        assert_eq!(world.count(kind).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn what_is_shown_again_comes_as_far_as_the_beginning_of_its_group_goes() {
    let world = World::new(None).await;
    let url = made(&world, "q.fifo", json!({})).await;
    for body in ["foo", "bar", "baz"] {
        send(&world, &url, "g", body).await;
    }
    let out = receive(&world, &url, 10).await;
    assert_eq!(out.iter().map(|(body, _)| body.as_str()).collect::<Vec<_>>(), ["foo", "bar", "baz"]);
    let show = async |handle: &str| {
        let change = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
        world.sqs("ChangeMessageVisibility", change).await;
    };
    show(&out[1].1).await;
    assert!(bodies(&world, &url, 10).await.is_empty());
    show(&out[0].1).await;
    assert_eq!(bodies(&world, &url, 10).await, ["foo", "bar"]);
}

#[tokio::test]
async fn the_same_message_is_taken_once_in_five_minutes() {
    let world = World::new(None).await;
    let url = made(&world, "q.fifo", json!({"ContentBasedDeduplication": "true"})).await;
    let message = json!({"QueueUrl": url, "MessageGroupId": "g", "MessageBody": "m"});
    let first = world.sqs("SendMessage", message.clone()).await;
    let out = receive(&world, &url, 10).await;
    world.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": out[0].1})).await;
    world.advance(299).await;
    assert_eq!(world.sqs("SendMessage", message.clone()).await, first);
    assert!(bodies(&world, &url, 10).await.is_empty());
    world.advance(1).await;
    assert_ne!(world.sqs("SendMessage", message).await, first);
    assert_eq!(bodies(&world, &url, 10).await, ["m"]);
    // By group, the same id may be in several of them.
    let by_group = json!({"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"});
    let url = made(&world, "groups.fifo", by_group).await;
    send(&world, &url, "a", "m").await;
    send(&world, &url, "b", "m").await;
    send(&world, &url, "b", "m").await;
    assert_eq!(bodies(&world, &url, 10).await, ["m", "m"]);
}

#[tokio::test]
async fn an_attempt_that_is_made_again_gets_the_same() {
    let world = World::new(None).await;
    let url = made(&world, "q.fifo", json!({})).await;
    send(&world, &url, "a", "1").await;
    send(&world, &url, "b", "2").await;
    let attempt = |id: &str| json!({"QueueUrl": url, "ReceiveRequestAttemptId": id});
    let first = world.sqs("ReceiveMessage", attempt("x")).await;
    assert_eq!(world.sqs("ReceiveMessage", attempt("x")).await, first);
    assert_ne!(world.sqs("ReceiveMessage", attempt("y")).await, first);
    let delete = json!({"QueueUrl": url, "ReceiptHandle": first["Messages"][0]["ReceiptHandle"]});
    world.sqs("DeleteMessage", delete).await;
    assert_eq!(world.sqs("ReceiveMessage", attempt("x")).await, json!({}));
}

#[tokio::test]
async fn dead_letters_keep_their_order_and_everything_survives_a_restart() {
    let world = World::new(None).await;
    let dead = made(&world, "dead.fifo", json!({})).await;
    let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead.fifo");
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": 1}).to_string();
    let url = made(&world, "q.fifo", json!({"RedrivePolicy": policy, "VisibilityTimeout": "0"})).await;
    for body in ["1", "2", "3"] {
        send(&world, &url, "g", body).await;
    }
    assert_eq!(bodies(&world, &url, 2).await, ["1", "2"]);
    let world = world.restart().await;
    // What was received twice makes room for what follows it.
    assert_eq!(bodies(&world, &url, 10).await, ["3"]);
    assert!(bodies(&world, &url, 10).await.is_empty());
    assert_eq!(bodies(&world, &dead, 10).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn refusals_of_queues_in_order() {
    let world = World::new(None).await;
    let url = made(&world, "q.fifo", json!({})).await;
    let standard = world.queue("q").await;
    for (operation, request, text) in [
        (
            "SendMessage",
            json!({"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g"}),
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        (
            "SendMessage",
            json!({"QueueUrl": url, "MessageBody": "m", "MessageDeduplicationId": "d"}),
            "The request must contain the parameter MessageGroupId.",
        ),
        (
            "SendMessage",
            json!({"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": "d", "DelaySeconds": 2}),
            "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.",
        ),
        (
            "SendMessage",
            json!({"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "g", "MessageDeduplicationId": ""}),
            "Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        ),
        (
            "SetQueueAttributes",
            json!({"QueueUrl": standard, "Attributes": {"ContentBasedDeduplication": "true"}}),
            "Unknown Attribute ContentBasedDeduplication.",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "other", "Attributes": {"FifoQueue": "true"}}),
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}}),
            "A queue already exists with the same name and a different value for attribute ContentBasedDeduplication",
        ),
    ] {
        let fault = world.try_sqs(operation, request).await.unwrap_err();
        assert_eq!(fault.message.as_deref(), Some(text), "{operation}");
    }
}
