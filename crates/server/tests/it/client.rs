//! A small signing client: one request, one connection, and the answer as it came.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use keywatch_api::Service;
use keywatch_server::auth::signer::{Caller, sign};
use keywatch_server::clock::world_now;
use serde_json::Value;

use crate::server::REGION;

const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Somebody who signs.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) authority: String,
    pub(crate) id: String,
    secret: String,
    pub(crate) token: Option<String>,
    pub(crate) region: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A request before it is signed.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) service: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Vec<u8>,
    /// Changes the request after it was signed.
    pub(crate) spoil: fn(&mut HeaderMap, &mut Vec<u8>),
    pub(crate) at: Timestamp,
}

impl<'a> Ask<'a> {
    /// An operation of a service in its JSON protocol.
    pub(crate) fn json(service: Service, operation: &str, body: &Value) -> Self {
        Self {
            headers: vec![
                ("content-type", format!("application/x-amz-json-{}", service.json_version())),
                ("x-amz-target", format!("{}.{operation}", service.targets()[0])),
            ],
            ..Self::post(service.signing_name(), body.to_string().into_bytes())
        }
    }

    /// An operation of a service in the query protocol; `form` without action and version.
    pub(crate) fn query(service: Service, operation: &str, form: &str) -> Self {
        let (version, _) = service.query().expect("a service with a query protocol");
        let body = format!("Action={operation}&Version={version}&{form}");
        Self {
            headers: vec![("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned())],
            ..Self::post(service.signing_name(), body.into_bytes())
        }
    }

    pub(crate) fn post(service: &'static str, body: Vec<u8>) -> Ask<'static> {
        Ask {
            method: "POST",
            target: "/",
            service,
            headers: Vec::new(),
            body,
            spoil: |_, _| {},
            at: world_now(),
        }
    }
}

impl Client {
    pub(crate) fn new(endpoint: &str, id: &str, secret: &str) -> Self {
        let authority = endpoint.strip_prefix("http://").expect("a plain endpoint").to_owned();
        let region = REGION.to_owned();
        Self { authority, id: id.to_owned(), secret: secret.to_owned(), token: None, region }
    }

    /// The same server, called by somebody else.
    pub(crate) fn with_key(&self, id: &str, secret: &str, token: Option<&str>) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: token.map(str::to_owned), ..self.clone() }
    }

    pub(crate) fn json(&self, service: Service, operation: &str, body: &Value) -> Reply {
        self.send(Ask::json(service, operation, body))
    }

    pub(crate) fn query(&self, service: Service, operation: &str, form: &str) -> Reply {
        self.send(Ask::query(service, operation, form))
    }

    pub(crate) fn send(&self, mut ask: Ask<'_>) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&self.authority).expect("a header"));
        for (name, value) in &ask.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        }
        let caller = Caller { id: &self.id, secret: &self.secret, session_token: self.token.as_deref() };
        sign(&mut headers, ask.method, ask.target, &ask.body, &caller, &self.region, ask.service, ask.at)
            .expect("signed");
        (ask.spoil)(&mut headers, &mut ask.body);
        let mut request =
            format!("{} {} HTTP/1.1\r\nconnection: close\r\n", ask.method, ask.target).into_bytes();
        for (name, value) in &headers {
            request.extend_from_slice(name.as_str().as_bytes());
            request.extend_from_slice(b": ");
            request.extend_from_slice(value.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(format!("content-length: {}\r\n\r\n", ask.body.len()).as_bytes());
        request.extend_from_slice(&ask.body);
        exchange(&self.authority, &request)
    }
}

/// Sends bytes as they are and reads the answer to the end of the connection.
pub(crate) fn exchange(authority: &str, request: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(authority).expect("a server");
    stream.set_read_timeout(Some(ANSWER_MAX)).expect("set");
    stream.write_all(request).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    Reply::parse(&answer)
}

impl Reply {
    fn parse(answer: &[u8]) -> Self {
        let text = String::from_utf8_lossy(answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a header"));
        }
        Self { status: status.expect("a status line"), headers, body: body.to_owned() }
    }

    pub(crate) fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON but {self:?}"))
    }

    /// The text of the first element of that name.
    pub(crate) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// The code of a refusal, without its name space; empty for a success.
    pub(crate) fn code(&self) -> String {
        if self.status == 200 {
            return String::new();
        }
        if let Some(code) = self.element("Code") {
            return code.to_owned();
        }
        let value = self.value();
        let code = value["__type"].as_str().unwrap_or_else(|| panic!("no code in {self:?}"));
        code.rsplit('#').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}
