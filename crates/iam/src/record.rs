//! # Records
//! The CloudTrail record of a call, and of what a service does by itself, written as JSON text straight into a buffer.
//! Source: CloudTrail user guide, "CloudTrail record contents"; fields in the order of its table.
//!
//! **Invariant:** a record holds nothing secret: it is made of names, codes and the record forms of requests and answers.

use jiff::Timestamp;
use keywatch_api::record_form::push_json_string;
use keywatch_api::{AccountId, Region};

use crate::notes::{Notes, RecordResource};
use crate::{Caller, CallerKind};

mod own;

pub use own::{OwnRecord, Signer};

const EVENT_VERSION: &str = "1.11";
/// "The user agent … ≤ 1 KB, truncated"; the same bound holds for error codes and messages.
const TEXT_BYTES_MAX: usize = 1024;
/// Larger `requestParameters` and `responseElements` are omitted.
const ELEMENTS_BYTES_MAX: usize = 100 * 1024;
/// Larger `additionalEventData` is omitted.
const ADDITIONAL_BYTES_MAX: usize = 28 * 1024;

/// What is known of a call's record once the call has ended.
#[derive(Clone, Copy, Debug)]
pub struct ApiCall<'a> {
    pub time: Timestamp,
    pub event_source: &'a str,
    pub event_name: &'a str,
    pub region: &'a Region,
    /// The account whose trail this record belongs to.
    pub recipient: &'a AccountId,
    /// What this record has in common with that of another account.
    pub shared_event_id: Option<&'a str>,
    pub caller: Identity<'a>,
    /// An address, a service's name, or `AWS Internal`.
    pub source_address: &'a str,
    pub user_agent: Option<&'a str>,
    pub request_id: &'a str,
    pub event_id: &'a str,
    pub read_only: bool,
    /// Code and text.
    pub error: Option<(&'a str, Option<&'a str>)>,
    pub notes: &'a Notes,
    pub tls: Option<TlsDetails<'a>>,
}

/// `userIdentity`
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    Known(&'a Caller),
    /// A call whose credentials did not lead to anybody: only what it claimed.
    Unknown {
        access_key_id: Option<&'a str>,
    },
    /// A caller from another account, in the record of the account that owns what was used: who exactly it was is not told.
    Foreign(&'a Caller),
    /// A service acting for an account: `AWS Internal`.
    Internal {
        account: &'a AccountId,
    },
}

/// `tlsDetails`
#[derive(Clone, Copy, Debug)]
pub struct TlsDetails<'a> {
    /// `TLSv1.3`
    pub version: &'a str,
    /// `TLS_AES_256_GCM_SHA384`
    pub cipher_suite: &'a str,
    pub host: &'a str,
    pub key_exchange: Option<&'a str>,
}

/// A record of type `AwsServiceEvent`: what a service did by itself.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEvent<'a> {
    pub time: Timestamp,
    pub event_source: &'a str,
    pub event_name: &'a str,
    pub region: &'a Region,
    pub account: &'a AccountId,
    pub event_id: &'a str,
    pub resources: &'a [RecordResource],
    /// JSON text.
    pub details: Option<&'a str>,
}

impl ApiCall<'_> {
    /// Appends the record's JSON text.
    pub fn write(&self, out: &mut String) {
        out.push_str("{\"eventVersion\":\"");
        out.push_str(EVENT_VERSION);
        out.push_str("\",\"userIdentity\":");
        self.caller.write(out);
        time_member(out, "eventTime", self.time);
        text_member(out, "eventSource", self.event_source);
        text_member(out, "eventName", self.event_name);
        text_member(out, "awsRegion", self.region.as_str());
        text_member(out, "sourceIPAddress", self.source_address);
        if let Some(agent) = self.user_agent {
            text_member(out, "userAgent", cut(agent));
        }
        if let Some((code, message)) = self.error {
            text_member(out, "errorCode", cut(code));
            if let Some(message) = message {
                text_member(out, "errorMessage", cut(message));
            }
        }
        let response = self.notes.response_elements.as_deref().filter(|_| self.error.is_none());
        let request = self.notes.request_parameters.as_deref();
        elements_member(out, "requestParameters", within(request, ELEMENTS_BYTES_MAX));
        elements_member(out, "responseElements", within(response, ELEMENTS_BYTES_MAX));
        let data = within(self.notes.additional_event_data.as_deref(), ADDITIONAL_BYTES_MAX);
        if data.is_some() {
            elements_member(out, "additionalEventData", data);
        }
        text_member(out, "requestID", self.request_id);
        text_member(out, "eventID", self.event_id);
        out.push_str(if self.read_only { ",\"readOnly\":true" } else { ",\"readOnly\":false" });
        resources_member(out, &self.notes.resources);
        out.push_str(",\"eventType\":\"AwsApiCall\",\"managementEvent\":true");
        text_member(out, "recipientAccountId", self.recipient.as_str());
        if let Some(id) = self.shared_event_id {
            text_member(out, "sharedEventID", id);
        }
        out.push_str(",\"eventCategory\":\"Management\"");
        if let Some(tls) = &self.tls {
            tls.write(out);
        }
        out.push('}');
    }
}

