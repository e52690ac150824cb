//! What ties sources to the engine's clock: a test clock stops at each poll and waits for it. It derives nothing from the log.

use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{LogEntry, Seq, StoreError};

use super::Sources;
use super::record::SCHEDULE;
use super::runner::schedules;
use crate::engine::Follower;

/// How long a test clock waits for polls.
const SETTLE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug)]
pub struct SourcesFollower {
    sources: Sources,
    position: Seq,
    /// When sources are due, read again when their schedules changed.
    known: Option<(u64, Vec<Timestamp>)>,
}

impl SourcesFollower {
    /// The name of its position, which is never stored.
    pub const NAME: &'static str = "import.sources";

    pub(super) fn new(sources: Sources) -> Self {
        let position = sources.inner.store.head();
        Self { sources, position, known: None }
    }

    async fn due(&mut self) -> Result<&[Timestamp], StoreError> {
        let inner = &self.sources.inner;
        let generation = inner.store.generation(SCHEDULE);
        if self.known.as_ref().is_none_or(|(known, _)| *known != generation) {
            let due = schedules(inner).await?.into_iter().map(|(_, schedule)| schedule.due).collect();
            self.known = Some((generation, due));
        }
        Ok(self.known.as_ref().map_or(&[], |(_, due)| due))
    }

    async fn wait_for_polls(&mut self, now: Timestamp) {
        let mut progress = self.sources.inner.progress.subscribe();
        self.sources.inner.wake.send_modify(|count| *count += 1);
        loop {
            progress.borrow_and_update();
            match self.due().await {
                Ok(due) if due.iter().any(|due| *due <= now) => {}
                _ => return,
            }
            if progress.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Follower for SourcesFollower {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn position(&self) -> Seq {
        self.position
    }

    fn stores_position(&self) -> bool {
        false
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        _: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.position = entries.last().map_or(self.position, |entry| entry.seq);
        Box::pin(std::future::ready(Ok(())))
    }

    /// What is due already is the runner's.
    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move { Ok(self.due().await?.iter().filter(|due| **due > now).min().copied()) })
    }

    fn settle(&mut self, now: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if tokio::time::timeout(SETTLE, self.wait_for_polls(now)).await.is_err() {
                tracing::warn!("Polls of import sources took longer than the clock waits for");
            }
        })
    }
}
