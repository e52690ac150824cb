//! # Import sources: log files that are fetched again and again
//! A **source** is a bucket or a directory whose log files an account imports; a **poll** fetches what is new there. A bucket is
//! listed folder by folder (one for each account and Region), each from its **cursor** on, or its queue is asked for **notices**.
//!
//! **Exactly once:** the records of a file, the cursor behind it and the counts are one commit; a crash before it leaves
//! nothing, and the next poll fetches the file again. Files turn up late, so a listing begins a **look-back** before the
//! cursor and passes over what it read already. A message leaves its queue only after that commit.
//!
//! **Digests** are read before log files. A digest that is signed with a key not known, or wrongly, says nothing; another one
//! refuses the log files that it names with another hash. What is missing is shown and stops nothing; what is restored is read.
//!
//! **Invariants:** sources are polled by tasks of their own, so none delays another, or the engine; every request has a time
//! limit; credentials are sealed under the root key and never shown. **Not here:** what becomes of records (`take_in`), whether
//! digests are right (`verify`).

mod bucket;
mod cursor;
mod digests;
mod directory;
mod follower;
mod http;
mod intake;
mod layout;
mod listed;
mod listing;
mod location;
mod look_back;
mod meter;
mod notice;
mod poll;
mod queue;
pub(super) mod record;
mod runner;
mod secret;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keywatch_api::{AccountId, Clock};
use keywatch_crypto::RootKeyring;
use keywatch_history::History;
use keywatch_store::Store;
use tokio::sync::watch;

pub use follower::SourcesFollower;
pub(super) use location::{Location, checked_url};
pub(super) use secret::seal;

use self::directory::Seen;
pub(super) use self::meter::{Meter, Meters};
use crate::outbound::Reach;

/// What sources need of the server.
#[derive(Debug)]
pub struct Parts {
    pub store: Store,
    pub history: History,
    pub clock: Arc<dyn Clock>,
    pub keyring: Arc<RootKeyring>,
    /// Buckets and queues may be on loopback and private addresses.
    pub allow_private_targets: bool,
    /// The server's own account: its root user may name directories.
    pub account: AccountId,
}

/// The import sources of all accounts; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sources {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) history: History,
    clock: Arc<dyn Clock>,
    pub(super) keyring: Arc<RootKeyring>,
    reach: Reach,
    pub(super) account: AccountId,
    /// What was read of directories, by source; read from the store when it is not here.
    seen: Mutex<HashMap<String, Seen>>,
    /// The file last asked for of those that are missing or refused, by source.
    asked: Mutex<HashMap<String, String>>,
    pub(super) meters: Meters,
    /// Grows when the clock may have made a poll due.
    wake: watch::Sender<u64>,
    /// Grows when a poll ended.
    progress: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

impl Sources {
    pub fn new(parts: Parts) -> Self {
        let inner = Inner {
            store: parts.store,
            history: parts.history,
            clock: parts.clock,
            keyring: parts.keyring,
            reach: Reach { allow_private: parts.allow_private_targets },
            account: parts.account,
            seen: Mutex::default(),
            asked: Mutex::default(),
            meters: Meters::default(),
            wake: watch::Sender::new(0),
            progress: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What lets a test clock stop at each poll.
    pub fn follower(&self) -> SourcesFollower {
        SourcesFollower::new(self.clone())
    }

    /// Polls what is due until [`stop`](Self::stop).
    pub async fn run(&self) {
        runner::run(&self.inner).await;
    }

    /// Makes [`run`](Self::run) return; a poll under way ends after the file it is at.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }
}

impl Inner {
    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
