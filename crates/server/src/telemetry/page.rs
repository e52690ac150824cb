//! `GET /metrics`: the page that Prometheus reads.
//!
//! On the server's own port it is for this machine only, since key ARNs are on it and it asks for no credentials: the asker is on the
//! loopback address and did not come through a proxy. `--metrics-listen` opens a port of its own that tells whoever reaches it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use keywatch_telemetry::text::{self, Form};

use super::gather;
use crate::app::App;
use crate::wire::Peer;
use crate::wire::accept::Answer;
use crate::wire::reply::{self, Reply, ReplyBody};

pub const PATH: &str = "/metrics";
/// Headers that proxies add.
const FORWARDED: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// The page, or why it is not shown.
pub async fn on_shared_port(app: &App, headers: &HeaderMap, peer: &Peer) -> Reply {
    let forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    if !peer.ip.is_loopback() || forwarded {
        let text = "Metrics are told on this port to this machine only: see --metrics-listen.\n";
        return plain(StatusCode::FORBIDDEN, text);
    }
    page(app, headers).await
}

async fn page(app: &App, headers: &HeaderMap) -> Reply {
    let form = Form::accepted(headers.get(ACCEPT).and_then(|value| value.to_str().ok()));
    let families = gather::families(app).await;
    let mut reply = Response::new(reply::whole(text::write(&families, form)));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(form.content_type()));
    reply
}

fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(reply::whole(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}

/// What answers on the port of `--metrics-listen`: this page and nothing else.
#[derive(Debug)]
pub struct MetricsPort(pub Arc<App>);

impl Answer for MetricsPort {
    type Body = ReplyBody;

    async fn answer(&self, request: Request<Incoming>, _: &Peer) -> Reply {
        if request.uri().path() != PATH {
            return plain(StatusCode::NOT_FOUND, "Metrics are at /metrics.\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Metrics are read with GET.\n");
        }
        page(&self.0, request.headers()).await
    }

    fn overloaded(&self) -> Reply {
        plain(StatusCode::SERVICE_UNAVAILABLE, "Too many requests are being answered.\n")
    }
}
