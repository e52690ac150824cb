//! What can go wrong while history is read or kept.

use keywatch_store::{CommitError, StoreError};

/// Why history could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the object store that holds the history failed")]
    Objects(#[source] object_store::Error),
    #[error("a history file could not be made durable, opened or removed")]
    Sync(#[source] std::io::Error),
    /// A segment's file cannot be read as what was written.
    #[error("the history segment {name} cannot be read")]
    Segment {
        name: String,
        #[source]
        cause: parquet::errors::ParquetError,
    },
    /// A file that the catalogue names is not there.
    #[error("the history segment {0} is gone")]
    Gone(String),
    /// Somebody else changed what this server keeps of the history.
    #[error("another server changed the catalogue of the history")]
    Unsettled,
    #[error("the server is stopping")]
    Stopping,
}

impl From<object_store::Error> for HistoryError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::Gone(path),
            error => Self::Objects(error),
        }
    }
}

impl From<CommitError> for HistoryError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            // The keeper is the only writer of these rows, unless another server keeps the same history.
            CommitError::Conflict { .. } => Self::Unsettled,
        }
    }
}

impl HistoryError {
    /// What may be said of it to anybody.
    pub fn public_text(&self) -> &'static str {
        match self {
            Self::Objects(_) | Self::Sync(_) => {
                "Records that have left the database cannot be read: the object store that holds them does not answer."
            }
            Self::Unsettled | Self::Store(_) | Self::Segment { .. } | Self::Gone(_) | Self::Stopping => {
                "The history failed."
            }
        }
    }

    /// The error with its causes, on one line.
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
