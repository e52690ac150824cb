//! Delivery to an HTTP endpoint, in the form in which Firehose delivers.
//!
//! Source: Firehose Developer Guide, "HTTP endpoint delivery request and response specifications".

use std::time::Duration;

use jiff::Timestamp;
use keywatch_api::SecretText;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::outbound::{Reach, chain};

const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    request_id: &'a str,
    /// Milliseconds.
    timestamp: i64,
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
struct Record<'a> {
    data: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    request_id: Option<String>,
    error_message: Option<String>,
}

/// What is posted at once.
pub(super) struct Post<'a> {
    pub(super) id: &'a str,
    pub(super) now: Timestamp,
    pub(super) firehose_arn: &'a str,
    pub(super) records: Vec<&'a str>,
}

/// Whoever wrote the configuration chose the endpoints, so they may be private.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    Reach { allow_private: true }.client().timeout(ANSWER_MAX).build()
}

/// Posts records; an endpoint has taken them when it answers 200 and repeats the request's id.
pub(super) async fn post(
    client: &reqwest::Client,
    (url, access_key): (&Url, Option<&SecretText>),
    post: &Post<'_>,
) -> Result<(), String> {
    let body = Body {
        request_id: post.id,
        timestamp: post.now.as_millisecond(),
        records: post.records.iter().map(|data| Record { data }).collect(),
    };
    let body = serde_json::to_vec(&body).map_err(|error| error.to_string())?;
    let mut request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("x-amz-firehose-protocol-version", "1.0")
        .header("x-amz-firehose-request-id", post.id)
        .header("x-amz-firehose-source-arn", post.firehose_arn)
        .body(body);
    if let Some(key) = access_key {
        let mut key = reqwest::header::HeaderValue::from_str(key.expose())
            .map_err(|_| "the access key is no header value")?;
        key.set_sensitive(true);
        request = request.header("x-amz-firehose-access-key", key);
    }
    let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
    let status = answer.status();
    if answer.content_length().is_some_and(|length| length > ANSWER_BYTES_MAX) {
        return Err(format!("the endpoint answered {status} and too much"));
    }
    let body = answer.bytes().await.map_err(|error| chain(&error.without_url()))?;
    let told: Option<Answer> = serde_json::from_slice(&body).ok();
    let repeats = told.as_ref().and_then(|told| told.request_id.as_deref()) == Some(post.id);
    match status.as_u16() {
        200 if repeats => Ok(()),
        200 => Err("the endpoint answered without the request's id".to_owned()),
        _ => {
            let reason = told.and_then(|told| told.error_message).unwrap_or_default();
            Err(format!("the endpoint answered {status} {reason}"))
        }
    }
}
