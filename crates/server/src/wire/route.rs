//! Which service, protocol and operation a request asks for. Pure: headers and bytes in, a decision out.
//!
//! The three protocols share one endpoint and are told apart by what SDKs send: Smithy RPC v2 names service and
//! operation in its path, the JSON protocols in `X-Amz-Target`, the query protocol in the form member `Action`.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method};
use keywatch_api::codec::{Protocol, query};
use keywatch_api::{Fault, Service};

use super::body::{BODY_BYTES_MAX, IMPORT_BYTES_MAX};
use super::header::AMZ_TARGET;
use super::operation::Operation;
use crate::telemetry::page;

const QUERY_BYTES_MAX: usize = 32 * 1024;
const HEALTH: &str = "/health";
const CBOR_PREFIX: &str = "/service/";

/// The parts of a request's head that routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

/// Where a request goes, as its head tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    Health,
    /// The page for Prometheus.
    Metrics,
    /// A page for people, or a certificate; never signed.
    Page,
    /// A bucket or an object.
    Buckets,
    /// An operation of one of the other services.
    Operation,
}

/// What an operation's request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub protocol: Protocol,
    pub operation: Operation,
    /// The members of a query are the form of the body, or of the URL.
    pub form_in_url: bool,
}

impl Route {
    /// The members of a request. Clients of SQS's query protocol name the queue by the path they post to: it becomes the member
    /// that the other protocol has.
    pub fn members<'a>(&self, path: &str, members: &'a [u8]) -> Cow<'a, [u8]> {
        let by_path = self.protocol == Protocol::Query
            && self.operation.info().service == Service::Sqs
            && path.len() > 1
            && query::parameter(members, "QueueUrl").is_none();
        if !by_path {
            return Cow::Borrowed(members);
        }
        Cow::Owned([members, b"&QueueUrl=", path.as_bytes()].concat())
    }
}

/// A request that asks for nothing that exists, with the way its refusal is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unroutable {
    pub protocol: Protocol,
    pub service: Service,
    pub fault: Fault,
}

