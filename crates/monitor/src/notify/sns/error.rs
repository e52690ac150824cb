//! What SNS answers when it does not do what was asked. Codes and statuses: botocore's model of SNS 2010-03-31.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

/// A refusal of SNS. The texts inside are public.
#[derive(Debug)]
pub enum SnsError {
    /// `Invalid parameter: …`, without these words.
    InvalidParameter(String),
    /// `InvalidParameter` with another text.
    InvalidToken,
    ParameterValueInvalid(String),
    NotFound(&'static str),
    ResourceNotFound,
    AccessDenied(AccessDenied),
    Authorization(&'static str),
    TopicLimit,
    SubscriptionLimit,
    TagLimit,
    EmptyBatch,
    TooManyEntries,
    IdsNotDistinct,
    BatchTooLong,
    InvalidEntryId(String),
    /// Our own trouble; the text is for the log.
    Internal(String),
}

impl SnsError {
    /// `Invalid parameter: NAME`
    pub(crate) fn parameter(name: &str) -> Self {
        Self::InvalidParameter(name.to_owned())
    }

    /// `Invalid parameter: NAME Reason: …`
    pub(crate) fn parameter_because(name: &str, reason: &str) -> Self {
        Self::InvalidParameter(format!("{name} Reason: {reason}"))
    }

    /// Of attributes given at creation, and of one that is set later.
    pub(crate) fn attribute(at_creation: bool, reason: &str) -> Self {
        if at_creation { Self::parameter_because("Attributes", reason) } else { Self::parameter(reason) }
    }

    /// The public text.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::InvalidParameter(text) => format!("Invalid parameter: {text}").into(),
            Self::InvalidToken => "Invalid token".into(),
            Self::ParameterValueInvalid(text) => text.into(),
            Self::NotFound(text) | Self::Authorization(text) => (*text).into(),
            Self::ResourceNotFound => "Resource does not exist".into(),
            Self::AccessDenied(denied) => (&denied.0).into(),
            Self::TopicLimit => "Topic limit exceeded".into(),
            Self::SubscriptionLimit => "Subscription limit exceeded".into(),
            Self::TagLimit => "Could not complete request: tag quota of per resource exceeded".into(),
            Self::EmptyBatch => "The batch request doesn't contain any entries.".into(),
            Self::TooManyEntries => "The batch request contains more entries than permissible.".into(),
            Self::IdsNotDistinct => "Two or more batch entries in the request have the same Id.".into(),
            Self::BatchTooLong => {
                "The length of all the messages put together is more than the limit.".into()
            }
            Self::InvalidEntryId(text) => {
                format!("The Id of a batch entry in the batch request {text}").into()
            }
            Self::Internal(_) => "Internal error".into(),
        }
    }
}

impl WireError for SnsError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::InvalidParameter(_) | Self::InvalidToken => "InvalidParameterException",
            Self::ParameterValueInvalid(_) => "InvalidParameterValueException",
            Self::NotFound(_) => "NotFoundException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::AccessDenied(_) | Self::Authorization(_) => "AuthorizationErrorException",
            Self::TopicLimit => "TopicLimitExceededException",
            Self::SubscriptionLimit => "SubscriptionLimitExceededException",
            Self::TagLimit => "TagLimitExceededException",
            Self::EmptyBatch => "EmptyBatchRequestException",
            Self::TooManyEntries => "TooManyEntriesInBatchRequestException",
            Self::IdsNotDistinct => "BatchEntryIdsNotDistinctException",
            Self::BatchTooLong => "BatchRequestTooLongException",
            Self::InvalidEntryId(_) => "InvalidBatchEntryIdException",
            Self::Internal(_) => "InternalErrorException",
        }
        .into()
    }

    fn query_code(&self) -> Option<Cow<'static, str>> {
        let code = match self {
            Self::InvalidParameter(_) | Self::InvalidToken => "InvalidParameter",
            Self::ParameterValueInvalid(_) => "ParameterValueInvalid",
            Self::NotFound(_) => "NotFound",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::AccessDenied(_) | Self::Authorization(_) => "AuthorizationError",
            Self::TopicLimit => "TopicLimitExceeded",
            Self::SubscriptionLimit => "SubscriptionLimitExceeded",
            Self::TagLimit => "TagLimitExceeded",
            Self::EmptyBatch => "EmptyBatchRequest",
            Self::TooManyEntries => "TooManyEntriesInBatchRequest",
            Self::IdsNotDistinct => "BatchEntryIdsNotDistinct",
            Self::BatchTooLong => "BatchRequestTooLong",
            Self::InvalidEntryId(_) => "InvalidBatchEntryId",
            Self::Internal(_) => "InternalError",
        };
        Some(code.into())
    }

    fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) | Self::ResourceNotFound => 404,
            Self::AccessDenied(_) | Self::Authorization(_) | Self::TopicLimit | Self::SubscriptionLimit => {
                403
            }
            Self::Internal(_) => 500,
            _ => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.text().into_owned())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Internal(detail) => Some(detail.clone()),
            _ => None,
        }
    }
}

impl From<AccessDenied> for SnsError {
    fn from(denied: AccessDenied) -> Self {
        Self::AccessDenied(denied)
    }
}

impl From<StoreError> for SnsError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}
