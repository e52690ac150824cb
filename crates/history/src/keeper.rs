//! # The keeper: what happens to history as time goes by
//! A **round** closes a part of the log that is long enough, merges a run of small segments, expires segments that
//! retention no longer grants, and removes files that nobody needs. Each is a step that looks only at stored state, so
//! that a round that was broken off is simply run again.
//!
//! **Invariants:** a file is named loose before it is begun, and is no longer so in the commit that catalogues it.
//! Entries leave the log in the commit that catalogues their segment, and only when every follower has stored a position
//! behind them.

mod close;
mod compact;
mod expire;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Batch, Scan, Seq, Store, decode, encode};
use tokio::sync::watch;

use crate::HistoryError;
use crate::catalogue::{LOOSE, Loose};
use crate::search::History;

/// Without news the keeper looks around this often.
const IDLE: Duration = Duration::from_secs(30);
/// After a failure it waits this long.
const RETRY: Duration = Duration::from_secs(5);
/// How long the file of a replaced segment is kept for programs that read the directory; questions of this server hold theirs.
const LOOSE_FOR: SignedDuration = SignedDuration::from_mins(10);
const LOOSE_AT_ONCE: usize = 1_000;

/// How much the log keeps, and what history does.
#[derive(Clone, Copy, Debug)]
pub struct KeeperOptions {
    /// Newest entries that always stay in the log.
    pub keep_entries: Seq,
    /// Entries that are closed at once; with fewer beyond `keep_entries` nothing is closed.
    pub close_entries: Seq,
    /// Neighbouring segments of one level that are merged into one of the next.
    pub fanout: usize,
}

impl Default for KeeperOptions {
    fn default() -> Self {
        Self { keep_entries: 16_384, close_entries: 16_384, fanout: 8 }
    }
}

/// Reads the last sequence number that all followers have stored as taken in.
pub type FollowedTo = Arc<
    dyn Fn(Store) -> futures_util::future::BoxFuture<'static, Result<Seq, keywatch_store::StoreError>>
        + Send
        + Sync,
>;

/// Keeps one history. One of them writes at a time.
#[allow(missing_debug_implementations, reason = "it holds a function")]
pub struct Keeper {
    history: History,
    options: KeeperOptions,
    followed_to: FollowedTo,
    #[cfg(test)]
    stop_after: Option<u32>,
}

impl Keeper {
    pub fn new(history: History, options: KeeperOptions, followed_to: FollowedTo) -> Self {
        Self {
            history,
            options,
            followed_to,
            #[cfg(test)]
            stop_after: None,
        }
    }

    /// Removes what a crash left loose. To be called before anybody reads or keeps this history. What an object store that does not
    /// answer would have to remove stays loose, for the next start.
    pub async fn recover(&self) -> Result<(), HistoryError> {
        self.history.place().remove_unfinished()?;
        match self.remove_loose(None).await {
            Err(error @ HistoryError::Objects(_)) => {
                tracing::warn!(error = %error.in_full(), "Files that history does not need could not be removed");
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Runs rounds until `stop` says so.
    pub async fn run(mut self, now: impl Fn() -> Timestamp + Send, mut stop: watch::Receiver<bool>) {
        let mut head = self.history.store().watch_head();
        loop {
            let mut seen = *head.borrow_and_update();
            let wait = match self.round(now()).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => IDLE,
                Err(error) => {
                    tracing::warn!(error = %error.in_full(), "History could not be kept; it will be tried again");
                    RETRY
                }
            };
            // Not for each commit: for as many entries as may be worth a segment.
            let enough = async {
                loop {
                    if head.changed().await.is_err() {
                        return std::future::pending().await;
                    }
                    let now_at = *head.borrow_and_update();
                    if now_at.saturating_sub(seen) >= self.options.close_entries && wait == IDLE {
                        seen = now_at;
                        return;
                    }
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
                () = enough => {}
            }
        }
    }

    /// Does what there is to do at `now`, one segment at a time; gives whether there may be more.
    pub async fn round(&mut self, now: Timestamp) -> Result<bool, HistoryError> {
        let did = self.close().await? || self.merge(now).await? || self.expire(now).await?;
        self.remove_loose(Some(now)).await?;
        Ok(did)
    }

    /// Removes loose files; with a `now`, only those that have been loose for a while and that no question reads.
    async fn remove_loose(&self, now: Option<Timestamp>) -> Result<(), HistoryError> {
        let store = self.history.store();
        // So that what is held is held by questions, and not only the newest that was known.
        self.history.catalogue().await?;
        let held = self.history.held();
        let rows = store.scan(LOOSE, Scan { prefix: "", after: None, limit: LOOSE_AT_ONCE }).await?;
        let mut removed = Vec::new();
        for row in rows {
            let loose: Loose = decode(&row.bytes)?;
            let is_due = now.is_none_or(|now| now.duration_since(loose.since) >= LOOSE_FOR);
            if is_due && !held.contains(&row.key) {
                self.history.place().remove(&row.key).await?;
                self.history.forget(&row.key);
                removed.push((LOOSE, row.key));
            }
        }
        if !removed.is_empty() {
            store.commit(Batch { deletes: removed, ..Batch::default() }).await?;
        }
        Ok(())
    }

    /// A new file's name, which is loose from now on.
    async fn announce(&self) -> Result<String, HistoryError> {
        let name = format!("{}.parquet", uuid::Uuid::now_v7());
        // Only a later start removes it: nobody else knows of it.
        let loose = Loose { since: Timestamp::MAX };
        let batch = Batch { puts: vec![(LOOSE, name.clone(), encode(&loose)?)], ..Batch::default() };
        self.history.store().commit(batch).await?;
        Ok(name)
    }

    /// Where a test may stop, as a crash would.
    #[cfg(test)]
    fn pass(&mut self) -> Result<(), HistoryError> {
        match &mut self.stop_after {
            Some(0) => Err(HistoryError::Stopping),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    #[cfg(not(test))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "tests stop here")]
    fn pass(&mut self) -> Result<(), HistoryError> {
        Ok(())
    }
}
