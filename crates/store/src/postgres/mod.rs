//! The store in a PostgreSQL schema: the same rows and blocks, one committing task and a pool of reading sessions.
//!
//! **Invariant:** one server writes to a schema, by an advisory lock its writing session holds. The connection is not
//! encrypted: reach the database over a Unix socket, a private network or a tunnel. **Not here:** what is checked and
//! numbered in a group (`group`), what is cached (`published`).

mod committer;
mod readers;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::mpsc, task::JoinHandle};

use self::{committer::Committer, readers::Readers, session::Target};
use crate::{StoreError, published::Published, queue::Job};

pub(crate) struct Postgres {
    readers: Readers,
    committer: Mutex<Option<JoinHandle<()>>>,
}

/// An opened schema: the parts a store's handle is made of.
pub(crate) struct Opened {
    pub(crate) postgres: Postgres,
    pub(crate) published: Arc<Published>,
    pub(crate) queue: mpsc::Sender<Job>,
}

impl Postgres {
    /// The committing task and the writing session run on the runtime this is called on.
    pub(crate) async fn open(url: &str) -> Result<Opened, StoreError> {
        let target = Target::parse(url)?;
        let (client, position) = session::open(&target).await?;
        let published = Arc::new(Published::new(position.head));
        let committer = Committer::new(target.clone(), client, position, Arc::clone(&published)).await?;
        let (queue, jobs) = crate::queue::channel();
        let task = tokio::spawn(committer.run(jobs));
        let postgres = Postgres { readers: Readers::new(target)?, committer: Mutex::new(Some(task)) };
        Ok(Opened { postgres, published, queue })
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Waits for the committer, which has been told to stop, and refuses later reads.
    pub(crate) async fn close(&self) {
        let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(committer) = committer {
            // A panic of the committer has been reported by its runtime.
            let _ = committer.await;
        }
        self.readers.close();
    }
}
