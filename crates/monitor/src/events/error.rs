//! What EventBridge answers when it refuses

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_patterns::event::InvalidPattern;
use keywatch_store::StoreError;

/// Errors of the EventBridge operations. Texts are AWS's where it is known what AWS says.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    #[error("Event bus {0} does not exist.")]
    BusNotFound(String),
    #[error("Rule {rule} does not exist on EventBus {bus}.")]
    RuleNotFound { rule: String, bus: String },
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    #[error("{0}")]
    Exists(String),
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    #[error("{0}")]
    IllegalStatus(String),
    #[error("{0}")]
    Pattern(#[from] InvalidPattern),
    #[error("The policy is too long: it may have {0} characters.")]
    PolicyTooLong(usize),
    #[error("The requested resource exceeds the maximum number allowed.")]
    LimitExceeded,
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("The service is temporarily unavailable.")]
    Store(#[from] StoreError),
}

impl EventsError {
    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(text.into())
    }

    /// "Parameter X is not valid. Reason: …"
    pub(crate) fn parameter(name: &str, reason: &str) -> Self {
        Self::Invalid(format!("Parameter {name} is not valid. Reason: {reason}").into())
    }
}

impl WireError for EventsError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::BusNotFound(_) | Self::RuleNotFound { .. } | Self::NotFound(_) => {
                "ResourceNotFoundException".into()
            }
            Self::Exists(_) => "ResourceAlreadyExistsException".into(),
            Self::Invalid(_) => "ValidationException".into(),
            Self::IllegalStatus(_) => "IllegalStatusException".into(),
            Self::Pattern(_) => "InvalidEventPatternException".into(),
            Self::PolicyTooLong(_) => "PolicyLengthExceededException".into(),
            Self::LimitExceeded => "LimitExceededException".into(),
            Self::Denied(denied) => denied.code(),
            Self::Store(_) => "InternalException".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Denied(denied) => denied.status(),
            Self::Store(_) => 500,
            _ => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            _ => None,
        }
    }
}
