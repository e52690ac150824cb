//! What the operations of our own service refuse.

use std::borrow::Cow;

use keywatch_api::WireError;
use keywatch_iam::AccessDenied;
use keywatch_monitor::engine::AdvanceError;

use crate::clock::OutOfRange;

/// Why an operation of our own failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeywatchError {
    #[error(transparent)]
    Denied(#[from] AccessDenied),
    #[error("The clock cannot be moved: the server was not started with --test-clock.")]
    NotMovable,
    #[error("{0}")]
    OutOfRange(#[from] OutOfRange),
    #[error("The clock could not be moved to its target.")]
    Advance(#[source] AdvanceError),
    #[error("The store failed.")]
    Store(#[from] keywatch_store::StoreError),
}

impl From<AdvanceError> for KeywatchError {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::NotMovable => Self::NotMovable,
            error => Self::Advance(error),
        }
    }
}

impl WireError for KeywatchError {
    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::NotMovable => "InvalidStateException".into(),
            Self::OutOfRange(_) => "ValidationException".into(),
            Self::Advance(_) | Self::Store(_) => "InternalFailure".into(),
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::Advance(_) | Self::Store(_) => 500,
            Self::Denied(_) | Self::NotMovable | Self::OutOfRange(_) => 400,
        }
    }

    fn message(&self) -> Option<String> {
        Some(self.to_string())
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Advance(_) | Self::Store(_) => Some(crate::exit::chain(self)),
            Self::Denied(_) | Self::NotMovable | Self::OutOfRange(_) => None,
        }
    }
}
