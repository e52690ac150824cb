//! Web hooks: messages posted to http and https endpoints.
//!
//! **Invariant:** without permission nothing is sent to loopback, private, link-local or multicast addresses: names are
//! resolved by a resolver that leaves those out, so the address that was checked is the one connected to; redirects are
//! not followed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode, Url};

use super::delivery::Outcome;

/// SNS developer guide: an endpoint has 15 seconds to answer.
const TIMEOUT: Duration = Duration::from_secs(15);
const AGENT: &str = "Amazon Simple Notification Service Agent";
/// Bytes of an answer that are read, so that its connection can be used again; longer ones cost the connection.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Posts messages.
#[derive(Clone, Debug)]
pub(crate) struct Poster {
    client: Client,
    allow_private: bool,
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
    pub(crate) body: String,
}

impl Poster {
    /// Fails only when the machine's certificates cannot be read.
    pub(crate) fn new(allow_private: bool) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(AGENT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(PublicResolver { allow_private }))
            .build()?;
        Ok(Self { client, allow_private })
    }

    pub(crate) async fn post(&self, endpoint: &str, post: Post) -> Outcome {
        let Ok(url) = Url::parse(endpoint) else { return Outcome::Refused("the endpoint is no URL".into()) };
        if let Some(address) = literal_address(&url)
            && !self.allow_private
            && !is_public(address)
        {
            return Outcome::Refused(format!("{address} is not a public address"));
        }
        let mut request = self
            .client
            .post(url)
            .header("x-amz-sns-message-type", post.kind)
            .header("x-amz-sns-message-id", post.message_id)
            .header("x-amz-sns-topic-arn", post.topic_arn)
            .header("content-type", "text/plain; charset=UTF-8")
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

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
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

/// The address in a URL that names its host by one.
fn literal_address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Resolves names by the system's resolver and leaves out what is not public.
#[derive(Debug)]
struct PublicResolver {
    allow_private: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
struct NoPublicAddress;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> =
                found.filter(|address| allow_private || is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(NoPublicAddress.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is on the public Internet (IANA special-purpose address registries).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocol_assignments = a == 192 && b == 0 && c == 0;
            let benchmarks = a == 198 && (b == 18 || b == 19);
            let reserved = a == 0 || a >= 240;
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || shared
                || protocol_assignments
                || benchmarks
                || reserved)
        }
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public(v4),
            // 2000::/3 is all that is given out; documentation lies within.
            None => v6.segments()[0] & 0xe000 == 0x2000 && v6.segments()[..2] != [0x2001, 0xdb8],
        },
    }
}

/// The IPv4 address that traffic to a mapped, NAT64 or 6to4 address reaches.
fn embedded_v4(v6: Ipv6Addr) -> Option<IpAddr> {
    let s = v6.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(IpAddr::from([a, b, c, d]))
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => join(high, low),
        [0x2002, high, low, ..] => join(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for (text, public) in [
            ("8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("224.0.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("ff02::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::a00:1", false),
            ("2002:7f00:1::", false),
            ("2606:4700::1111", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

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
