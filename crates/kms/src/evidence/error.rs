//! What questions about a key are refused with.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_history::HistoryError;
use keywatch_iam::AccessDenied;
use keywatch_store::StoreError;

use crate::error::KmsError;

/// Why a question about a key failed.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("{0}")]
    NotFound(String),
    #[error("The start time must be before the end time.")]
    TimeRange,
    #[error("The token does not belong to this request.")]
    InvalidNextToken,
    #[error("The history failed.")]
    History(#[from] HistoryError),
    #[error("The store failed.")]
    Store(#[from] StoreError),
}

impl From<KmsError> for EvidenceError {
    /// Looking a key up finds it or not, or the store fails.
    fn from(error: KmsError) -> Self {
        if error.status() >= 500 {
            return Self::Store(StoreError::corrupt(error.to_string()));
        }
        Self::NotFound(error.message().unwrap_or_default())
    }
}

impl WireError for EvidenceError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::NotFound(_) => "NotFoundException".into(),
            Self::TimeRange => "InvalidTimeRangeException".into(),
            Self::InvalidNextToken => "InvalidNextTokenException".into(),
            Self::History(_) | Self::Store(_) => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::History(_) | Self::Store(_) => 500,
            Self::Denied(_) | Self::NotFound(_) | Self::TimeRange | Self::InvalidNextToken => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::History(error) => Some(error.in_full()),
            Self::Store(error) => Some(error.to_string()),
            Self::Denied(_) | Self::NotFound(_) | Self::TimeRange | Self::InvalidNextToken => None,
        }
    }
}
