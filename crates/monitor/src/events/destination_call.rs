//! One call of an API destination: the request that is made of destination, connection, target and event, and how its answer is judged
//!
//! **Invariant:** without permission nothing is sent to addresses that are not public ([`Reach`]); redirects are not followed, and of
//! answers no more is read than is needed. Source: EventBridge User Guide, "API destinations as targets".

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use keywatch_crypto::RootKeyring;
use keywatch_store::{Store, StoreError, decode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Client, Method as Verb, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Map, Value};

use super::{
    api_destination::{DESTINATION, DestinationRecord, connection_key, destination_key},
    call_target::Failure,
    connection::{Authorization, CONNECTION, ConnectionRecord, Method, Parameters},
    input,
    invocation::{Invocation, Outcome},
    oauth::{Tokens, WhoAsks},
};
use crate::outbound::{Reach, chain};

/// "EventBridge requests have a maximum client execution timeout of 5 seconds"
const TIMEOUT: Duration = Duration::from_secs(5);
const AGENT: &str = "Amazon/EventBridge/ApiDestinations";
/// Bytes of an answer that are read, so that its connection can be used again; longer ones cost the connection.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Headers that belong to the connection itself.
const OURS: [&str; 8] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
];

/// Makes calls.
#[derive(Debug)]
pub(super) struct Caller {
    store: Store,
    keyring: Arc<RootKeyring>,
    client: Client,
    reach: Reach,
    tokens: Tokens,
}

/// A call that is ready to be made.
pub(super) struct Ready {
    destination: DestinationRecord,
    request: reqwest::Request,
    /// The connection whose token it carries.
    token_of: Option<String>,
}

impl Ready {
    /// Requests a second that the destination takes.
    pub(super) fn rate(&self) -> i32 {
        self.destination.rate
    }
}

fn refused(code: &'static str, message: impl Into<String>) -> Outcome {
    Outcome::Refused(Failure { code, message: message.into() })
}

fn failed(code: &'static str, message: impl Into<String>) -> Outcome {
    Outcome::Failed(Failure { code, message: message.into() }, None)
}

impl Caller {
    pub(super) fn new(
        store: Store,
        keyring: Arc<RootKeyring>,
        allow_private: bool,
    ) -> Result<Self, reqwest::Error> {
        // The process's provider may be set already; it is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let reach = Reach { allow_private };
        let client = reach.client().user_agent(AGENT).timeout(TIMEOUT).build()?;
        Ok(Self { store, keyring, client, reach, tokens: Tokens::default() })
    }

    /// Finds out what is to be sent where; the outcome if it cannot be sent.
    pub(super) async fn prepare(
        &self,
        invocation: &Invocation,
        now: Timestamp,
    ) -> Result<Result<Ready, Outcome>, StoreError> {
        let arn = &invocation.target.arn;
        let missing =
            || Ok(Err(refused("NO_RESOURCE", format!("The API destination {arn} does not exist."))));
        let Some(key) = destination_key(arn) else { return missing() };
        let Some(row) = self.store.get(DESTINATION, &key).await? else { return missing() };
        let destination: DestinationRecord = decode(&row.bytes)?;
        if destination.arn(&invocation.partition()) != *arn {
            return missing();
        }
        let idle = || {
            let text = "The connection of the API destination is not there or not authorised.";
            Ok(Err(refused("NO_PERMISSIONS", text)))
        };
        let Some(key) = connection_key(&destination.connection_arn) else { return idle() };
        let Some(row) = self.store.get(CONNECTION, &key).await? else { return idle() };
        let connection: ConnectionRecord = decode(&row.bytes)?;
        let Some(authorization) = connection.open(&self.keyring, &invocation.partition())? else {
            return idle();
        };
        let mut token = None;
        if let Method::OAuth(oauth) = &authorization.method {
            let who = WhoAsks { store: &self.store, client: &self.client, reach: self.reach, now };
            match self.tokens.token(&who, &key, &row, &connection, oauth).await? {
                Ok(fetched) => token = Some(fetched),
                Err(outcome) => return Ok(Err(outcome)),
            }
        }
        let bearer = token.as_ref().map(|token| token.expose());
        let token_of = bearer.map(|_| key);
        Ok(match self.request(invocation, &destination, &authorization, bearer) {
            Ok(request) => Ok(Ready { destination, request, token_of }),
            Err(why) => Err(refused("INVALID_PARAMETER", why)),
        })
    }

