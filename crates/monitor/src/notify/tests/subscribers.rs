//! What subscribers get, and when.

use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_crypto::digest::sha256;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::signature::Verifier;
use serde_json::{Value, json};

use super::receivers::{MailServer, WebServer};
use super::world::{ACCOUNT, ENDPOINT, World, element, escaped};
use crate::notify::delivery::{DEAD, DELIVERY};

/// Subscribes a web hook and visits the link it is sent; the subscription's ARN.
async fn subscribe_hook(world: &World, topic: &str, hook: &str, web: &WebServer) -> String {
    let before = web.of_kind("SubscriptionConfirmation").len();
    world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=http&Endpoint={}", escaped(hook))).await;
    world.settle().await;
    let asked = web.of_kind("SubscriptionConfirmation")[before].body();
    let page = world.visit(asked["SubscribeURL"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{page:?}");
    element(&page.body, "SubscriptionArn")
}

/// Verifies a document with the certificate at its own URL, by another library than the one that signed.
async fn verify(world: &World, document: &Value) {
    let signed: &[&str] = match document["Type"].as_str().unwrap() {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let text: String = signed
        .iter()
        .filter_map(|name| Some(format!("{name}\n{}\n", document.get(*name)?.as_str()?)))
        .collect();
    let page = world.visit(document["SigningCertURL"].as_str().unwrap()).await;
    let pem: String = page.body.lines().filter(|line| !line.starts_with("-----")).collect();
    let certificate = BASE64.decode(pem).unwrap();
    // The key stands in the certificate as PKCS#1: a sequence (0x30 0x82) of a 257-byte modulus and an exponent.
    let start = certificate.windows(8).position(|w| w == [0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1]).unwrap();
    let key = rsa::RsaPublicKey::from_pkcs1_der(&certificate[start..start + 270]).unwrap();
    let signature = BASE64.decode(document["Signature"].as_str().unwrap()).unwrap();
    match document["SignatureVersion"].as_str().unwrap() {
        "1" => {
            let signature = Signature::try_from(signature.as_slice()).unwrap();
            VerifyingKey::<sha1::Sha1>::new(key).verify(text.as_bytes(), &signature).unwrap();
        }
        "2" => {
            // RFC 8017, 9.2, note 1: how SHA-256 is named before a digest.
            let prefix = hex::decode("3031300d060960864801650304020105000420").unwrap().into();
            let scheme = rsa::Pkcs1v15Sign { hash_len: Some(32), prefix };
            key.verify(scheme, &sha256(text.as_bytes()), &signature).unwrap();
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_web_hook_is_asked_then_told_and_bid_farewell() {
    let world = World::new(None).await;
    let web = WebServer::start().await;
    let topic = world.topic("t").await;
    let arn = subscribe_hook(&world, &topic, &format!("{}/hook", web.url), &web).await;
    let asked = &web.posts.all()[0];
    verify(&world, &asked.body()).await;
    assert_eq!(asked.header("x-amz-sns-subscription-arn"), None);
    assert_eq!(asked.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(asked.header("user-agent"), Some("amazon simple notification service agent"));

    world.sns(&format!("Publish&TopicArn={topic}&Message=hello&Subject=Greeting")).await;
    world.settle().await;
    let told = web.of_kind("Notification").remove(0);
    assert_eq!(told.path, "/hook");
    assert_eq!(told.header("x-amz-sns-subscription-arn"), Some(arn.as_str()));
    let document = told.body();
    assert_eq!(
        (document["Message"].as_str(), document["Subject"].as_str()),
        (Some("hello"), Some("Greeting"))
    );
    verify(&world, &document).await;

    world
        .sns(&format!("SetTopicAttributes&TopicArn={topic}&AttributeName=SignatureVersion&AttributeValue=2"))
        .await;
    world.sns(&format!("Publish&TopicArn={topic}&Message=again")).await;
    world.settle().await;
    let document = web.of_kind("Notification").remove(1).body();
    assert_eq!(document["SignatureVersion"], "2");
    verify(&world, &document).await;

    assert_eq!(world.visit(document["UnsubscribeURL"].as_str().unwrap()).await.status, 200);
    world.sns(&format!("Publish&TopicArn={topic}&Message=unheard")).await;
    world.settle().await;
    assert_eq!(web.of_kind("Notification").len(), 2);
    let farewell = web.of_kind("UnsubscribeConfirmation").remove(0).body();
    verify(&world, &farewell).await;
    let page = world.visit(farewell["SubscribeURL"].as_str().unwrap()).await;
    assert_eq!(element(&page.body, "SubscriptionArn"), arn);
    world.sns(&format!("Publish&TopicArn={topic}&Message=heard")).await;
    world.settle().await;
    assert_eq!(web.of_kind("Notification").len(), 3);
}

#[tokio::test]
async fn an_address_gets_nothing_but_the_question_until_it_is_confirmed() {
    let mail = MailServer::start().await;
    let world = World::new(Some(mail.url.clone())).await;
    let topic = world.topic("t").await;
    let answer =
        world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a%2Bb%40example.com")).await;
    assert_eq!(element(&answer, "SubscriptionArn"), "pending confirmation");
    world.sns(&format!("Publish&TopicArn={topic}&Message=early")).await;
    world.settle().await;
    let mails = mail.mails.all();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let question = mails[0].plain();
    assert_eq!(mails[0].to, "a+b@example.com");
    assert!(question.contains("Subject: AWS Notification - Subscription Confirmation\n"), "{question}");
    assert!(question.contains(&topic), "{question}");
    let link = question.split_whitespace().find(|word| word.contains("/confirmation.html")).unwrap();
    let page = world.visit(link).await;
    assert!(page.status == 200 && page.body.contains(&topic), "{page:?}");

    world.sns(&format!("Publish&TopicArn={topic}&Message=on+time&Subject=S")).await;
    world.settle().await;
    let told = mail.mails.wait_for(2).await.remove(1).plain();
    assert!(told.contains("Subject: S\n") && told.contains("\non time\n"), "{told}");
    let link = told.split_whitespace().find(|word| word.contains("/unsubscribe.html")).unwrap();
    assert_eq!(world.visit(link).await.status, 200);
    world.sns(&format!("Publish&TopicArn={topic}&Message=late")).await;
    world.settle().await;
    assert_eq!(mail.mails.all().len(), 2);
}

#[tokio::test]
async fn without_a_mail_server_mails_are_kept() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a%40example.com")).await;
    world.settle().await;
    let mut call = world.call(super::world::root());
    let request = keywatch_api::outbox::ListOutboxRequest { max_results: None, next_token: None, dead: None };
    let listed = crate::notify::list_outbox::list_outbox(&mut call, &(), request).await.unwrap();
    assert_eq!(listed.mails.len(), 1);
    assert_eq!(listed.mails[0].to, "a@example.com");
    let link =
        listed.mails[0].body.split_whitespace().find(|word| word.contains("/confirmation.html")).unwrap();
    assert_eq!(world.visit(link).await.status, 200);
}

#[tokio::test]
async fn what_failed_is_tried_again_on_the_clock_and_after_a_restart() {
    let mut world = World::new(None).await;
    let web = WebServer::start().await;
    let topic = world.topic("t").await;
    subscribe_hook(&world, &topic, &format!("{}/hook", web.url), &web).await;
    web.status.store(503, Ordering::SeqCst);
    world.sns(&format!("Publish&TopicArn={topic}&Message=m")).await;
    world.settle().await;
    assert_eq!(web.of_kind("Notification").len(), 1);
    world.advance(19).await;
    assert_eq!(web.of_kind("Notification").len(), 1);
    world.advance(1).await;
    assert_eq!(web.of_kind("Notification").len(), 2);
    world = world.restart().await;
    web.status.store(200, Ordering::SeqCst);
    world.advance(19).await;
    assert_eq!(web.of_kind("Notification").len(), 2);
    world.advance(1).await;
    assert_eq!(web.of_kind("Notification").len(), 3);
    world = world.restart().await;
    world.advance(3_600).await;
    assert_eq!(web.of_kind("Notification").len(), 3);
    assert_eq!((world.count(DELIVERY).await, world.count(DEAD).await), (0, 0));
}

#[tokio::test]
async fn what_is_given_up_is_kept_and_redriven() {
    let world = World::new(None).await;
    let web = WebServer::start().await;
    let topic = world.topic("t").await;
    let queue = world.queue("dead").await;
    let arn = subscribe_hook(&world, &topic, &format!("{}/hook", web.url), &web).await;
    let policy = json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:{ACCOUNT}:dead")}).to_string();
    let set = format!(
        "SetSubscriptionAttributes&SubscriptionArn={arn}&AttributeName=RedrivePolicy&AttributeValue={}",
        escaped(&policy)
    );
    world.sns(&set).await;
    web.status.store(500, Ordering::SeqCst);
    world.sns(&format!("Publish&TopicArn={topic}&Message=lost")).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!(web.of_kind("Notification").len(), 4);
    assert_eq!((world.count(DELIVERY).await, world.count(DEAD).await), (0, 1));
    let bodies = world.bodies(&queue).await;
    let document: Value = serde_json::from_str(&bodies[0]).unwrap();
    assert_eq!(document["Message"], "lost");
    // A refusal is not tried again.
    web.status.store(404, Ordering::SeqCst);
    world.sns(&format!("Publish&TopicArn={topic}&Message=refused")).await;
    world.settle().await;
    world.advance(60).await;
    assert_eq!(web.of_kind("Notification").len(), 5);
    assert_eq!(world.count(DEAD).await, 2);
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again() {
    let mail = MailServer::start().await;
    mail.answer.store(451, Ordering::SeqCst);
    let world = World::new(Some(mail.url.clone())).await;
    let topic = world.topic("t").await;
    world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=email&Endpoint=a%40example.com")).await;
    world.settle().await;
    assert_eq!(mail.refused.all().len(), 1);
    mail.answer.store(250, Ordering::SeqCst);
    world.advance(10).await;
    assert_eq!(mail.mails.all().len(), 1);
}

#[tokio::test]
async fn a_slow_endpoint_delays_nobody_else() {
    let world = World::new(None).await;
    let web = WebServer::start().await;
    let topic = world.topic("slow").await;
    subscribe_hook(&world, &topic, &format!("{}/slow", web.url), &web).await;
    let other = world.topic("quick").await;
    subscribe_hook(&world, &other, &format!("{}/quick", web.url), &web).await;
    let before = web.posts.all().len();
    web.status.store(0, Ordering::SeqCst);
    for _ in 0..10 {
        world.sns(&format!("Publish&TopicArn={topic}&Message=m")).await;
    }
    // Four attempts hang by now, or soon.
    web.posts.wait_for(before + 4).await;
    world.sns(&format!("Publish&TopicArn={other}&Message=m")).await;
    let posts = web.posts.wait_for(before + 5).await;
    assert_eq!(posts.last().unwrap().path, "/quick");
}

#[tokio::test]
async fn a_queue_gets_the_document_or_the_raw_message() {
    let world = World::new(None).await;
    let topic = world.topic("t").await;
    let (plain, raw) = (world.queue("plain").await, world.queue("raw").await);
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}");
    let subscribed =
        world.sns(&format!("Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={}", arn("plain"))).await;
    assert!(element(&subscribed, "SubscriptionArn").starts_with(&topic));
    let filter = escaped(r#"{"color":["red"]}"#);
    world
        .sns(&format!(
            "Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={}&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true&Attributes.entry.2.key=FilterPolicy&Attributes.entry.2.value={filter}",
            arn("raw")
        ))
        .await;
    for color in ["red", "blue"] {
        world
            .sns(&format!(
                "Publish&TopicArn={topic}&Message={color}&MessageAttributes.entry.1.Name=color&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue={color}"
            ))
            .await;
    }
    world.settle().await;
    assert_eq!(world.bodies(&raw).await, ["red"]);
    let documents: Vec<Value> =
        world.bodies(&plain).await.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let mut messages: Vec<&str> = documents.iter().map(|d| d["Message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["blue", "red"]);
    verify(&world, &documents[0]).await;
    assert!(documents[0]["UnsubscribeURL"].as_str().unwrap().starts_with(ENDPOINT));
    assert_eq!(documents[0]["MessageAttributes"]["color"]["Type"], "String");
}
