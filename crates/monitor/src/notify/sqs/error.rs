//! What SQS answers when it does not do what was asked. Codes: botocore's model of SQS 2012-11-05 and answers recorded from SQS;
//! the code of the query protocol goes along in `x-amzn-query-error`, and most clients show that one.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

/// A refusal of SQS. The texts inside are public.
#[derive(Debug)]
pub enum SqsError {
    AccessDenied(AccessDenied),
    QueueDoesNotExist,
    /// Names the attribute whose value differs.
    QueueNameExists(String),
    InvalidParameter(String),
    MissingParameter(&'static str),
    InvalidAttributeName(String),
    InvalidAttributeValue(String),
    InvalidAddress,
    InvalidMessageContents,
    ReceiptHandleIsInvalid(String),
    MessageNotInflight,
    PurgeInProgress(String),
    OverLimit(String),
    /// Names the parameter whose queue does not exist.
    ResourceNotFound(&'static str),
    NoSuchTask,
    /// A key of KMS and encryption by SQS at once.
    OneEncryption,
    EmptyBatch(&'static str),
    TooManyEntries(usize),
    IdsNotDistinct(String),
    InvalidEntryId,
    BatchTooLong {
        sent: usize,
        limit: i64,
    },
    /// The whole text.
    Unsupported(&'static str),
    /// Our own trouble; the text is for the log.
    Internal(String),
}

impl SqsError {
    /// `Value V for parameter NAME is invalid. Reason: …`
    pub(crate) fn value(value: impl std::fmt::Display, name: &str, reason: &str) -> Self {
        Self::InvalidParameter(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    }

    /// Code by the JSON protocol, code by the query protocol, status.
    fn codes(&self) -> (&'static str, &'static str, u16) {
        match self {
            Self::AccessDenied(_) => ("AccessDeniedException", "AccessDenied", 403),
            Self::QueueDoesNotExist => ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
            Self::QueueNameExists(_) => ("QueueNameExists", "QueueAlreadyExists", 400),
            Self::InvalidParameter(_) => ("InvalidParameterValueException", "InvalidParameterValue", 400),
            Self::MissingParameter(_) => ("MissingRequiredParameterException", "MissingParameter", 400),
            Self::InvalidAttributeName(_) => ("InvalidAttributeName", "InvalidAttributeName", 400),
            Self::InvalidAttributeValue(_) => ("InvalidAttributeValue", "InvalidAttributeValue", 400),
            Self::InvalidAddress => ("InvalidAddress", "InvalidAddress", 404),
            Self::InvalidMessageContents => ("InvalidMessageContents", "InvalidMessageContents", 400),
            Self::ReceiptHandleIsInvalid(_) => ("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
            Self::MessageNotInflight => {
                ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400)
            }
            Self::PurgeInProgress(_) => {
                ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403)
            }
            Self::EmptyBatch(_) => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400),
            Self::TooManyEntries(_) => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400)
            }
            Self::IdsNotDistinct(_) => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400)
            }
            Self::InvalidEntryId => {
                ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400)
            }
            Self::BatchTooLong { .. } => {
                ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400)
            }
            Self::OverLimit(_) => ("OverLimit", "OverLimit", 403),
            Self::ResourceNotFound(_) | Self::NoSuchTask => {
                ("ResourceNotFoundException", "ResourceNotFoundException", 404)
            }
            Self::OneEncryption => ("InvalidAttributeName", "InvalidAttributeName", 400),
            Self::Unsupported(_) => {
                ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400)
            }
            Self::Internal(_) => ("InternalError", "InternalError", 500),
        }
    }
}

impl WireError for SqsError {
    fn code(&self) -> Cow<'static, str> {
        self.codes().0.into()
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        Some(self.codes().1.into())
    }

    fn status(&self) -> u16 {
        self.codes().2
    }

    fn message(&self) -> Option<String> {
        Some(match self {
            Self::AccessDenied(denied) => denied.0.clone(),
            Self::QueueDoesNotExist => "The specified queue does not exist.".to_owned(),
            Self::QueueNameExists(attribute) => format!(
                "A queue already exists with the same name and a different value for attribute {attribute}"
            ),
            Self::InvalidParameter(text) => text.clone(),
            Self::MissingParameter(name) => format!("The request must contain the parameter {name}."),
            Self::InvalidAttributeName(name) => format!("Unknown Attribute {name}."),
            Self::InvalidAttributeValue(name) => format!("Invalid value for the parameter {name}."),
            Self::InvalidAddress => "The address is not valid for this endpoint.".to_owned(),
            Self::InvalidMessageContents => {
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF".to_owned()
            }
            Self::ReceiptHandleIsInvalid(handle) => {
                format!("The input receipt handle \"{handle}\" is not a valid receipt handle.")
            }
            Self::MessageNotInflight => "The specified message isn't in flight.".to_owned(),
            Self::PurgeInProgress(queue) => {
                format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.")
            }
            Self::EmptyBatch(entry) => {
                format!("There should be at least one {entry} in the request.")
            }
            Self::TooManyEntries(sent) => {
                format!("Maximum number of entries per request are 10. You have sent {sent}.")
            }
            Self::IdsNotDistinct(id) => format!("Id {id} repeated."),
            Self::InvalidEntryId => "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.".to_owned(),
            Self::BatchTooLong { sent, limit } => {
                format!("Batch requests cannot be longer than {limit} bytes. You have sent {sent} bytes.")
            }
            Self::OverLimit(text) => text.clone(),
            Self::ResourceNotFound(parameter) => {
                format!("The resource that you specified for the {parameter} parameter doesn't exist.")
            }
            Self::NoSuchTask => "The task that you specified doesn't exist.".to_owned(),
            Self::OneEncryption => "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.".to_owned(),
            Self::Unsupported(text) => (*text).to_owned(),
            Self::Internal(_) => "We encountered an internal error. Please try again.".to_owned(),
        })
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Internal(detail) => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<AccessDenied> for SqsError {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied)
    }
}

impl From<StoreError> for SqsError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}
