//! Where a contract test keeps its store: a directory that goes with the test.

use rusqlite::Connection;
use tempfile::TempDir;

use crate::{Store, StoreError};

pub(super) enum Place {
    Embedded(TempDir),
}

impl Place {
    pub(super) fn embedded() -> Self {
        Self::Embedded(TempDir::new().unwrap())
    }

    pub(super) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    pub(super) async fn try_open(&self) -> Result<Store, StoreError> {
        open_address(&self.address()).await
    }

    /// What a child process needs to open the same store by [`open_address`].
    pub(super) fn address(&self) -> String {
        match self {
            Self::Embedded(dir) => dir.path().to_str().unwrap().to_owned(),
        }
    }

    /// Runs one statement behind the store's back; the store is closed meanwhile.
    pub(super) async fn tamper(&self, sql: &str) {
        match self {
            Self::Embedded(dir) => {
                Connection::open(dir.path().join("keywatch.db")).unwrap().execute_batch(sql).unwrap();
            }
        }
    }
}

pub(super) async fn open_address(address: &str) -> Result<Store, StoreError> {
    Store::open_embedded(address.as_ref()).await
}
