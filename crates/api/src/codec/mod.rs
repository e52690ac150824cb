//! # The three protocols
//! A request arrives as AWS JSON 1.0/1.1, as a query form or as Smithy RPC v2 CBOR; its answer leaves the same way. [`Wire`] is
//! one request's body with what is needed to answer it. Nothing here panics on any input: what does not parse is a
//! `SerializationException`, what does not satisfy a constraint a `ValidationException`.

mod flat;
pub mod query;
pub mod xml;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Fault, Service, WireField, shape};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Json10,
    Json11,
    Query,
    Cbor,
}

impl Protocol {
    /// `Content-Type` of answers.
    pub const fn content_type(self) -> &'static str {
        match self {
            Protocol::Json10 => "application/x-amz-json-1.0",
            Protocol::Json11 => "application/x-amz-json-1.1",
            Protocol::Query => "text/xml",
            Protocol::Cbor => "application/cbor",
        }
    }
}

/// The answer of an operation whose output has no members. `()` is the answer of one that has no output: only the query
/// protocol tells them apart, by an empty result element, which clients miss when it is not there.
#[derive(Debug, Serialize)]
pub struct Empty {}

/// A request's body and the way its answer must be written.
#[derive(Clone, Copy, Debug)]
pub struct Wire<'a> {
    pub protocol: Protocol,
    pub service: Service,
    pub operation: &'static str,
    pub request_id: &'a str,
    /// JSON, CBOR, or a form (for a query by GET its query string).
    pub body: &'a [u8],
}

impl Wire<'_> {
    /// The checked request.
    pub fn decode<T: WireField>(&self) -> Result<T, Fault> {
        shape::check(self.decode_raw::<T::Raw>()?)
    }

    fn decode_raw<R: DeserializeOwned>(&self) -> Result<R, Fault> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 => {
                let body: &[u8] = if self.body.is_empty() { b"{}" } else { self.body };
                serde_json::from_slice(body).map_err(|error| {
                    // serde_json repeats values of the input for wrong types; only the place is safe to keep.
                    Fault::serialization(format!("JSON: line {} column {}", error.line(), error.column()))
                })
            }
            Protocol::Cbor => {
                let body: &[u8] = if self.body.is_empty() { &[0xa0] } else { self.body };
                ciborium::from_reader(body).map_err(|_| Fault::serialization("CBOR"))
            }
            Protocol::Query => self.decode_form().map_err(|error| Fault {
                message: Some("The request could not be parsed.".to_owned()),
                ..Fault::serialization(error.to_string()).with_query_code("MalformedInput")
            }),
        }
    }

    fn decode_form<R: DeserializeOwned>(&self) -> Result<R, query::FormError> {
        match self.service {
            Service::Sqs => query::from_form_with(self.body, |step| flat::member(self.operation, step)),
            _ => query::from_form(self.body),
        }
    }

    /// The body of the answer; empty for operations without output.
    pub fn encode<T: Serialize>(&self, response: &T) -> Vec<u8> {
        match self.protocol {
            Protocol::Json10 | Protocol::Json11 => {
                // Most answers fit: growing copies, and an answer may hold a secret.
                let mut body = Vec::with_capacity(512);
                serde_json::to_writer(&mut body, response)
                    .expect("answers have text keys and finite numbers or null");
                if body == b"null" { Vec::new() } else { body }
            }
            Protocol::Cbor => {
                let mut body = Vec::with_capacity(256);
                ciborium::into_writer(response, &mut body).expect("writing to memory does not fail");
                if body == [0xf6] { Vec::new() } else { body }
            }
            Protocol::Query => {
                let (_, namespace) =
                    self.service.query().expect("only services with a query protocol are reached by it");
                match self.service {
                    Service::Sqs => flat::answer(self.operation, namespace, self.request_id, response),
                    _ => xml::answer(self.operation, namespace, self.request_id, response),
                }
            }
        }
    }

    /// The body of a fault.
    pub fn encode_fault(&self, fault: &Fault) -> Vec<u8> {
        encode_fault(self.protocol, self.service, self.request_id, fault)
    }
}

