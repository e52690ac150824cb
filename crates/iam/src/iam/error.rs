//! What IAM answers when it does not do what was asked. Codes and statuses: botocore's model of IAM 2010-05-08.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_store::StoreError;

use crate::AccessDenied;
use crate::identity::TagError;
use crate::policy::PolicyError;
use crate::slow::BrokenOff;

/// A refusal of IAM. The texts inside are public.
#[derive(Debug)]
pub enum IamError {
    AccessDenied(AccessDenied),
    NoSuchEntity(String),
    EntityAlreadyExists(String),
    DeleteConflict(&'static str),
    LimitExceeded(String),
    /// What AWS alone may change.
    UnmodifiableEntity(String),
    PolicyNotAttachable(String),
    PasswordPolicyViolation(String),
    InvalidUserType(&'static str),
    MalformedPolicyDocument(PolicyError),
    InvalidInput(String),
    /// What `ValidationError` of other services is, with a text of IAM.
    Validation(&'static str),
    /// Credentials that IAM does not accept.
    InvalidToken,
    /// Our own trouble; the text is for the log.
    ServiceFailure(String),
}

impl WireError for IamError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied(_) => "AccessDenied",
            Self::NoSuchEntity(_) => "NoSuchEntityException",
            Self::EntityAlreadyExists(_) => "EntityAlreadyExistsException",
            Self::DeleteConflict(_) => "DeleteConflictException",
            Self::LimitExceeded(_) => "LimitExceededException",
            Self::UnmodifiableEntity(_) => "UnmodifiableEntityException",
            Self::PolicyNotAttachable(_) => "PolicyNotAttachableException",
            Self::PasswordPolicyViolation(_) => "PasswordPolicyViolationException",
            Self::InvalidUserType(_) => "InvalidUserTypeException",
            Self::MalformedPolicyDocument(_) => "MalformedPolicyDocumentException",
            Self::InvalidInput(_) => "InvalidInputException",
            Self::Validation(_) => "ValidationException",
            Self::InvalidToken => "InvalidClientTokenId",
            Self::ServiceFailure(_) => "ServiceFailureException",
        }
        .into()
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        let code = match self {
            Self::AccessDenied(_) | Self::InvalidToken => return None,
            Self::NoSuchEntity(_) => "NoSuchEntity",
            Self::EntityAlreadyExists(_) => "EntityAlreadyExists",
            Self::DeleteConflict(_) => "DeleteConflict",
            Self::LimitExceeded(_) => "LimitExceeded",
            Self::UnmodifiableEntity(_) => "UnmodifiableEntity",
            Self::PolicyNotAttachable(_) => "PolicyNotAttachable",
            Self::PasswordPolicyViolation(_) => "PasswordPolicyViolation",
            Self::InvalidUserType(_) => "InvalidUserType",
            Self::MalformedPolicyDocument(_) => "MalformedPolicyDocument",
            Self::InvalidInput(_) => "InvalidInput",
            Self::Validation(_) => "ValidationError",
            Self::ServiceFailure(_) => "ServiceFailure",
        };
        Some(code.into())
    }

    fn status(&self) -> u16 {
        match self {
            Self::AccessDenied(_) | Self::InvalidToken => 403,
            Self::NoSuchEntity(_) => 404,
            Self::EntityAlreadyExists(_) | Self::DeleteConflict(_) | Self::LimitExceeded(_) => 409,
            Self::MalformedPolicyDocument(_)
            | Self::InvalidInput(_)
            | Self::Validation(_)
            | Self::UnmodifiableEntity(_)
            | Self::PolicyNotAttachable(_)
            | Self::PasswordPolicyViolation(_)
            | Self::InvalidUserType(_) => 400,
            Self::ServiceFailure(_) => 500,
        }
    }

    fn message(&self) -> Option<String> {
        Some(match self {
            Self::AccessDenied(denied) => denied.0.clone(),
            Self::NoSuchEntity(text)
            | Self::EntityAlreadyExists(text)
            | Self::LimitExceeded(text)
            | Self::InvalidInput(text)
            | Self::UnmodifiableEntity(text)
            | Self::PolicyNotAttachable(text)
            | Self::PasswordPolicyViolation(text) => text.clone(),
            Self::DeleteConflict(text) | Self::Validation(text) | Self::InvalidUserType(text) => {
                (*text).to_owned()
            }
            Self::MalformedPolicyDocument(error) => error.to_string(),
            Self::InvalidToken => "The security token included in the request is invalid".to_owned(),
            Self::ServiceFailure(_) => "Service Failure".to_owned(),
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::ServiceFailure(detail) => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<AccessDenied> for IamError {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied)
    }
}

impl From<BrokenOff> for IamError {
    fn from(error: BrokenOff) -> Self {
        Self::ServiceFailure(error.to_string())
    }
}

impl From<StoreError> for IamError {
    fn from(error: StoreError) -> Self {
        Self::ServiceFailure(error.to_string())
    }
}

impl From<PolicyError> for IamError {
    fn from(error: PolicyError) -> Self {
        Self::MalformedPolicyDocument(error)
    }
}

impl From<TagError> for IamError {
    fn from(error: TagError) -> Self {
        match error {
            TagError::Duplicate => Self::InvalidInput(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.".into(),
            ),
            TagError::Reserved => Self::InvalidInput("System tags cannot be added by the requester.".into()),
            TagError::TooMany => Self::LimitExceeded(format!(
                "The number of tags has reached the maximum limit of {}.",
                crate::identity::TAGS_MAX
            )),
        }
    }
}
