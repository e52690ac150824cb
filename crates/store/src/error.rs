//! What can go wrong in a store, in words that fit one line of the command line.
//!
//! A `StoreError` is the store's or the operator's trouble; a lost race between two callers is
//! [`CommitError::Conflict`], which the caller answers by running again. Causes are chained by `source`,
//! never repeated in the text. Errors can be cloned because one failed group fails every caller in it.

use std::{error::Error, path::PathBuf, sync::Arc};

use crate::Kind;

type Cause = Arc<dyn Error + Send + Sync>;

/// A failure of the store itself. Every text fits one line and holds no secret: a database URL is shown without
/// its password.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory cannot be created, read or written.
    #[error("cannot use the data directory {}", dir.display())]
    Unwritable {
        dir: PathBuf,
        #[source]
        cause: Cause,
    },
    /// Another process (or another `Store` in this one) holds the data directory or the database schema.
    #[error("{place} is in use by another keywatch server")]
    InUse { place: String },
    /// The database URL cannot be understood, or nothing answers there.
    #[error("cannot reach the database at {address}")]
    Unreachable {
        address: String,
        #[source]
        cause: Cause,
    },
    /// The database was written by a newer Keywatch.
    #[error(
        "the stored data has schema version {found}, newer than the {known} this program knows: use a newer keywatch"
    )]
    NewerSchema { found: i64, known: i64 },
    /// Stored bytes are not what was written.
    #[error("the stored data is corrupt: {what}")]
    Corrupt { what: String },
    /// A batch exceeds [`crate::BATCH_BYTES_MAX`] or a key [`crate::KEY_BYTES_MAX`].
    #[error("{what} has {bytes} bytes, more than the {limit} the store takes")]
    TooLarge { what: &'static str, bytes: usize, limit: usize },
    /// The store was closed while, or before, the call ran. A commit that ends so may have happened.
    #[error("the store is closed")]
    Closed,
    /// The database refused or failed; `doing` says what was being tried.
    #[error("the database failed to {doing}")]
    Database {
        doing: &'static str,
        #[source]
        cause: Cause,
    },
}

impl StoreError {
    /// Wraps a driver's error with what was being tried.
    pub(crate) fn database(doing: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Database { doing, cause: Arc::new(cause) }
    }

    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

/// Why a batch was not committed. Nothing of it has been applied, except that after [`StoreError::Closed`] or
/// [`StoreError::Database`] of a lost connection the outcome may be unknown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// An expectation did not hold: somebody else committed first. Read again and retry.
    #[error("row {key} of {} was changed by somebody else", kind.0)]
    Conflict { kind: Kind, key: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}