/// What a fault says besides its code and its message.
fn members(fault: &Fault) -> serde_json::Map<String, serde_json::Value> {
    fault.members.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The body of a fault, also for requests whose operation is not known.
pub fn encode_fault(protocol: Protocol, service: Service, request_id: &str, fault: &Fault) -> Vec<u8> {
    match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let mut object = members(fault);
            object.insert("__type".into(), fault_type(service, fault).into());
            if let Some(message) = &fault.message {
                object.insert("message".into(), message.as_str().into());
            }
            serde_json::Value::Object(object).to_string().into_bytes()
        }
        Protocol::Cbor => {
            let mut object = members(fault);
            object.insert("__type".into(), fault_type(service, fault).into());
            if let Some(message) = &fault.message {
                object.insert("message".into(), message.as_str().into());
            }
            let mut body = Vec::with_capacity(128);
            ciborium::into_writer(&object, &mut body).expect("writing to memory does not fail");
            body
        }
        Protocol::Query => {
            let namespace = service.query().map_or("", |(_, namespace)| namespace);
            match service {
                Service::Sqs => flat::fault(namespace, request_id, fault),
                _ => xml::fault(namespace, request_id, fault),
            }
        }
    }
}

/// `__type`: CloudWatch and SQS name the shape's name space too, the others the bare shape.
fn fault_type(service: Service, fault: &Fault) -> String {
    match service {
        Service::Sqs => format!("com.amazonaws.sqs#{}", fault.code),
        Service::CloudWatch if fault.code == "ValidationException" => {
            format!("com.amazon.coral.validate#{}", fault.code)
        }
        Service::CloudWatch => format!("com.amazonaws.cloudwatch.v2010_08_01#{}", fault.code),
        _ => fault.code.to_string(),
    }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests {
    use super::*;

    crate::shape! {
        pub struct Ask: Pascal { name: String [len 1..=3], count: Option<i32>, when: Option<crate::WireTime>, values: Option<Vec<crate::Number>> }
    }

    fn wire(protocol: Protocol, body: &[u8]) -> Wire<'_> {
        Wire { protocol, service: Service::CloudWatch, operation: "Ask", request_id: "r-1", body }
    }

    #[test]
    fn the_same_request_in_three_protocols() {
        let mut cbor = Vec::new();
        let value: serde_json::Value =
            serde_json::json!({"Name": "a", "Count": 3, "When": 12.5, "Values": [1, 2.5]});
        ciborium::into_writer(&value, &mut cbor).unwrap();
        let form = b"Action=Ask&Version=1&Name=a&Count=3&When=1970-01-01T00%3A00%3A12.5Z&Values.member.1=1&Values.member.2=2.5";
        for (protocol, body) in [
            (Protocol::Json10, value.to_string().as_bytes()),
            (Protocol::Cbor, &cbor),
            (Protocol::Query, &form[..]),
        ] {
            let ask: Ask = wire(protocol, body).decode().unwrap();
            assert_eq!((ask.name.as_str(), ask.count), ("a", Some(3)), "{protocol:?}");
            assert_eq!(ask.when.unwrap().epoch_seconds(), 12.5);
            assert_eq!(ask.values.unwrap(), [crate::Number(1.0), crate::Number(2.5)]);
        }
    }

    #[test]
    fn broken_bodies_are_serialization_faults() {
        for (protocol, body) in [
            (Protocol::Json11, &b"{"[..]),
            (Protocol::Json11, b"[]"),
            (Protocol::Json11, br#"{"Name":5}"#),
            (Protocol::Cbor, b"\xff\xff"),
            (Protocol::Cbor, b"\xa1"),
            (Protocol::Query, b"Name=a&Count=three"),
            (Protocol::Query, b"Name=%ff%fe"),
        ] {
            let fault = wire(protocol, body).decode::<Ask>().unwrap_err();
            assert_eq!(fault.code, "SerializationException", "{protocol:?} {body:?}");
        }
    }

    #[test]
    fn faults_in_each_protocol() {
        let fault = Fault::new("ResourceNotFound", 404, "No <alarm>");
        let json = String::from_utf8(wire(Protocol::Json10, b"").encode_fault(&fault)).unwrap();
        assert_eq!(
            json,
            r#"{"__type":"com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound","message":"No <alarm>"}"#
        );
        let xml = String::from_utf8(wire(Protocol::Query, b"").encode_fault(&fault)).unwrap();
        assert_eq!(
            xml,
            r#"<ErrorResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><Error><Type>Sender</Type><Code>ResourceNotFound</Code><Message>No &lt;alarm&gt;</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"#
        );
    }
}
