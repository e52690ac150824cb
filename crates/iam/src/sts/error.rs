//! What STS answers when it does not do what was asked. Codes and statuses: botocore's model of STS 2011-06-15.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_store::StoreError;

use crate::policy::PolicyError;

/// A refusal of STS. The texts inside are public.
#[derive(Debug)]
pub enum StsError {
    AccessDenied(String),
    MalformedPolicyDocument(String),
    PackedPolicyTooLarge(String),
    InvalidAuthorizationMessage,
    InvalidParameterValue(&'static str),
    Validation(String),
    /// Our own trouble; the text is for the log.
    InternalFailure(String),
}

impl WireError for StsError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied(_) => "AccessDenied",
            Self::MalformedPolicyDocument(_) => "MalformedPolicyDocumentException",
            Self::PackedPolicyTooLarge(_) => "PackedPolicyTooLargeException",
            Self::InvalidAuthorizationMessage => "InvalidAuthorizationMessageException",
            Self::InvalidParameterValue(_) => "InvalidParameterValue",
            Self::Validation(_) => "ValidationException",
            Self::InternalFailure(_) => "InternalFailure",
        }
        .into()
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::MalformedPolicyDocument(_) => Some("MalformedPolicyDocument".into()),
            Self::PackedPolicyTooLarge(_) => Some("PackedPolicyTooLarge".into()),
            Self::Validation(_) => Some("ValidationError".into()),
            Self::AccessDenied(_)
            | Self::InvalidAuthorizationMessage
            | Self::InvalidParameterValue(_)
            | Self::InternalFailure(_) => None,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::AccessDenied(_) => 403,
            Self::InternalFailure(_) => 500,
            Self::MalformedPolicyDocument(_)
            | Self::PackedPolicyTooLarge(_)
            | Self::InvalidAuthorizationMessage
            | Self::InvalidParameterValue(_)
            | Self::Validation(_) => 400,
        }
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::AccessDenied(text)
            | Self::MalformedPolicyDocument(text)
            | Self::PackedPolicyTooLarge(text)
            | Self::Validation(text) => Some(text.clone()),
            Self::InvalidAuthorizationMessage => Some("The encoded message is not valid.".to_owned()),
            Self::InvalidParameterValue(text) => Some((*text).to_owned()),
            Self::InternalFailure(_) => None,
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::InternalFailure(detail) => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<StoreError> for StsError {
    fn from(error: StoreError) -> Self {
        Self::InternalFailure(error.to_string())
    }
}

impl From<PolicyError> for StsError {
    fn from(error: PolicyError) -> Self {
        Self::MalformedPolicyDocument(error.to_string())
    }
}
