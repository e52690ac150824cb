//! Requests of sources: the client that stays within reach, and calls of AWS's JSON protocol signed with Signature Version 4.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::outbound::{Reach, chain};

/// A whole request, its answer's body included.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Characters of a refusal's message that are shown.
const REFUSAL_BYTES_MAX: usize = 512;
const ATTEMPTS_MAX: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Sends requests, if where they go may be reached.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    client: Client,
    reach: Reach,
}

/// An address that needs `--allow-private-targets`.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not a public address")]
struct NotPublic(std::net::IpAddr);

/// Why a call failed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallError(pub(super) String);

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Guarded {
    pub(super) fn new(reach: Reach) -> Result<Self, CallError> {
        let client = reach.client().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT).build();
        Ok(Self { client: client.map_err(|error| CallError(chain(&error)))?, reach })
    }

    /// Calls `target` of a service with a JSON body; what the network or the server's state refuses is tried again.
    pub(super) async fn call<Q: Serialize, A: DeserializeOwned>(
        &self,
        endpoint: &Url,
        call: &JsonCall<'_>,
        ask: &Q,
    ) -> Result<A, CallError> {
        let body = serde_json::to_vec(ask).map_err(|error| CallError(error.to_string()))?;
        let (mut attempts, mut pause) = (1, FIRST_PAUSE);
        let answer = loop {
            match self.attempt(endpoint, call, &body).await {
                Ok(answer) => break answer,
                Err((error, is_final)) if is_final || attempts >= ATTEMPTS_MAX => return Err(error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            attempts += 1;
            pause *= 2;
        };
        serde_json::from_slice(&answer)
            .map_err(|_| CallError(format!("{}: the answer is not understood", call.target)))
    }

    /// The answer's body, or what went wrong and whether it would again.
    async fn attempt(
        &self,
        endpoint: &Url,
        call: &JsonCall<'_>,
        body: &[u8],
    ) -> Result<Vec<u8>, (CallError, bool)> {
        let failed = |error: String| (CallError(format!("{}: {error}", call.target)), false);
        if let Some(address) = self.reach.refused(endpoint) {
            return Err((CallError(NotPublic(address).to_string()), true));
        }
        let headers = call
            .signed(endpoint, body)
            .ok_or_else(|| (CallError(format!("{}: the request cannot be signed", call.target)), true))?;
        let request = self.client.post(endpoint.clone()).headers(headers).body(body.to_vec());
        let mut response = request.send().await.map_err(|error| failed(chain(&error.without_url())))?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| failed(chain(&error.without_url())))? {
            if answer.len() + part.len() > ANSWER_BYTES_MAX {
                return Err((CallError(format!("{}: the answer is too long", call.target)), true));
            }
            answer.extend_from_slice(&part);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer);
        let text = &text[..text.floor_char_boundary(REFUSAL_BYTES_MAX.min(text.len()))];
        let refusal = CallError(format!("{} was refused with {status}: {text}", call.target));
        Err((refusal, status.is_client_error() && status.as_u16() != 429))
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonCall<'a> {
    /// `AmazonSQS.ReceiveMessage`
    pub(super) target: &'a str,
    /// `application/x-amz-json-1.0`
    pub(super) content_type: &'static str,
    /// The name in the credential scope.
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) credential: &'a AwsCredential,
}

impl JsonCall<'_> {
    fn signed(&self, endpoint: &Url, body: &[u8]) -> Option<reqwest::header::HeaderMap> {
        let mut request = HttpRequest::new(body.to_vec().into());
        *request.method_mut() = reqwest::Method::POST;
        *request.uri_mut() = endpoint.as_str().parse().ok()?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(HeaderName::from_static("x-amz-target"), HeaderValue::from_str(self.target).ok()?);
        AwsAuthorizer::new(self.credential, self.service, self.region).authorize(&mut request, None);
        Some(request.into_parts().0.headers)
    }
}

type Calling<'c> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

/// The object store's requests go the same way.
impl HttpService for Guarded {
    fn call<'s, 'c>(&'s self, request: HttpRequest) -> Calling<'c>
    where
        's: 'c,
        Self: 'c,
    {
        let url = Url::parse(&request.uri().to_string());
        if let Some(address) = url.ok().and_then(|url| self.reach.refused(&url)) {
            let error = HttpError::new(HttpErrorKind::Unknown, NotPublic(address));
            return Box::pin(std::future::ready(Err(error)));
        }
        HttpService::call(&self.client, request)
    }
}

impl HttpConnector for Guarded {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}
