//! What KMS refuses, in AWS's codes and words. Source: KMS API reference, "Errors" of each operation; texts as recorded from AWS.

use std::borrow::Cow;

use keywatch_api::{Fault, WireError};
use keywatch_iam::AccessDenied;
use keywatch_iam::slow::BrokenOff;
use keywatch_store::StoreError;

/// Every way a KMS operation fails. Each text is public except that of [`KmsError::Internal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KmsError {
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Disabled(String),
    #[error("{0}")]
    InvalidState(String),
    #[error("{0}")]
    Unsupported(String),
    #[error("{0}")]
    Validation(String),
    #[error("{0}")]
    InvalidKeyUsage(String),
    #[error("the ciphertext names another key")]
    IncorrectKey,
    #[error("the ciphertext does not open")]
    InvalidCiphertext,
    #[error("the signature is not valid")]
    InvalidSignature,
    #[error("the MAC is not valid")]
    InvalidMac,
    #[error("the dry run succeeded")]
    DryRun,
    #[error("{0}")]
    LimitExceeded(String),
    #[error("{0}")]
    MalformedPolicy(String),
    #[error("{0}")]
    Tag(&'static str),
    #[error("{0}")]
    AlreadyExists(String),
    #[error("{0}")]
    InvalidAliasName(&'static str),
    #[error("the marker is not valid")]
    InvalidMarker,
    #[error("no grant token is known here")]
    InvalidGrantToken,
    #[error("{0}")]
    InvalidArn(String),
    #[error("{0}")]
    IncorrectKeyMaterial(String),
    #[error("the import token has expired")]
    ExpiredImportToken,
    #[error("the import token is not valid")]
    InvalidImportToken,
    #[error("You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")]
    Throttled,
    #[error("{0}")]
    CustomKeyStoreNotFound(String),
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    AccessDenied(#[from] AccessDenied),
    /// Our own trouble; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl KmsError {
    /// A failure of ours, with what led to it.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        KmsError::Internal(text)
    }

    /// A value outside a range that the model states more widely, in the words of the model's own checks.
    pub(crate) fn out_of_range(value: i32, member: &str, constraint: &str) -> Self {
        KmsError::Validation(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value {constraint}"
        ))
    }

    /// A member that is absent although this request needs it.
    pub(crate) fn missing(member: &str) -> Self {
        KmsError::Validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    }
}

impl From<BrokenOff> for KmsError {
    fn from(error: BrokenOff) -> Self {
        KmsError::internal(&error)
    }
}

impl From<StoreError> for KmsError {
    fn from(error: StoreError) -> Self {
        KmsError::internal(&error)
    }
}

impl WireError for KmsError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::NotFound(_) => "NotFoundException",
            Self::Disabled(_) => "DisabledException",
            Self::InvalidState(_) => "KMSInvalidStateException",
            Self::Unsupported(_) => "UnsupportedOperationException",
            Self::Validation(_) => "ValidationException",
            Self::InvalidKeyUsage(_) => "InvalidKeyUsageException",
            Self::IncorrectKey => "IncorrectKeyException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::InvalidSignature => "KMSInvalidSignatureException",
            Self::InvalidMac => "KMSInvalidMacException",
            Self::DryRun => "DryRunOperationException",
            Self::LimitExceeded(_) => "LimitExceededException",
            Self::MalformedPolicy(_) => "MalformedPolicyDocumentException",
            Self::Tag(_) => "TagException",
            Self::AlreadyExists(_) => "AlreadyExistsException",
            Self::InvalidAliasName(_) => "InvalidAliasNameException",
            Self::InvalidMarker => "InvalidMarkerException",
            Self::InvalidGrantToken => "InvalidGrantTokenException",
            Self::InvalidArn(_) => "InvalidArnException",
            Self::IncorrectKeyMaterial(_) => "IncorrectKeyMaterialException",
            Self::ExpiredImportToken => "ExpiredImportTokenException",
            Self::InvalidImportToken => "InvalidImportTokenException",
            Self::Throttled => "ThrottlingException",
            Self::CustomKeyStoreNotFound(_) => "CustomKeyStoreNotFoundException",
            Self::Conflict(_) => "ConflictException",
            Self::AccessDenied(denied) => return denied.code(),
            Self::Internal(_) => "KMSInternalException",
        }
        .into()
    }

    /// All of KMS's refusals are 400, `AccessDeniedException` included.
    fn status(&self) -> u16 {
        if matches!(self, Self::Internal(_)) { 500 } else { 400 }
    }

    fn message(&self) -> Option<String> {
        match self {
            Self::IncorrectKey => Some(
                "The key ID in the request does not identify a CMK that can perform this operation."
                    .to_owned(),
            ),
            Self::DryRun => {
                Some("The request would have succeeded, but the DryRun option is set.".to_owned())
            }
            // AWS sends none.
            Self::InvalidCiphertext
            | Self::InvalidSignature
            | Self::InvalidMac
            | Self::InvalidMarker
            | Self::InvalidGrantToken
            | Self::ExpiredImportToken
            | Self::InvalidImportToken
            | Self::Internal(_) => None,
            other => Some(other.to_string()),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Internal(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// The answer to operations that KMS has and this server has not.
pub(crate) fn not_built(operation: &str) -> Fault {
    Fault::new(
        "UnsupportedOperationException",
        400,
        format!("{operation} is not supported by this endpoint."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_trouble_is_not_told() {
        let error = KmsError::Internal("disk full".to_owned());
        assert_eq!((error.status(), error.message()), (500, None));
        assert_eq!(error.detail().as_deref(), Some("disk full"));
    }

    #[test]
    fn refusals_are_400_with_their_text() {
        let error = KmsError::Disabled("arn is disabled.".to_owned());
        assert_eq!(error.code(), "DisabledException");
        assert_eq!((error.status(), error.message().as_deref()), (400, Some("arn is disabled.")));
        assert_eq!(KmsError::InvalidCiphertext.message(), None);
    }
}
