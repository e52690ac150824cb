//! The store in one directory: a SQLite file with a write-ahead log of constant size, one committing thread and a few
//! reading connections.
//!
//! **Invariant:** one process has the directory, by a lock on a file in it. **Not here:** what is checked and
//! numbered in a group (`group`), what is cached (`published`).

mod committer;
mod readers;
mod schema;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc;

use self::{committer::Committer, readers::Readers};
use crate::{StoreError, published::Published, queue::Job};

pub(crate) struct Embedded {
    readers: Arc<Readers>,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// An opened directory: the parts a store's handle is made of.
pub(crate) struct Opened {
    pub(crate) embedded: Embedded,
    pub(crate) published: Arc<Published>,
    pub(crate) queue: mpsc::Sender<Job>,
}

impl Embedded {
    pub(crate) async fn open(dir: &Path) -> Result<Opened, StoreError> {
        let dir = dir.to_owned();
        tokio::task::spawn_blocking(move || open(dir)).await.map_err(|_| StoreError::Closed)?
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    /// Waits for the committer, which has been told to stop, and for running reads.
    pub(crate) async fn close(&self) {
        if let Some(committer) = self.take_committer() {
            // A panic of the committer has been reported by its thread.
            let _ = tokio::task::spawn_blocking(move || committer.join()).await;
        }
        self.readers.close().await;
    }

    fn take_committer(&self) -> Option<JoinHandle<()>> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Embedded {
    /// The queue is gone by now, so the committer finishes its group and releases the directory: whoever dropped the
    /// last handle may open it again at once.
    fn drop(&mut self) {
        if let Some(committer) = self.take_committer() {
            let _ = committer.join();
        }
    }
}

fn open(dir: PathBuf) -> Result<Opened, StoreError> {
    let lock = Arc::new(schema::lock_dir(&dir)?);
    let (conn, position) = schema::open_writer(&dir)?;
    let published = Arc::new(Published::new(position.head));
    let committer = Committer::new(conn, position, Arc::clone(&published), lock)?;
    let (queue, jobs) = crate::queue::channel();
    let thread = thread::Builder::new()
        .name("store-commit".into())
        .spawn(move || committer.run(jobs))
        .map_err(|cause| StoreError::database("start the committing thread", cause))?;
    let embedded = Embedded { readers: Readers::new(dir), committer: Mutex::new(Some(thread)) };
    Ok(Opened { embedded, published, queue })
}
