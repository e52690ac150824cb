//! What imports are refused with.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_history::HistoryError;
use keywatch_iam::AccessDenied;
use keywatch_logfiles::Fault;
use keywatch_store::StoreError;

use super::take_in::TakeInError;

/// Why an import, or the list of imports, failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("The log file is not usable: {0}.")]
    Unusable(Fault),
    #[error("The log file is a digest file, which holds no records.")]
    Digest,
    #[error("The log file holds more than {limit_mib} MiB of records; import it in parts.")]
    TooLarge { limit_mib: usize },
    #[error("The token does not belong to this request.")]
    InvalidNextToken,
    #[error("There is no import source {0}.")]
    NoSuchSource(String),
    #[error("There is an import source {0} already.")]
    SourceExists(String),
    #[error("{0}")]
    InvalidSource(String),
    #[error("An account has at most {limit} import sources.")]
    TooManySources { limit: usize },
    #[error("The store failed.")]
    Store(#[from] StoreError),
    #[error("{}", .0.public_text())]
    History(#[from] HistoryError),
    #[error("Reading the log file was broken off.")]
    BrokenOff,
}

impl From<TakeInError> for ImportError {
    fn from(error: TakeInError) -> Self {
        match error {
            TakeInError::Store(error) => Self::Store(error),
            TakeInError::History(error) => Self::History(error),
        }
    }
}

impl WireError for ImportError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Unusable(_) | Self::Digest | Self::TooLarge { .. } => "InvalidLogFileException".into(),
            Self::InvalidNextToken => "InvalidNextTokenException".into(),
            Self::NoSuchSource(_) => "NotFoundException".into(),
            Self::SourceExists(_) => "AlreadyExistsException".into(),
            Self::InvalidSource(_) => "ValidationException".into(),
            Self::TooManySources { .. } => "LimitExceededException".into(),
            Self::Store(_) | Self::History(_) | Self::BrokenOff => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Store(_) | Self::History(_) | Self::BrokenOff => 500,
            Self::Denied(_)
            | Self::Unusable(_)
            | Self::Digest
            | Self::TooLarge { .. }
            | Self::InvalidNextToken
            | Self::NoSuchSource(_)
            | Self::SourceExists(_)
            | Self::InvalidSource(_)
            | Self::TooManySources { .. } => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.to_string()),
            Self::History(error) => Some(error.in_full()),
            _ => None,
        }
    }
}
