//! The HTTP side of the S3 endpoint: a request's body within limits, the call, and its answer as a response.

use std::sync::OnceLock;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use keywatch_api::{Fault, WireError as _};
use keywatch_monitor::buckets::BodyStream;
use tokio::sync::Semaphore;

use super::call::BucketCall;
use super::error::S3Error;
use super::request::{Parameters, Target};
use super::route;
use super::xml::Xml;
use crate::app::App;
use crate::recorded::{self, Ask};
use crate::wire::Peer;
use crate::wire::body::{self, BodyError, OBJECT_BYTES_MAX};
use crate::wire::reply::{Reply, ReplyBody};
use crate::wire::route::Head;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
/// Bodies that are being received, in units of [`UNIT`] bytes: 512 MiB together.
const BODY_UNITS: usize = 512;
const UNIT: usize = 1 << 20;
/// Of one body.
const UNITS_MAX: usize = OBJECT_BYTES_MAX / UNIT;
static BODY_ROOM: Semaphore = Semaphore::const_new(BODY_UNITS);

const _: () = assert!(UNITS_MAX <= BODY_UNITS && OBJECT_BYTES_MAX.is_multiple_of(UNIT));

/// What an operation answers.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: AnswerBody,
    /// Bodies in the object store that are not needed once the call is committed.
    pub loose: Vec<String>,
}

#[derive(Default)]
pub enum AnswerBody {
    #[default]
    Empty,
    Xml(Vec<u8>),
    /// A document that is not XML: a bucket policy.
    Json(String),
    Object {
        length: u64,
        stream: BodyStream,
    },
    /// The answer to `HEAD`, which only tells a length.
    Length(u64),
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerBody(..)")
    }
}

impl Answer {
    pub fn xml(body: Vec<u8>) -> Self {
        Self { body: AnswerBody::Xml(body), ..Self::default() }
    }

    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, ..Self::default() }
    }

    /// Sets a header; a value that no header can hold is left out.
    pub fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

/// Answers one request to the S3 endpoint.
pub async fn answer(
    app: &App,
    head: &Head<'_>,
    authority: Option<&str>,
    body: Incoming,
    peer: &Peer,
) -> Reply {
    let routed = Target::of(head.path).and_then(|target| {
        let parameters = Parameters::of(head.query)?;
        let copies = head.headers.contains_key("x-amz-copy-source");
        let operation = route::operation(head.method, &target, &parameters, copies)?;
        Ok((target, parameters, operation))
    });
    let (target, parameters, operation) = match routed {
        Ok(routed) => routed,
        Err(error) => return unrouted(head, error),
    };
    let units = units(&body, head.headers);
    let Ok(_room) = BODY_ROOM.acquire_many(units).await else {
        return unrouted(head, S3Error::Internal("no room for bodies".into()));
    };
    let received = match body::read(body, units as usize * UNIT).await {
        Ok(received) => received,
        Err(BodyError::TooLarge(_)) => return unrouted(head, S3Error::EntityTooLarge),
        Err(BodyError::Slow) => return unrouted(head, S3Error::RequestTimeout),
        Err(BodyError::Broken | BodyError::NotGzip) => return unrouted(head, S3Error::IncompleteBody),
    };
    let ask = Ask { head: *head, authority, received: &received, peer };
    let call = BucketCall {
        operation,
        target: &target,
        parameters: &parameters,
        head: *head,
        received: &received,
        decoded: OnceLock::new(),
    };
    let done = recorded::run(app, &ask, &call).await;
    match done.outcome {
        Ok(answer) => {
            if !answer.loose.is_empty() {
                app.bodies.discard(&app.store, answer.loose.clone()).await;
            }
            success(answer, &done.request_id)
        }
        Err(fault) => refusal(head, &fault, &done.request_id),
    }
}

/// The room a body may take: what it says of its length, or the most when it says nothing.
fn units(body: &Incoming, headers: &HeaderMap) -> u32 {
    let decoded = headers.get("x-amz-decoded-content-length").and_then(|value| value.to_str().ok());
    let said = match (body.size_hint().exact(), decoded.and_then(|text| text.parse::<u64>().ok())) {
        (Some(exact), _) => exact,
        // The smallest chunks that S3 takes, 8 KiB, have heads of some hundred bytes.
        (None, Some(decoded)) => decoded.saturating_add(decoded / 32).saturating_add(UNIT as u64),
        (None, None) => OBJECT_BYTES_MAX as u64,
    };
    u32::try_from(said.div_ceil(UNIT as u64).clamp(1, UNITS_MAX as u64)).unwrap_or(UNITS_MAX as u32)
}

/// A request that names no operation, or whose body did not come: no call has begun.
fn unrouted(head: &Head<'_>, error: S3Error) -> Reply {
    let id = uuid::Uuid::new_v4().to_string();
    let fault = Fault {
        detail: error.detail(),
        ..Fault::new(error.code(), error.status(), error.message().unwrap_or_default())
    };
    refusal(head, &fault, &id)
}

fn success(answer: Answer, request_id: &str) -> Reply {
    let (body, content_type, length) = match answer.body {
        AnswerBody::Empty => (whole(Vec::new()), None, None),
        AnswerBody::Xml(xml) => (whole(xml), Some("application/xml"), None),
        AnswerBody::Json(text) => (whole(text), Some("application/json"), None),
        AnswerBody::Length(length) => (whole(Vec::new()), None, Some(length)),
        AnswerBody::Object { length, stream } => {
            let frames = stream.map_ok(Frame::data).map_err(Into::into);
            (Either::Right(StreamBody::new(frames).boxed_unsync()), None, Some(length))
        }
    };
    let mut reply = Reply::new(body);
    *reply.status_mut() = answer.status;
    *reply.headers_mut() = answer.headers;
    if let Some(content_type) = content_type {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Some(length) = length {
        reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    with_id(reply, request_id)
}

fn refusal(head: &Head<'_>, fault: &Fault, request_id: &str) -> Reply {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bodiless = *head.method == Method::HEAD || status == StatusCode::NOT_MODIFIED;
    let message = fault.message.as_deref().unwrap_or_default();
    // Refused authorisations have one name for all services inside, and S3's outside.
    let document = Xml::error(code(fault), message, head.path, request_id);
    let mut reply = Reply::new(whole(if bodiless { Vec::new() } else { document }));
    *reply.status_mut() = status;
    if !bodiless {
        reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    }
    with_id(reply, request_id)
}

/// The code of a fault; our own trouble is S3's `InternalError`.
fn code(fault: &Fault) -> &str {
    if fault.status >= 500 && fault.code != "NotImplemented" { "InternalError" } else { &fault.code }
}

fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
    Either::Left(Full::new(bytes.into()))
}

fn with_id(mut reply: Reply, request_id: &str) -> Reply {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        reply.headers_mut().insert(REQUEST_ID, id);
    }
    reply
}
