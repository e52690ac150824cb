//! # Faults
//! What a caller is told when a call fails, and what the log is told besides. Each service has a closed enum of its own
//! that implements [`WireError`]; a [`Fault`] is such an error after the service has let go of it.

use std::borrow::Cow;
use std::fmt;

/// An error that has a code, a status and a public text on the wire.
pub trait WireError: fmt::Debug {
    /// The shape's name, such as `NotFoundException`.
    fn code(&self) -> Cow<'static, str>;
    /// HTTP status.
    fn status(&self) -> u16;
    /// The text for the caller; `None` when AWS sends none.
    fn message(&self) -> Option<String>;
    /// The code of the query protocol where it differs from the shape's name (`AWS.SimpleQueueService.NonExistentQueue`).
    fn query_code(&self) -> Option<Cow<'static, str>> {
        None
    }
    /// Members besides `message`, as JSON object text.
    fn members(&self) -> Option<String> {
        None
    }
    /// What the log should know and the caller must not.
    fn detail(&self) -> Option<String> {
        None
    }
}

/// An error on its way to the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Cow<'static, str>,
    pub status: u16,
    pub message: Option<String>,
    pub query_code: Option<Cow<'static, str>>,
    /// Members besides `message`, as JSON object text (`{"dashboardValidationMessages":[…]}`).
    pub members: Option<String>,
    /// For the log only.
    pub detail: Option<String>,
}

impl Fault {
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Fault {
            code: code.into(),
            status,
            message: Some(message.into()),
            query_code: None,
            members: None,
            detail: None,
        }
    }

    pub fn from_error<E: WireError>(error: E) -> Self {
        Fault {
            code: error.code(),
            status: error.status(),
            message: error.message(),
            query_code: error.query_code(),
            members: error.members(),
            detail: error.detail(),
        }
    }

    /// A body that does not parse: wrong JSON, CBOR or form, wrong type of a member, wrong base64.
    pub fn serialization(detail: impl Into<String>) -> Self {
        Fault { message: None, detail: Some(detail.into()), ..Fault::new("SerializationException", 400, "") }
    }

    /// Modelled constraints that do not hold; the text is AWS's.
    pub fn validation(message: impl Into<String>) -> Self {
        Fault {
            query_code: Some("ValidationError".into()),
            ..Fault::new("ValidationException", 400, message)
        }
    }

    /// Whether the caller is to blame (`Sender`) rather than the service (`Receiver`).
    pub fn is_sender(&self) -> bool {
        self.status < 500
    }

    /// The code the query protocol shows.
    pub fn code_in_query(&self) -> &str {
        self.query_code.as_deref().unwrap_or(&self.code)
    }

    pub fn with_query_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.query_code = Some(code.into());
        self
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl WireError for Fault {
    fn code(&self) -> Cow<'static, str> {
        self.code.clone()
    }
    fn status(&self) -> u16 {
        self.status
    }
    fn message(&self) -> Option<String> {
        self.message.clone()
    }
    fn query_code(&self) -> Option<Cow<'static, str>> {
        self.query_code.clone()
    }
    fn members(&self) -> Option<String> {
        self.members.clone()
    }
    fn detail(&self) -> Option<String> {
        self.detail.clone()
    }
}
