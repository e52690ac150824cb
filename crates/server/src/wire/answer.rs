//! One HTTP request, from its head to its answer: where it goes, its body, and the refusals that belong to HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use keywatch_api::{Fault, Service};
use keywatch_monitor::notify::links::{self, Visit};
use serde::Serialize;

use super::Peer;
use super::accept::{Answer, HEAD_BYTES_MAX};
use super::api_call::ApiCall;
use super::body::{self, BodyError};
use super::reply::{self, Reply, ReplyBody};
use super::route::{Destination, Head};
use crate::app::App;
use crate::recorded::{self, Ask};
use crate::telemetry::page;

/// How far behind its followers may be for the server to count as caught up; health does not wait.
const HEALTH_WAIT: Duration = Duration::ZERO;

impl Answer for App {
    type Body = ReplyBody;

    async fn answer(&self, request: Request<Incoming>, peer: &Peer) -> Reply {
        let (parts, body) = request.into_parts();
        let head = Head {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
        };
        if head_bytes(&parts.headers) > HEAD_BYTES_MAX {
            return status_only(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        if head.is_unsigned_read() && links::is_link(head.path, head.query) {
            return Box::pin(link(self, &head, peer)).await;
        }
        match head.destination() {
            Destination::Health => Box::pin(health(self)).await,
            Destination::Metrics => Box::pin(page::on_shared_port(self, head.headers, peer)).await,
            Destination::Page => status_only(StatusCode::NOT_FOUND),
            Destination::Buckets => {
                let authority = parts.uri.authority().map(http::uri::Authority::as_str);
                Box::pin(crate::s3::answer::answer(self, &head, authority, body, peer)).await
            }
            Destination::Operation => {
                let authority = parts.uri.authority().map(http::uri::Authority::as_str);
                match body::read(body, head.body_bytes_max()).await {
                    Ok(received) => operation(self, &head, authority, received, peer).await,
                    Err(error) => unreadable(&head, error),
                }
            }
        }
    }

    fn overloaded(&self) -> Reply {
        let mut reply = Response::new(reply::whole(
            r#"{"__type":"ServiceUnavailableException","message":"Too many requests are being answered. Try again."}"#,
        ));
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply
    }
}

async fn operation(
    app: &App,
    head: &Head<'_>,
    authority: Option<&str>,
    received: Bytes,
    peer: &Peer,
) -> Reply {
    let plain = match decoded(head.headers, &received) {
        Ok(plain) => plain,
        Err(error) => return unreadable(head, error),
    };
    let route = match head.route(&plain) {
        Ok(route) => route,
        Err(refusal) => {
            let id = uuid::Uuid::new_v4().to_string();
            let query_mode = head.wants_query_error();
            return reply::refusal(refusal.protocol, refusal.service, &id, &refusal.fault, query_mode);
        }
    };
    let members = if route.form_in_url { head.query.as_bytes() } else { &plain };
    let members = &*route.members(head.path, members);
    let ask = Ask { head: *head, authority, received: &received, peer };
    let done = recorded::run(app, &ask, &ApiCall { route, members }).await;
    match done.outcome {
        Ok(body) => reply::success(route.protocol, &done.request_id, body),
        Err(fault) => {
            let service = route.operation.info().service;
            reply::refusal(route.protocol, service, &done.request_id, &fault, head.wants_query_error())
        }
    }
}

/// The body without its content encoding; signatures cover it with.
fn decoded(headers: &HeaderMap, received: &Bytes) -> Result<Bytes, BodyError> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => {
            body::inflate(received, body::INFLATED_BYTES_MAX)
        }
        _ => Ok(received.clone()),
    }
}

/// Bodies that cannot be read are refused before a call begins.
fn unreadable(head: &Head<'_>, error: BodyError) -> Reply {
    let (code, status) = match error {
        BodyError::TooLarge(_) => ("RequestEntityTooLargeException", 413),
        BodyError::Slow => ("RequestTimeoutException", 408),
        BodyError::Broken | BodyError::NotGzip => ("SerializationException", 400),
    };
    let protocol = head.protocol();
    let id = uuid::Uuid::new_v4().to_string();
    // The answer's form depends on the protocol only; any service with a query protocol lends its name space.
    let fault = Fault::new(code, status, error.to_string());
    reply::refusal(protocol, Service::Sts, &id, &fault, head.wants_query_error())
}

/// A link in a message, which whoever has it may visit.
async fn link(app: &App, head: &Head<'_>, peer: &Peer) -> Reply {
    let ids = [uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string()];
    let visit = Visit {
        now: app.clock.now(),
        path: head.path,
        query: head.query,
        request_id: &ids[0],
        event_id: &ids[1],
        source_ip: Some(peer.ip),
        user_agent: head.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()),
        account: &app.auth.account,
    };
    let Some(page) = app.notify.visit(&visit).await else { return status_only(StatusCode::NOT_FOUND) };
    let mut reply = Response::new(reply::whole(page.body));
    *reply.status_mut() = StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    reply
}

/// The size of all headers. The connection's own limit is on its buffer, which one large read may exceed.
fn head_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn status_only(status: StatusCode) -> Reply {
    let mut reply = Response::new(reply::whole(Bytes::new()));
    *reply.status_mut() = status;
    reply
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    status: &'a str,
    version: &'a str,
    /// The last sequence number of the trail.
    trail_head: u64,
    /// Whether everything derived from the trail is up to date.
    caught_up: bool,
    dev: bool,
}

/// Alive means: this answers. Ready means: status `ok`, which it says once the server is started.
async fn health(app: &App) -> Reply {
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        trail_head: app.store.head(),
        caught_up: app.engine.caught_up(HEALTH_WAIT).await,
        dev: app.auth.dev,
    };
    let mut reply = Response::new(reply::whole(serde_json::to_vec(&health).unwrap_or_default()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    reply
}
