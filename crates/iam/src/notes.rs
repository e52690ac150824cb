//! What an operation wants its record to say. The dispatch notes the request and the answer in their general form; an
//! operation overrides what CloudTrail shows differently.

use keywatch_api::{Arn, record_form};
use serde::Serialize;

/// Parts of a record that only the operation knows, as JSON text.
#[derive(Debug, Default)]
pub struct Notes {
    pub request_parameters: Option<String>,
    pub response_elements: Option<String>,
    pub additional_event_data: Option<String>,
    pub resources: Vec<RecordResource>,
    response_is_final: bool,
}

/// A member of `resources`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordResource {
    pub arn: String,
    pub account: String,
    /// `AWS::KMS::Key`
    pub kind: &'static str,
}

impl Notes {
    /// Called by the dispatch before the handler runs.
    pub fn note_request<T: Serialize>(&mut self, request: &T) {
        self.request_parameters = match record_form::to_json(request) {
            empty if empty == "{}" || empty == "null" => None,
            text => Some(text),
        };
    }

    /// Called by the dispatch after the handler of a `Write` operation succeeded.
    pub fn note_response<T: Serialize>(&mut self, response: &T) {
        if self.response_is_final {
            return;
        }
        self.response_elements = match record_form::to_json(response) {
            empty if empty == "{}" || empty == "null" => None,
            text => Some(text),
        };
    }

    /// Replaces the general form of the answer: for operations whose record shows more, less or nothing.
    pub fn set_response(&mut self, elements: Option<String>) {
        self.response_elements = elements;
        self.response_is_final = true;
    }

    /// Adds a resource of the call, once.
    pub fn resource(&mut self, arn: &Arn, kind: &'static str) {
        let resource = RecordResource { arn: arn.to_string(), account: arn.account.clone(), kind };
        if !self.resources.contains(&resource) {
            self.resources.push(resource);
        }
    }

    /// Forgets what an attempt noted, before the operation runs again.
    pub fn clear(&mut self) {
        *self = Notes::default();
    }
}
