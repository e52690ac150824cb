//! Web hooks: messages posted to http and https endpoints.
//!
//! **Not here:** which addresses may be reached ([`Reach`]).

use std::time::Duration;

use reqwest::{Client, StatusCode, Url};

use super::delivery::Outcome;
use crate::outbound::{Reach, chain};

/// SNS developer guide: an endpoint has 15 seconds to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
const AGENT: &str = "Amazon Simple Notification Service Agent";
/// Bytes of an answer that are read, so that its connection can be used again; longer ones cost the connection.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Posts messages.
#[derive(Clone, Debug)]
pub(crate) struct Poster {
    client: Client,
    reach: Reach,
}

/// One message to post.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    /// `Notification`, …
    pub(crate) kind: &'static str,
    pub(crate) message_id: String,
    pub(crate) topic_arn: String,
    /// Absent in confirmations of subscriptions.
    pub(crate) subscription_arn: Option<String>,
    pub(crate) raw: bool,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

impl Poster {
    /// Fails only when the machine's certificates cannot be read.
    pub(crate) fn new(allow_private: bool) -> Result<Self, reqwest::Error> {
        let reach = Reach { allow_private };
        let client = reach.client().user_agent(AGENT).timeout(TIMEOUT).build()?;
        Ok(Self { client, reach })
    }

    pub(crate) async fn post(&self, endpoint: &str, post: Post) -> Outcome {
        let Ok(url) = Url::parse(endpoint) else { return Outcome::Refused("the endpoint is no URL".into()) };
        if let Some(address) = self.reach.refused(&url) {
            return Outcome::Refused(format!("{address} is not a public address"));
        }
        let mut request = self
            .client
            .post(url)
            .header("x-amz-sns-message-type", post.kind)
            .header("x-amz-sns-message-id", post.message_id)
            .header("x-amz-sns-topic-arn", post.topic_arn)
            .header("content-type", post.content_type)
            .header("accept-encoding", "gzip,deflate");
        if let Some(arn) = post.subscription_arn {
            request = request.header("x-amz-sns-subscription-arn", arn);
        }
        if post.raw {
            request = request.header("x-amz-sns-rawdelivery", "true");
        }
        match request.body(post.body).send().await {
            Ok(response) => {
                let outcome = judge(response.status());
                drain(response).await;
                outcome
            }
            // The text would repeat the URL, which may hold a password.
            Err(error) => Outcome::Failed(chain(&error.without_url())),
        }
    }
}

async fn drain(mut response: reqwest::Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > ANSWER_BYTES_MAX {
            return;
        }
    }
}

/// "2xx delivered; 429 and 5xx are retried; other 4xx are permanent": redirects are, too.
fn judge(status: StatusCode) -> Outcome {
    match status {
        status if status.is_success() => Outcome::Delivered,
        status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Outcome::Failed(format!("the endpoint answered {status}"))
        }
        status => Outcome::Refused(format!("the endpoint answered {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        for (status, want) in [(200, 0), (204, 0), (302, 2), (400, 2), (404, 2), (429, 1), (500, 1), (503, 1)]
        {
            let got = match judge(StatusCode::from_u16(status).unwrap()) {
                Outcome::Delivered => 0,
                Outcome::Failed(_) => 1,
                Outcome::Refused(_) | Outcome::Dropped => 2,
            };
            assert_eq!(got, want, "{status}");
        }
    }

    #[tokio::test]
    async fn loopback_needs_permission() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let poster = Poster::new(false).unwrap();
        let post = || Post {
            kind: "Notification",
            message_id: "m".into(),
            topic_arn: "t".into(),
            subscription_arn: None,
            raw: false,
            content_type: "text/plain; charset=UTF-8".into(),
            body: String::new(),
        };
        let literal = poster.post("http://127.0.0.1:9/", post()).await;
        assert_eq!(literal, Outcome::Refused("127.0.0.1 is not a public address".into()));
        for odd in ["http://2130706433:9/", "http://0x7f.1:9/", "http://[::1]:9/"] {
            assert!(matches!(poster.post(odd, post()).await, Outcome::Refused(_)), "{odd}");
        }
        let Outcome::Failed(reason) = poster.post("http://localhost:9/", post()).await else {
            panic!("a name that resolves to loopback was not refused")
        };
        assert!(reason.contains("no public address"), "{reason}");
    }
}