    fn request(
        &self,
        invocation: &Invocation,
        destination: &DestinationRecord,
        authorization: &Authorization,
        bearer: Option<&str>,
    ) -> Result<reqwest::Request, String> {
        let http = invocation.target.http_parameters.as_ref();
        let value = |text: &String| input::text_at(&invocation.event, text).unwrap_or_else(|| text.clone());
        let path = http.and_then(|http| http.path_parameter_values.as_ref());
        let path: Vec<String> = path.into_iter().flatten().map(value).collect();
        let mut url =
            Url::parse(&with_path(&destination.endpoint, &path)).map_err(|error| error.to_string())?;
        if let Some(address) = self.reach.refused(&url) {
            return Err(format!("{address} is not a public address"));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        let query = http.and_then(|http| http.query_string_parameters.as_ref());
        for (name, text) in query.into_iter().flatten() {
            url.query_pairs_mut().append_pair(name, &value(text));
        }
        let given = http.and_then(|http| http.header_parameters.as_ref());
        for (name, text) in given.into_iter().flatten() {
            insert(&mut headers, name, &value(text), false)?;
        }
        let body = match &authorization.added {
            Some(added) => {
                add(added, &mut url, &mut headers)?;
                with_members(&invocation.body, added)
            }
            None => invocation.body.clone(),
        };
        match (&authorization.method, bearer) {
            (Method::Basic { username, password }, _) => {
                let pair = zeroize::Zeroizing::new(format!("{username}:{password}"));
                let encoded = zeroize::Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
                insert(&mut headers, "authorization", &encoded, true)?;
            }
            (Method::ApiKey { name, value }, _) => insert(&mut headers, name, value, true)?,
            (Method::OAuth(_), bearer) => {
                let text = zeroize::Zeroizing::new(format!("Bearer {}", bearer.unwrap_or_default()));
                insert(&mut headers, "authorization", &text, true)?;
            }
        }
        let verb: Verb = destination.method.as_str().parse().map_err(|_| "the method is none".to_owned())?;
        let has_body = !matches!(verb, Verb::GET | Verb::HEAD | Verb::OPTIONS);
        let mut request = reqwest::Request::new(verb, url);
        *request.headers_mut() = headers;
        *request.body_mut() = has_body.then(|| body.into());
        Ok(request)
    }

    /// Makes the call.
    pub(super) async fn call(&self, ready: Ready) -> Result<Outcome, StoreError> {
        match self.client.execute(ready.request).await {
            Ok(mut answer) => {
                let status = answer.status().as_u16();
                let later = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                let later = later.and_then(|seconds| seconds.parse().ok());
                let mut read = 0;
                while let Ok(Some(chunk)) = answer.chunk().await {
                    read += chunk.len();
                    if read > ANSWER_BYTES_MAX {
                        break;
                    }
                }
                if let (401 | 407, Some(connection)) = (status, &ready.token_of) {
                    self.tokens.forget(connection);
                }
                Ok(judge(status, later))
            }
            Err(error) if error.is_timeout() => {
                Ok(failed("TIMEOUT", "The API destination did not answer within 5 seconds."))
            }
            // The text would repeat the URL, which may hold a secret.
            Err(error) => Ok(failed("CONNECTION_FAILURE", chain(&error.without_url()))),
        }
    }
}

/// "EventBridge retries on 401, 407, 409, 429 and 5xx"
fn judge(status: u16, later: Option<u64>) -> Outcome {
    let failure = |code| Failure { code, message: format!("The API destination answered {status}.") };
    match status {
        200..=299 => Outcome::Done,
        429 => Outcome::Failed(failure("THROTTLING"), later),
        401 | 407 | 409 | 500..=599 => Outcome::Failed(failure("ERROR_FROM_TARGET"), later),
        _ => Outcome::Refused(failure("SDK_CLIENT_ERROR")),
    }
}

/// Each `*` of an endpoint with a value in its place, while there are values.
fn with_path(endpoint: &str, values: &[String]) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let mut pieces = endpoint.split('*');
    let mut url = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        match values.get(index) {
            Some(value) => url.push_str(&utf8_percent_encode(value, KEPT).to_string()),
            None => url.push('*'),
        }
        url.push_str(piece);
    }
    url
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str, is_secret: bool) -> Result<(), String> {
    let invalid = || format!("the header {name} cannot be sent");
    let header: HeaderName = name.trim().parse().map_err(|_| invalid())?;
    if OURS.contains(&header.as_str()) {
        return Err(invalid());
    }
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| invalid())?;
    value.set_sensitive(is_secret);
    headers.insert(header, value);
    Ok(())
}

