//! What questions about a key are refused with.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_history::HistoryError;
use keywatch_iam::AccessDenied;
use keywatch_monitor::trail::QuestionError;
use keywatch_store::StoreError;

use crate::error::KmsError;

/// Why a question about a key failed: as any question to the history does, or because of the key it is about.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    #[error(transparent)]
    Question(#[from] QuestionError),
    #[error("{0}")]
    NotFound(String),
    #[error("The store failed.")]
    Store(#[from] StoreError),
}

impl From<AccessDenied> for EvidenceError {
    fn from(denied: AccessDenied) -> Self {
        Self::Question(denied.into())
    }
}

impl From<HistoryError> for EvidenceError {
    fn from(error: HistoryError) -> Self {
        Self::Question(error.into())
    }
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
            Self::Question(error) => error.code(),
            Self::NotFound(_) => "NotFoundException".into(),
            Self::Store(_) => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Question(error) => error.status(),
            Self::NotFound(_) => 400,
            Self::Store(_) => 500,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Question(error) => error.detail(),
            Self::NotFound(_) => None,
            Self::Store(error) => Some(error.to_string()),
        }
    }
}
