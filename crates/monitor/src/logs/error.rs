//! What CloudWatch Logs answers when it refuses

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

use keywatch_patterns::filter::InvalidFilterPattern;

/// Errors of the Logs operations. Texts are AWS's where it is known what AWS says.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("The specified log group does not exist.")]
    GroupNotFound,
    #[error("The specified log stream does not exist.")]
    StreamNotFound,
    #[error("The specified metric filter does not exist.")]
    FilterNotFound,
    #[error("The specified resource does not exist.")]
    ResourceNotFound,
    #[error("The specified log group already exists")]
    GroupExists,
    #[error("The specified log stream already exists")]
    StreamExists,
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    #[error("{0}")]
    Pattern(#[from] InvalidFilterPattern),
    #[error("{0}")]
    InvalidOperation(&'static str),
    #[error("{0}")]
    Protected(&'static str),
    #[error("Resource limit exceeded.")]
    LimitExceeded,
    #[error("The resource would have more than 50 tags.")]
    TooManyTags,
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("The service is temporarily unavailable.")]
    Store(#[from] StoreError),
}

impl LogsError {
    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(text.into())
    }
}

impl WireError for LogsError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::GroupNotFound | Self::StreamNotFound | Self::FilterNotFound | Self::ResourceNotFound => {
                "ResourceNotFoundException".into()
            }
            Self::GroupExists | Self::StreamExists => "ResourceAlreadyExistsException".into(),
            Self::Invalid(_) | Self::Pattern(_) => "InvalidParameterException".into(),
            Self::InvalidOperation(_) => "InvalidOperationException".into(),
            Self::Protected(_) => "ValidationException".into(),
            Self::LimitExceeded => "LimitExceededException".into(),
            Self::TooManyTags => "TooManyTagsException".into(),
            Self::Denied(denied) => denied.code(),
            Self::Store(_) => "ServiceUnavailableException".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Denied(denied) => denied.status(),
            Self::Store(_) => 503,
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