impl Head<'_> {
    /// Decides by the head alone, before the body is read.
    pub fn destination(&self) -> Destination {
        let reading = matches!(*self.method, Method::GET | Method::HEAD);
        if reading && self.path == HEALTH {
            return Destination::Health;
        }
        if self.is_unsigned_read() && self.path == page::PATH {
            return Destination::Metrics;
        }
        if reading && is_page(self.path) {
            return Destination::Page;
        }
        match self.signing_name() {
            Some("s3") => Destination::Buckets,
            Some(_) => Destination::Operation,
            None if self.asks_operation() => Destination::Operation,
            None => Destination::Buckets,
        }
    }

    /// A request that reads and names no credentials: all that links in messages ask for.
    pub fn is_unsigned_read(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD) && self.signing_name().is_none()
    }

    /// The service in the credential scope, where there is one. Not verified.
    pub fn signing_name(&self) -> Option<&str> {
        if let Some(value) = self.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
            let credential = match value.strip_prefix("AWS4-HMAC-SHA256 Credential=") {
                Some(credential) => credential,
                None => value.split_once("Credential=")?.1,
            };
            return credential.split([',', ' ']).next()?.split('/').nth(3);
        }
        let credential = self.query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential="))?;
        credential.split("%2F").flat_map(|part| part.split('/')).nth(3)
    }

    /// How large the body may be: log files come whole, and CloudTrail writes them larger than any request of AWS.
    pub fn body_bytes_max(&self) -> usize {
        let target = self.headers.get(AMZ_TARGET).map(HeaderValue::as_bytes);
        if target == Some(b"Keywatch_20261101.ImportTrail") { IMPORT_BYTES_MAX } else { BODY_BYTES_MAX }
    }

    fn asks_operation(&self) -> bool {
        self.headers.contains_key(AMZ_TARGET)
            || self.path.starts_with(CBOR_PREFIX)
            || self.has_action_in_url()
            || (*self.method == Method::POST && self.path == "/")
            || self.content_type().starts_with("application/x-www-form-urlencoded")
    }

    fn has_action_in_url(&self) -> bool {
        self.query.split('&').any(|pair| pair.starts_with("Action="))
    }

    fn content_type(&self) -> &str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The protocol a refusal should speak when the request cannot be routed further.
    pub fn protocol(&self) -> Protocol {
        let content_type = self.content_type();
        if self.path.starts_with(CBOR_PREFIX) || content_type.starts_with("application/cbor") {
            Protocol::Cbor
        } else if content_type.starts_with("application/x-amz-json-1.0") {
            Protocol::Json10
        } else if content_type.starts_with("application/x-www-form-urlencoded") || self.has_action_in_url() {
            Protocol::Query
        } else {
            Protocol::Json11
        }
    }

    /// Whether an error must also name its query code (`x-amzn-query-mode`).
    pub fn wants_query_error(&self) -> bool {
        self.headers
            .get("x-amzn-query-mode")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
    }

    /// Finds the operation; `body` is the body with its content encoding undone.
    pub fn route(&self, body: &[u8]) -> Result<Route, Box<Unroutable>> {
        if let Some(rest) = self.path.strip_prefix(CBOR_PREFIX) {
            return self.route_cbor(rest);
        }
        if let Some(target) = self.headers.get(AMZ_TARGET) {
            return self.route_json(target.to_str().unwrap_or_default());
        }
        self.route_query(body)
    }

    /// `/service/<service>/operation/<operation>` (Smithy RPC v2 CBOR, "HTTP bindings").
    fn route_cbor(&self, rest: &str) -> Result<Route, Box<Unroutable>> {
        let parts = rest.split_once("/operation/").filter(|_| *self.method == Method::POST);
        let service = parts.and_then(|(name, _)| service_of_target(name));
        let operation = service.zip(parts).and_then(|(service, (_, name))| Operation::find(service, name));
        match operation {
            Some(operation) => Ok(Route { protocol: Protocol::Cbor, operation, form_in_url: false }),
            None => Err(unknown_operation(Protocol::Cbor, service.or_else(|| self.signing_service()))),
        }
    }

    fn route_json(&self, target: &str) -> Result<Route, Box<Unroutable>> {
        let parts = target.rsplit_once('.');
        let service = parts.and_then(|(prefix, _)| service_of_target(prefix));
        let operation = service.zip(parts).and_then(|(service, (_, name))| Operation::find(service, name));
        let protocol = match (self.protocol(), service) {
            (Protocol::Json10, _) => Protocol::Json10,
            (_, Some(service)) if service.json_version() == "1.0" => Protocol::Json10,
            _ => Protocol::Json11,
        };
        match operation {
            Some(operation) => Ok(Route { protocol, operation, form_in_url: false }),
            None => Err(unknown_operation(protocol, service.or_else(|| self.signing_service()))),
        }
    }

    fn route_query(&self, body: &[u8]) -> Result<Route, Box<Unroutable>> {
        let form_in_url = self.has_action_in_url() && self.query.len() <= QUERY_BYTES_MAX;
        let form = if form_in_url { self.query.as_bytes() } else { body };
        let is_form = form_in_url || self.protocol() == Protocol::Query || form.starts_with(b"Action=");
        let action = is_form.then(|| query::parameter(form, "Action")).flatten();
        let Some(action) = action else {
            let service = self.signing_service();
            return Err(match service.filter(|service| is_form && service.query().is_some()) {
                Some(service) => missing_action(service),
                None => unknown_operation(self.protocol(), service),
            });
        };
        let version = query::parameter(form, "Version");
        let candidates = Service::ALL.iter().copied().filter(|service| service.query().is_some());
        let by_version = |service: &Service| service.query().map(|(v, _)| v) == version.as_deref();
        let service = self
            .signing_service()
            .filter(|service| service.query().is_some())
            .or_else(|| candidates.clone().find(by_version))
            .or_else(|| candidates.clone().find(|service| Operation::find(*service, &action).is_some()));
        let Some(service) = service else { return Err(unknown_operation(Protocol::Query, None)) };
        match Operation::find(service, &action) {
            Some(operation) => Ok(Route { protocol: Protocol::Query, operation, form_in_url }),
            None => Err(invalid_action(service, &action)),
        }
    }

    fn signing_service(&self) -> Option<Service> {
        let name = self.signing_name()?;
        Service::ALL.iter().copied().find(|service| service.signing_name() == name)
    }
}

/// Pages of topics: confirmation, unsubscription, and the certificate their messages are signed with.
fn is_page(path: &str) -> bool {
    matches!(path, "/confirmation.html" | "/unsubscribe.html")
        || (path.starts_with("/SimpleNotificationService-") && path.ends_with(".pem"))
}

fn service_of_target(prefix: &str) -> Option<Service> {
    Service::ALL.iter().copied().find(|service| service.targets().contains(&prefix))
}

fn unknown_operation(protocol: Protocol, service: Option<Service>) -> Box<Unroutable> {
    // Of services without a query protocol no answer in XML can be written.
    let service = service.unwrap_or(if protocol == Protocol::Query { Service::Sts } else { Service::Kms });
    let protocol =
        if protocol == Protocol::Query && service.query().is_none() { Protocol::Json11 } else { protocol };
    let fault = Fault { message: None, ..Fault::new("UnknownOperationException", 400, "") };
    Box::new(Unroutable { protocol, service, fault: fault.with_query_code("InvalidAction") })
}

fn invalid_action(service: Service, action: &str) -> Box<Unroutable> {
    let version = service.query().map_or("", |(version, _)| version);
    let action: String = action.chars().filter(|c| !c.is_control()).take(128).collect();
    let text = format!("Could not find operation {action} for version {version}");
    Box::new(Unroutable { protocol: Protocol::Query, service, fault: Fault::new("InvalidAction", 400, text) })
}

fn missing_action(service: Service) -> Box<Unroutable> {
    let text = "The request must contain the parameter Action.";
    Box::new(Unroutable { protocol: Protocol::Query, service, fault: Fault::new("MissingAction", 400, text) })
}

#[cfg(test)]
mod tests;
