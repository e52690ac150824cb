//! Where a contract test keeps its store: a directory that goes with the test, or a database in the test's own cluster.

use rusqlite::Connection;
use tempfile::TempDir;

use super::cluster::{Cluster, execute};
use crate::{Store, StoreError};

pub(super) enum Place {
    Embedded(TempDir),
    /// The URL of a database nobody else uses.
    Postgres(String),
}

impl Place {
    pub(super) fn embedded() -> Self {
        Self::Embedded(TempDir::new().unwrap())
    }

    pub(super) async fn postgres(cluster: &mut Cluster) -> Self {
        Self::Postgres(cluster.create_database().await)
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
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Runs one statement behind the store's back. A store in a directory is closed meanwhile.
    pub(super) async fn tamper(&self, sql: &str) {
        match self {
            Self::Embedded(dir) => {
                Connection::open(dir.path().join("keywatch.db")).unwrap().execute_batch(sql).unwrap();
            }
            Self::Postgres(url) => execute(url, sql).await.unwrap(),
        }
    }

    /// Ends every connection a store has to its database.
    pub(super) async fn cut_connections(&self) {
        if let Self::Postgres(url) = self {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'keywatch'";
            execute(url, cut).await.unwrap();
        }
    }
}

pub(super) async fn open_address(address: &str) -> Result<Store, StoreError> {
    if address.starts_with("postgres:") {
        Store::open_postgres(address).await
    } else {
        Store::open_embedded(address.as_ref()).await
    }
}