impl ServiceEvent<'_> {
    /// Appends the record's JSON text.
    pub fn write(&self, out: &mut String) {
        out.push_str("{\"eventVersion\":\"");
        out.push_str(EVENT_VERSION);
        out.push_str("\",\"userIdentity\":");
        Identity::Internal { account: self.account }.write(out);
        time_member(out, "eventTime", self.time);
        text_member(out, "eventSource", self.event_source);
        text_member(out, "eventName", self.event_name);
        text_member(out, "awsRegion", self.region.as_str());
        out.push_str(",\"sourceIPAddress\":\"AWS Internal\",\"userAgent\":\"AWS Internal\"");
        out.push_str(",\"requestParameters\":null,\"responseElements\":null");
        text_member(out, "eventID", self.event_id);
        out.push_str(",\"readOnly\":false");
        resources_member(out, self.resources);
        out.push_str(",\"eventType\":\"AwsServiceEvent\",\"managementEvent\":true");
        text_member(out, "recipientAccountId", self.account.as_str());
        if let Some(details) = self.details {
            elements_member(out, "serviceEventDetails", Some(details));
        }
        out.push_str(",\"eventCategory\":\"Management\"}");
    }
}

impl Identity<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Identity::Known(caller) => write_caller(out, caller),
            Identity::Foreign(caller) => {
                out.push_str("{\"type\":\"AWSAccount\"");
                text_member(out, "principalId", &caller.user_id);
                text_member(out, "accountId", caller.account.as_str());
                out.push('}');
            }
            Identity::Unknown { access_key_id } => {
                out.push_str("{\"type\":\"Unknown\"");
                if let Some(key) = access_key_id {
                    text_member(out, "accessKeyId", cut(key));
                }
                out.push('}');
            }
            Identity::Internal { account } => {
                out.push_str("{\"accountId\":");
                push_json_string(out, account.as_str());
                out.push_str(",\"invokedBy\":\"AWS Internal\"}");
            }
        }
    }
}

fn write_caller(out: &mut String, caller: &Caller) {
    let kind = match &caller.kind {
        CallerKind::Root => "Root",
        CallerKind::User { .. } => "IAMUser",
        CallerKind::Federated { .. } => "FederatedUser",
        CallerKind::Role { .. } => "AssumedRole",
        CallerKind::Service => {
            out.push_str("{\"type\":\"AWSService\"");
            text_member(out, "invokedBy", &caller.arn);
            out.push('}');
            return;
        }
    };
    out.push_str("{\"type\":\"");
    out.push_str(kind);
    out.push('"');
    text_member(out, "principalId", &caller.user_id);
    text_member(out, "arn", &caller.arn);
    text_member(out, "accountId", caller.account.as_str());
    if let Some(key) = &caller.access_key_id {
        text_member(out, "accessKeyId", key);
    }
    if let CallerKind::User { name } = &caller.kind {
        text_member(out, "userName", name);
    }
    if let Some(since) = caller.session_since {
        write_session(out, caller, since);
    }
    out.push('}');
}

fn write_session(out: &mut String, caller: &Caller, since: Timestamp) {
    out.push_str(",\"sessionContext\":{");
    let issuer = match &caller.kind {
        CallerKind::Role { role_name, role_arn, role_id, .. } => Some(("Role", role_id, role_arn, role_name)),
        CallerKind::Federated { user_name, user_arn, user_id, .. } => {
            Some(("IAMUser", user_id, user_arn, user_name))
        }
        CallerKind::Root | CallerKind::User { .. } | CallerKind::Service => None,
    };
    if let Some((kind, id, arn, name)) = issuer {
        out.push_str("\"sessionIssuer\":{\"type\":\"");
        out.push_str(kind);
        out.push('"');
        text_member(out, "principalId", id);
        text_member(out, "arn", arn);
        text_member(out, "accountId", caller.account.as_str());
        text_member(out, "userName", name);
        out.push_str("},");
    }
    out.push_str("\"attributes\":{\"creationDate\":\"");
    push_time(out, since);
    out.push_str("\",\"mfaAuthenticated\":\"false\"}");
    if let Some(identity) = &caller.source_identity {
        text_member(out, "sourceIdentity", identity);
    }
    out.push('}');
}