/// Adds what a connection adds to every request, but for its body.
pub(super) fn add(added: &Parameters, url: &mut Url, headers: &mut HeaderMap) -> Result<(), String> {
    for parameter in &added.query {
        url.query_pairs_mut().append_pair(&parameter.key, &parameter.value);
    }
    for parameter in &added.headers {
        insert(headers, &parameter.key, &parameter.value, parameter.is_secret)?;
    }
    Ok(())
}

/// A body with what a connection adds; only objects have members.
fn with_members(body: &str, added: &Parameters) -> String {
    if added.body.is_empty() {
        return body.to_owned();
    }
    let Ok(mut members) = serde_json::from_str::<Map<String, Value>>(body) else { return body.to_owned() };
    for parameter in &added.body {
        members.insert(parameter.key.clone(), Value::from(parameter.value.clone()));
    }
    Value::Object(members).to_string()
}

#[cfg(test)]
mod tests {
    use super::{super::connection::Parameter, *};

    #[test]
    fn answers_are_judged() {
        for (status, want) in [
            (200, "done"),
            (204, "done"),
            (301, "refused"),
            (400, "refused"),
            (401, "failed"),
            (404, "refused"),
            (407, "failed"),
            (409, "failed"),
            (429, "failed"),
            (500, "failed"),
            (503, "failed"),
        ] {
            let got = match judge(status, None) {
                Outcome::Done => "done",
                Outcome::Failed(..) => "failed",
                Outcome::Refused(_) | Outcome::Full => "refused",
            };
            assert_eq!(got, want, "{status}");
        }
        assert!(matches!(judge(503, Some(7)), Outcome::Failed(_, Some(7))));
    }

    #[test]
    fn paths_take_values() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        for (endpoint, given, want) in [
            ("https://h/a", vec!["x"], "https://h/a"),
            ("https://h/*/b/*", vec!["x", "y/z ?"], "https://h/x/b/y%2Fz%20%3F"),
            ("https://h/*/*", vec!["x"], "https://h/x/*"),
        ] {
            assert_eq!(with_path(endpoint, &values(&given)), want);
        }
    }

    #[test]
    fn bodies_take_members() {
        let body = vec![Parameter { key: "k".into(), value: "v".into(), is_secret: false }];
        let added = Parameters { headers: Vec::new(), query: Vec::new(), body };
        assert_eq!(with_members(r#"{"a":1}"#, &added), r#"{"a":1,"k":"v"}"#);
        assert_eq!(with_members("[1]", &added), "[1]");
    }

    #[test]
    fn headers_of_the_connection_stay_ours() {
        let mut headers = HeaderMap::new();
        assert!(insert(&mut headers, "Host", "x", false).is_err());
        assert!(insert(&mut headers, "a b", "x", false).is_err());
        assert!(insert(&mut headers, "x-a", "line\nbreak", false).is_err());
        insert(&mut headers, "x-a", " b ", true).unwrap();
        assert_eq!(headers["x-a"], "b");
        assert!(!format!("{headers:?}").contains("\"b\""));
    }
}
