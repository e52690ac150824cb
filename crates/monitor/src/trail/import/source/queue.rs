//! Polls a source's queue: what its messages name is fetched and taken in, and only then do they leave the queue.
//!
//! A message that says nothing that is understood stays in the queue, for its owner's redrive policy; it is counted once.

use keywatch_api::AccountId;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::http::{Guarded, JsonCall};
use super::intake::{Change, Intake, Marks};
use super::layout::{Holds, named_time};
use super::listing::fetch_named;
use super::location::checked_url;
use super::look_back::look_back;
use super::notice::{self, Named};
use super::poll::PollError;
use super::secret;

const MESSAGES_AT_ONCE: u32 = 10;
/// Asks all of a queue's servers, not some of them (SQS developer guide, "Short and long polling").
const WAIT_SECONDS: u32 = 1;
/// Receives of one poll.
const ROUNDS_MAX: u32 = 2_000;
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Receive<'a> {
    queue_url: &'a str,
    max_number_of_messages: u32,
    wait_time_seconds: u32,
    attribute_names: [&'a str; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    #[serde(default)]
    messages: Option<Vec<Message>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    approximate_receive_count: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delete<'a> {
    queue_url: &'a str,
    entries: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    id: String,
    receipt_handle: &'a str,
}

/// Takes messages until there are none.
pub(super) async fn poll(
    intake: &Intake<'_>,
    bucket: &Bucket,
    http: &Guarded,
    queue_url: &str,
) -> Result<(), PollError> {
    let url = checked_url(queue_url).ok_or_else(|| PollError::Remote("the queue's URL is none".into()))?;
    let credential = secret::open(&intake.inner.keyring, intake.source)?
        .ok_or_else(|| PollError::Remote("a queue needs credentials".into()))?;
    let region = region_of(&url).unwrap_or_else(|| intake.source.region().to_owned());
    let call = |target| JsonCall {
        target,
        content_type: CONTENT_TYPE,
        service: "sqs",
        region: &region,
        credential: &credential,
    };
    let mut endpoint = url.clone();
    endpoint.set_path("/");
    let receive = Receive {
        queue_url,
        max_number_of_messages: MESSAGES_AT_ONCE,
        wait_time_seconds: WAIT_SECONDS,
        attribute_names: ["ApproximateReceiveCount"],
    };
    for _ in 0..ROUNDS_MAX {
        intake.check_stop()?;
        let received: Received = http
            .call(&endpoint, &call("AmazonSQS.ReceiveMessage"), &receive)
            .await
            .map_err(|error| PollError::Remote(error.to_string()))?;
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        let done = take(intake, bucket, &messages).await?;
        if !done.is_empty() {
            let delete = Delete { queue_url, entries: done };
            let _: serde_json::Value = http
                .call(&endpoint, &call("AmazonSQS.DeleteMessageBatch"), &delete)
                .await
                .map_err(|error| PollError::Remote(error.to_string()))?;
        }
    }
    look_back(intake, bucket).await
}

/// Takes in what messages name; gives those that are done with.
async fn take<'m>(
    intake: &Intake<'_>,
    bucket: &Bucket,
    messages: &'m [Message],
) -> Result<Vec<Entry<'m>>, PollError> {
    let mut done = Vec::new();
    let mut malformed = Vec::new();
    let mut named: Vec<Named> = Vec::new();
    for message in messages {
        match notice::read(&message.body) {
            Some(objects) => {
                named.extend(objects);
                done.push(Entry { id: done.len().to_string(), receipt_handle: &message.receipt_handle });
            }
            // Received again, it was counted before.
            None if message
                .attributes
                .approximate_receive_count
                .as_deref()
                .is_none_or(|count| count == "1") =>
            {
                malformed.push(message.message_id.as_str());
            }
            None => {}
        }
    }
    let of_kind = |holds: Holds| {
        let keys = named.iter().filter(|one| is_ours(bucket, one) && named_time(holds, &one.key).is_some());
        keys.map(|one| one.key.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let digests: Vec<String> = match intake.source.validate_digests {
        true => of_kind(Holds::Digests).into_iter().collect(),
        false => Vec::new(),
    };
    let digests = fetch_named(bucket, digests).await?;
    if !digests.is_empty() {
        intake.take_digests(digests, Marks::new()).await?;
    }
    for key in of_kind(Holds::Logs) {
        intake.check_stop()?;
        match bucket.fetch(&key).await? {
            Some(file) => intake.take_log(file, Marks::new()).await?,
            None => intake.commit(&Marks::new(), &Change::Absent { key: &key }).await?,
        }
    }
    let read = done.len() as u64;
    intake.commit(&Marks::new(), &Change::Notices { read, malformed: &malformed }).await?;
    Ok(done)
}

/// Whether an object belongs to the source: notices may tell of others, which are passed over.
fn is_ours(bucket: &Bucket, named: &Named) -> bool {
    named.bucket == bucket.name && bucket.holds(&named.key)
}

/// `https://sqs.<region>.amazonaws.com/<account>/<name>`
fn region_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.strip_suffix(".amazonaws.com")?;
    let region = host.strip_prefix("sqs.")?;
    let account = url.path_segments()?.next()?;
    account.parse::<AccountId>().is_ok().then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_in_urls_of_queues() {
        let region = |url: &str| region_of(&url.parse().unwrap());
        assert_eq!(
            region("https://sqs.eu-west-1.amazonaws.com/111122223333/q").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(region("http://127.0.0.1:4599/000000000000/q"), None);
        assert_eq!(region("https://sqs.eu-west-1.amazonaws.com/q"), None);
    }
}
