//! What CloudWatch answers when a call fails.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

/// The errors of CloudWatch.
#[derive(Debug)]
pub enum CloudWatchError {
    AccessDenied(AccessDenied),
    /// A value outside what the operation takes.
    InvalidParameterValue(String),
    /// Parameters that exclude each other, or that ask for too much together.
    InvalidParameterCombination(String),
    MissingParameter(String),
    /// A request that satisfies the model and still makes no sense.
    Validation(String),
    InvalidNextToken,
    /// `StateReasonData` that is no JSON; CloudWatch sends no text with it.
    InvalidFormat,
    /// No such alarm; CloudWatch sends no text with it.
    NoSuchAlarm,
    /// No such resource to tag.
    NoSuchResource {
        arn: String,
    },
    LimitExceeded(String),
    Store(StoreError),
}

impl WireError for CloudWatchError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied(denied) => denied.code(),
            Self::InvalidParameterValue(_) => "InvalidParameterValueException".into(),
            Self::InvalidParameterCombination(_) => "InvalidParameterCombinationException".into(),
            Self::MissingParameter(_) => "MissingRequiredParameterException".into(),
            Self::Validation(_) => "ValidationException".into(),
            Self::InvalidNextToken => "InvalidNextToken".into(),
            Self::InvalidFormat => "InvalidFormatFault".into(),
            Self::NoSuchAlarm => "ResourceNotFound".into(),
            Self::NoSuchResource { .. } => "ResourceNotFoundException".into(),
            Self::LimitExceeded(_) => "LimitExceededFault".into(),
            Self::Store(_) => "InternalServiceFault".into(),
        }
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        let code = match self {
            Self::AccessDenied(denied) => return denied.query_code(),
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::InvalidParameterCombination(_) => "InvalidParameterCombination",
            Self::MissingParameter(_) => "MissingParameter",
            Self::Validation(_) => "ValidationError",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::InvalidFormat => "InvalidFormat",
            Self::NoSuchAlarm => "ResourceNotFound",
            Self::NoSuchResource { .. } => "ResourceNotFoundException",
            Self::LimitExceeded(_) => "LimitExceeded",
            Self::Store(_) => "InternalServiceError",
        };
        Some(code.into())
    }

    fn status(&self) -> u16 {
        match self {
            Self::AccessDenied(denied) => denied.status(),
            Self::NoSuchAlarm | Self::NoSuchResource { .. } => 404,
            Self::Store(_) => 500,
            _ => 400,
        }
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::AccessDenied(denied) => denied.message(),
            Self::InvalidParameterValue(text)
            | Self::InvalidParameterCombination(text)
            | Self::MissingParameter(text)
            | Self::Validation(text)
            | Self::LimitExceeded(text) => Some(text.clone()),
            Self::InvalidNextToken => Some("The value for NextToken is invalid.".to_owned()),
            Self::InvalidFormat | Self::NoSuchAlarm => Some(String::new()),
            Self::NoSuchResource { arn } => Some(format!("The resource {arn} does not exist.")),
            Self::Store(_) => Some(
                "The request processing has failed because of an unknown error, exception or failure."
                    .to_owned(),
            ),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            _ => None,
        }
    }
}

impl From<StoreError> for CloudWatchError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AccessDenied> for CloudWatchError {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied)
    }
}
