//! Answers on their way out: status, headers and body of an operation's answer or refusal.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use keywatch_api::codec::{Protocol, encode_fault};
use keywatch_api::{Fault, Service};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
/// How every PNG begins (RFC 2083).
const PNG_BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";
const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A body that is there whole, or one that streams.
pub type ReplyBody = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Cause>>;
pub type Reply = Response<ReplyBody>;

/// A whole body.
pub fn whole(bytes: impl Into<Bytes>) -> ReplyBody {
    Either::Left(Full::new(bytes.into()))
}

/// The answer of an operation that succeeded.
pub fn success(protocol: Protocol, request_id: &str, body: Vec<u8>) -> Reply {
    with_status(StatusCode::OK, protocol, request_id, body)
}

/// The answer to a call that was refused or failed; `query_mode` asks for the query code as well.
pub fn refusal(
    protocol: Protocol,
    service: Service,
    request_id: &str,
    fault: &Fault,
    query_mode: bool,
) -> Reply {
    let body = encode_fault(protocol, service, request_id, fault);
    let status = StatusCode::from_u16(status(protocol, fault)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = with_status(status, protocol, request_id, body);
    if query_mode {
        let blamed = if fault.is_sender() { "Sender" } else { "Receiver" };
        if let Ok(value) = HeaderValue::from_str(&format!("{};{blamed}", fault.code_in_query())) {
            reply.headers_mut().insert(QUERY_ERROR, value);
        }
    }
    reply
}

/// Services of the query protocol refuse with 403 what the JSON protocols refuse with 400.
fn status(protocol: Protocol, fault: &Fault) -> u16 {
    if protocol == Protocol::Query && fault.code == "AccessDeniedException" { 403 } else { fault.status }
}

fn with_status(status: StatusCode, protocol: Protocol, request_id: &str, body: Vec<u8>) -> Reply {
    // `GetMetricWidgetImage` answers with the picture itself when asked to; no protocol's text begins like one.
    let content_type = if body.starts_with(PNG_BEGIN) { "image/png" } else { protocol.content_type() };
    let mut reply = Response::new(whole(body));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if protocol == Protocol::Cbor {
        headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
    }
    reply
}
