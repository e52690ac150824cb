//! The errors of the S3 endpoint, with S3's codes and texts (S3 API reference, "Error responses").

use std::borrow::Cow;

use keywatch_api::{Fault, WireError};
use keywatch_iam::AccessDenied;
use keywatch_iam::credentials::CredentialError;
use keywatch_monitor::buckets::BodyError;
use keywatch_store::StoreError;

use crate::auth::authenticate::AuthError;
use crate::auth::claim::ClaimError;
use crate::auth::sigv4::SignatureError;

/// Why a request to a bucket fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Error {
    AccessDenied(String),
    BadDigest(String),
    BadRequest(String),
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    EntityTooLarge,
    EntityTooSmall,
    IncompleteBody,
    /// Our own trouble; the text is for the log.
    Internal(String),
    IllegalLocationConstraint(String),
    InvalidArgument(String),
    InvalidBucketName,
    InvalidDigest,
    InvalidPart,
    InvalidPartOrder,
    InvalidRange,
    InvalidRequest(String),
    InvalidTag(&'static str),
    InvalidUri,
    KeyTooLong,
    MalformedPolicy(String),
    MalformedXml,
    MetadataTooLarge,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchBucketPolicy,
    NoSuchKey,
    NoSuchTagSet,
    NoSuchUpload,
    NotImplemented,
    NotModified,
    ObjectLockConfigurationNotFound,
    PreconditionFailed,
    RequestTimeout,
    SignatureDoesNotMatch,
}

impl S3Error {
    fn parts(&self) -> (u16, &'static str, Cow<'_, str>) {
        let (status, code, text) = match self {
            Self::AccessDenied(text) => return (403, "AccessDenied", text.into()),
            Self::BadDigest(text) => return (400, "BadDigest", text.into()),
            Self::BadRequest(text) => return (400, "BadRequest", text.into()),
            Self::InvalidTag(text) => return (400, "InvalidTag", (*text).into()),
            Self::IllegalLocationConstraint(text) => {
                return (400, "IllegalLocationConstraintException", text.into());
            }
            Self::InvalidArgument(text) => return (400, "InvalidArgument", text.into()),
            Self::InvalidRequest(text) => return (400, "InvalidRequest", text.into()),
            Self::MalformedPolicy(text) => return (400, "MalformedPolicy", text.into()),
            Self::BucketAlreadyExists => (
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
            ),
            Self::BucketAlreadyOwnedByYou => (
                409,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            ),
            Self::BucketNotEmpty => (409, "BucketNotEmpty", "The bucket you tried to delete is not empty"),
            Self::EntityTooLarge => {
                (400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
            }
            Self::EntityTooSmall => {
                (400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            }
            Self::IncompleteBody => (
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ),
            Self::Internal(_) => {
                (500, "InternalError", "We encountered an internal error. Please try again.")
            }
            Self::InvalidBucketName => (400, "InvalidBucketName", "The specified bucket is not valid."),
            Self::InvalidDigest => (400, "InvalidDigest", "The Content-MD5 you specified is not valid."),
            Self::InvalidPart => (
                400,
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
            ),
            Self::InvalidPartOrder => (
                400,
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ),
            Self::InvalidRange => (416, "InvalidRange", "The requested range is not satisfiable"),
            Self::InvalidUri => (400, "InvalidURI", "Couldn't parse the specified URI."),
            Self::KeyTooLong => (400, "KeyTooLongError", "Your key is too long"),
            Self::MalformedXml => (
                400,
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            ),
            Self::MetadataTooLarge => {
                (400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
            }
            Self::MethodNotAllowed => {
                (405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
            }
            Self::NoSuchBucket => (404, "NoSuchBucket", "The specified bucket does not exist"),
            Self::NoSuchBucketPolicy => (404, "NoSuchBucketPolicy", "The bucket policy does not exist"),
            Self::NoSuchKey => (404, "NoSuchKey", "The specified key does not exist."),
            Self::NoSuchTagSet => (404, "NoSuchTagSet", "The TagSet does not exist"),
            Self::NoSuchUpload => (
                404,
                "NoSuchUpload",
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
            ),
            Self::NotImplemented => (
                501,
                "NotImplemented",
                "A header or parameter you provided implies functionality that is not implemented",
            ),
            Self::NotModified => (304, "NotModified", "Not Modified"),
            Self::ObjectLockConfigurationNotFound => (
                404,
                "ObjectLockConfigurationNotFoundError",
                "Object Lock configuration does not exist for this bucket",
            ),
            Self::PreconditionFailed => {
                (412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
            }
            Self::RequestTimeout => (
                400,
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
            ),
            Self::SignatureDoesNotMatch => (403, "SignatureDoesNotMatch", MISMATCH),
        };
        (status, code, text.into())
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";

impl WireError for S3Error {
    fn code(&self) -> Cow<'static, str> {
        self.parts().1.into()
    }
    fn status(&self) -> u16 {
        self.parts().0
    }
    fn message(&self) -> Option<String> {
        Some(self.parts().2.into_owned())
    }
    fn detail(&self) -> Option<String> {
        match self {
            Self::Internal(detail) => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        Self::Internal(crate::exit::chain(&error))
    }
}

impl From<BodyError> for S3Error {
    fn from(error: BodyError) -> Self {
        Self::Internal(crate::exit::chain(&error))
    }
}

impl From<AccessDenied> for S3Error {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied.0)
    }
}

/// The refusal of a request that led to nobody, in S3's words.
pub fn of_auth(reason: &AuthError, presigned: bool) -> Fault {
    let text = reason.to_string();
    match reason {
        AuthError::Claim(ClaimError::Missing) => Fault::new("AccessDenied", 403, "Access Denied"),
        AuthError::Claim(ClaimError::Incomplete(_)) if presigned => {
            Fault::new("AuthorizationQueryParametersError", 400, text)
        }
        AuthError::Claim(ClaimError::Incomplete(_)) => Fault::new(
            "AuthorizationHeaderMalformed",
            400,
            format!("The authorization header is malformed; {text}"),
        ),
        AuthError::Credential(CredentialError::Invalid) => Fault::new(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        AuthError::Credential(CredentialError::Expired) => {
            Fault::new("ExpiredToken", 400, "The provided token has expired.")
        }
        AuthError::Credential(CredentialError::Unavailable(detail)) => {
            Fault::from_error(S3Error::Internal(detail.clone()))
        }
        AuthError::Signature(SignatureError::Mismatch) => Fault::from_error(S3Error::SignatureDoesNotMatch),
        AuthError::Signature(SignatureError::Payload) => Fault::new("XAmzContentSHA256Mismatch", 400, text),
        AuthError::Signature(SignatureError::Expired(_)) if presigned => {
            Fault::new("AccessDenied", 403, "Request has expired")
        }
        AuthError::Signature(SignatureError::Expired(_) | SignatureError::NotYet(_)) => Fault::new(
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        AuthError::Signature(_) => Fault::new(
            "AuthorizationHeaderMalformed",
            400,
            format!("The authorization header is malformed; {text}"),
        ),
    }
}
