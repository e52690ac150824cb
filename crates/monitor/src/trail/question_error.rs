//! What our own questions to the history are refused with.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_history::HistoryError;
use keywatch_iam::AccessDenied;

/// Why a question to the history failed.
#[derive(Debug, thiserror::Error)]
pub enum QuestionError {
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("The start time must be before the end time.")]
    TimeRange,
    #[error("The token does not belong to this request.")]
    InvalidNextToken,
    #[error("{}", .0.public_text())]
    History(#[from] HistoryError),
}

impl WireError for QuestionError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::TimeRange => "InvalidTimeRangeException".into(),
            Self::InvalidNextToken => "InvalidNextTokenException".into(),
            Self::History(_) => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::History(_) => 500,
            Self::Denied(_) | Self::TimeRange | Self::InvalidNextToken => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::History(error) => Some(error.in_full()),
            Self::Denied(_) | Self::TimeRange | Self::InvalidNextToken => None,
        }
    }
}