impl TlsDetails<'_> {
    fn write(&self, out: &mut String) {
        out.push_str(",\"tlsDetails\":{\"tlsVersion\":");
        push_json_string(out, self.version);
        text_member(out, "cipherSuite", self.cipher_suite);
        text_member(out, "clientProvidedHostHeader", cut(self.host));
        if let Some(exchange) = self.key_exchange {
            text_member(out, "keyExchange", exchange);
        }
        out.push('}');
    }
}

fn text_member(out: &mut String, name: &str, value: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    push_json_string(out, value);
}

fn time_member(out: &mut String, name: &str, time: Timestamp) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":\"");
    push_time(out, time);
    out.push('"');
}

/// `null`, or JSON text as it is.
fn elements_member(out: &mut String, name: &str, elements: Option<&str>) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":");
    out.push_str(elements.unwrap_or("null"));
}

fn resources_member(out: &mut String, resources: &[RecordResource]) {
    if resources.is_empty() {
        return;
    }
    out.push_str(",\"resources\":[");
    for (index, resource) in resources.iter().enumerate() {
        out.push_str(if index == 0 { "{\"accountId\":" } else { ",{\"accountId\":" });
        push_json_string(out, &resource.account);
        text_member(out, "type", resource.kind);
        text_member(out, "ARN", &resource.arn);
        out.push('}');
    }
    out.push(']');
}

/// `2025-05-20T20:45:08Z`: UTC, whole seconds.
fn push_time(out: &mut String, time: Timestamp) {
    let utc = jiff::tz::Offset::UTC.to_datetime(time);
    let year = utc.year().unsigned_abs();
    push_two_digits(out, (year / 100 % 100) as u8);
    push_two_digits(out, (year % 100) as u8);
    let rest =
        [('-', utc.month()), ('-', utc.day()), ('T', utc.hour()), (':', utc.minute()), (':', utc.second())];
    for (separator, number) in rest {
        out.push(separator);
        push_two_digits(out, number.unsigned_abs());
    }
    out.push('Z');
}

/// Formatting machinery would cost more than the rest of a record's times.
fn push_two_digits(out: &mut String, number: u8) {
    out.push(char::from(b'0' + number / 10 % 10));
    out.push(char::from(b'0' + number % 10));
}

/// Elements that are small enough for a record.
fn within(elements: Option<&str>, bytes_max: usize) -> Option<&str> {
    elements.filter(|text| text.len() <= bytes_max)
}

/// At most [`TEXT_BYTES_MAX`] bytes, cut between characters.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_call() {
        let account: AccountId = "111122223333".parse().unwrap();
        let region: Region = "us-west-2".parse().unwrap();
        let caller = Caller::root(&account, Some("AKIAEXAMPLE".into()));
        let mut notes = Notes::default();
        notes.request_parameters = Some(r#"{"keyId":"k"}"#.into());
        notes.set_response(Some(r#"{"keyId":"arn"}"#.into()));
        notes.resource(&keywatch_api::Arn::kms_key(&region, &account, "k"), "AWS::KMS::Key");
        let call = ApiCall {
            time: "2025-05-20T20:45:08.9Z".parse().unwrap(),
            event_source: "kms.amazonaws.com",
            event_name: "EnableKey",
            region: &region,
            recipient: &account,
            shared_event_id: None,
            caller: Identity::Known(&caller),
            source_address: "127.0.0.1",
            user_agent: Some("aws \"cli\""),
            request_id: "r",
            event_id: "e",
            read_only: false,
            error: None,
            notes: &notes,
            tls: None,
        };
        let mut out = String::new();
        call.write(&mut out);
        assert_eq!(
            out,
            r#"{"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE"},"eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","eventName":"EnableKey","awsRegion":"us-west-2","sourceIPAddress":"127.0.0.1","userAgent":"aws \"cli\"","requestParameters":{"keyId":"k"},"responseElements":{"keyId":"arn"},"requestID":"r","eventID":"e","readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-west-2:111122223333:key/k"}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}"#
        );
        let mut refused = String::new();
        ApiCall {
            error: Some(("AccessDenied", Some("no"))),
            caller: Identity::Unknown { access_key_id: None },
            ..call
        }
        .write(&mut refused);
        let value: serde_json::Value = serde_json::from_str(&refused).unwrap();
        assert_eq!(value["errorCode"], "AccessDenied");
        assert!(value["responseElements"].is_null());
        assert_eq!(value["userIdentity"]["type"], "Unknown");
    }
}
