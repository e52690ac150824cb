//! # The engine: everything to the right of the trail
//! A **follower** takes in the log's entries in order and commits what follows from them together with its new position, so
//! that nothing is derived twice or left out. Some followers also have things that fall **due** by the clock (a key's
//! deletion, a minute's alarms). One task runs them all: first each to the head of the log, then what is due, in order.
//!
//! On the system clock the engine wakes for new entries and for the next due moment. A test clock stands still until
//! [`EngineHandle::advance_to`] moves it from due moment to due moment: the same code, the same order, without waiting.
//!
//! **Invariants:** entries reach a follower in order, none twice in one run, none missing. Followers run in the order of
//! their list, which is the order of the spine: what a follower appends is seen by those after it in the same round.
//! **Not here:** delivery to the outside (`notify` has its own tasks; the engine only waits for them when a test clock moved).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::Clock;
use keywatch_store::{Batch, CommitError, Kind, LogEntry, Seq, Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

/// Where each follower stands: key = its name, bytes = the sequence number in decimal.
const POSITION: Kind = Kind("engine.position");
/// Bytes of log read at once.
const READ_BYTES_MAX: usize = 4 << 20;
/// Without news and without anything due the engine looks around this often.
const IDLE: Duration = Duration::from_secs(5);
/// After a failed round the engine waits this long, so that a full disk does not become a busy loop.
const RETRY: Duration = Duration::from_millis(250);
/// Rounds at one moment after which something must be due for ever: a mistake of ours.
const ROUNDS_AT_ONE_MOMENT_MAX: u32 = 10_000;

/// Takes in the log and does what falls due.
pub trait Follower: Send {
    /// Names the follower's position in the store; never changes.
    fn name(&self) -> &'static str;

    /// The last sequence number taken in.
    fn position(&self) -> Seq;

    /// Whether what it derives is committed with a position. One that derives nothing from entries stores none, and what it
    /// has not taken in may leave the log.
    fn stores_position(&self) -> bool {
        true
    }

    /// Takes in `entries`, the first of which follows [`position`](Self::position), and commits what follows from them.
    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The next moment at which something is due, which may be past.
    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    /// Does what is due at `now`; afterwards [`next_due`](Self::next_due) is later than `now`.
    fn run_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    /// Waits, within a bound of its own, until work handed to the outside at this moment of a test clock is done.
    fn settle(&mut self, _now: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// A clock that only moves when told to.
pub trait MovableClock: Clock {
    /// Moves the clock forward; earlier moments are ignored.
    fn set(&self, now: Timestamp);
}

/// Reads a follower's stored position; 0 before its first commit.
pub async fn stored_position(store: &Store, name: &str) -> Result<Seq, StoreError> {
    let row = store.get(POSITION, name).await?;
    let text = row.as_ref().and_then(|row| std::str::from_utf8(&row.bytes).ok());
    match text {
        None => Ok(0),
        Some(text) => {
            text.parse().map_err(|_| StoreError::corrupt(format!("the position of follower `{name}`")))
        }
    }
}

/// Commits a follower's changes together with its new position.
pub async fn commit_position(
    store: &Store,
    name: &str,
    position: Seq,
    mut batch: Batch,
) -> Result<(), CommitError> {
    batch.puts.push((POSITION, name.to_owned(), position.to_string().into()));
    store.commit(batch).await.map(drop)
}

/// Entries that may have been taken in since the stored position: a restart takes in at most these again.
const UNSTORED_MAX: Seq = 10_000;

/// Where a follower stands and where the store says it does. Most entries give most followers nothing, and nothing is not worth a
/// commit: the stored position may lag behind the last one taken in, over entries that gave nothing.
///
/// A follower whose deriving depends on rows calls [`keep`](Self::keep) before it looks at changed ones, so that a restart does not
/// derive something else from entries it has taken in already.
#[derive(Debug)]
pub struct Standing {
    name: &'static str,
    taken: Seq,
    stored: Seq,
}

impl Standing {
    /// Where the store says the follower stopped.
    pub async fn open(store: &Store, name: &'static str) -> Result<Self, StoreError> {
        let stored = stored_position(store, name).await?;
        Ok(Self { name, taken: stored, stored })
    }

    /// The last entry taken in.
    pub fn position(&self) -> Seq {
        self.taken
    }

    /// Moves on to `position` with what was derived on the way there in memory, to be committed with a later
    /// [`advance`](Self::advance), at the latest when this [`lags`](Self::lags).
    pub fn gather(&mut self, position: Seq) {
        self.taken = position;
    }

    /// Whether more was taken in since the stored position than a restart should take in again.
    pub fn lags(&self) -> bool {
        self.taken - self.stored > UNSTORED_MAX
    }

    /// Moves on to `position` with what was derived on the way there.
    pub async fn advance(&mut self, store: &Store, position: Seq, batch: Batch) -> Result<(), CommitError> {
        let gave = !batch.puts.is_empty() || !batch.deletes.is_empty() || !batch.appends.is_empty();
        if gave || position - self.stored > UNSTORED_MAX {
            commit_position(store, self.name, position, batch).await?;
            self.stored = position;
        }
        self.taken = position;
        Ok(())
    }

    /// Stores the position if the store's is older.
    pub async fn keep(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.stored == self.taken {
            return Ok(());
        }
        match commit_position(store, self.name, self.taken, Batch::default()).await {
            Ok(()) => self.stored = self.taken,
            Err(CommitError::Store(error)) => return Err(error),
            Err(conflict) => return Err(StoreError::corrupt(conflict.to_string())),
        }
        Ok(())
    }
}

/// The engine before it runs.
#[allow(missing_debug_implementations, reason = "followers are trait objects without one")]
pub struct Engine {
    store: Store,
    clock: Arc<dyn Clock>,
    movable: Option<Arc<dyn MovableClock>>,
    followers: Vec<Box<dyn Follower>>,
    commands: mpsc::Receiver<Command>,
    settled: watch::Sender<Seq>,
    positions: Positions,
}

/// Where each follower stands, by name, as last seen by the engine.
type Positions = Arc<[(&'static str, AtomicU64)]>;

/// Talks to a running engine; cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    store: Store,
    commands: mpsc::Sender<Command>,
    settled: watch::Receiver<Seq>,
    positions: Positions,
}

#[derive(Debug)]
enum Command {
    AdvanceTo(Timestamp, oneshot::Sender<Result<Timestamp, AdvanceError>>),
    Stop(oneshot::Sender<()>),
}

/// What an advance of the clock can meet.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    #[error("the clock cannot be moved: the server was not started with a test clock")]
    NotMovable,
    #[error("the engine has stopped")]
    Stopped,
    #[error("the store failed while the clock moved")]
    Store(#[from] StoreError),
}

impl Engine {
    /// `followers` in the order of the spine.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        movable: Option<Arc<dyn MovableClock>>,
        followers: Vec<Box<dyn Follower>>,
    ) -> (Self, EngineHandle) {
        let (commands_in, commands) = mpsc::channel(16);
        let (settled, settled_out) = watch::channel(0);
        let stands = |follower: &dyn Follower| (follower.name(), AtomicU64::new(follower.position()));
        let positions: Positions = followers.iter().map(|follower| stands(&**follower)).collect();
        let handle = EngineHandle {
            store: store.clone(),
            commands: commands_in,
            settled: settled_out,
            positions: positions.clone(),
        };
        (Engine { store, clock, movable, followers, commands, settled, positions }, handle)
    }

    /// Runs until it is stopped or every handle is gone.
    pub async fn run(mut self) {
        let mut head = self.store.watch_head();
        loop {
            head.borrow_and_update();
            let due = match self.catch_up().await {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(error = %error, "A follower failed and will be run again");
                    Some(self.clock.now() + RETRY)
                }
            };
            tokio::select! {
                changed = head.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.wait_for(due)) => {}
                command = self.commands.recv() => match command {
                    Some(Command::AdvanceTo(target, reply)) => {
                        let moved = self.advance_to(target).await;
                        // The caller may have given up waiting.
                        let _ = reply.send(moved);
                    }
                    Some(Command::Stop(reply)) => {
                        let _ = reply.send(());
                        return;
                    }
                    None => return,
                },
            }
        }
    }

    /// A test clock does not move by waiting, so nothing but news wakes the engine then.
    fn wait_for(&self, due: Option<Timestamp>) -> Duration {
        match due {
            Some(due) if self.movable.is_none() => {
                let wait = due.duration_since(self.clock.now());
                Duration::try_from(wait).unwrap_or(Duration::ZERO).min(IDLE)
            }
            _ => IDLE,
        }
    }

    /// Runs followers and what is due at this moment until neither is left; gives the next due moment.
    async fn catch_up(&mut self) -> Result<Option<Timestamp>, StoreError> {
        for _ in 0..ROUNDS_AT_ONE_MOMENT_MAX {
            let now = self.clock.now();
            self.follow_to_head(now).await?;
            let next = self.next_due(now).await?;
            match next {
                Some(due) if due <= now => self.run_due(now).await?,
                next if self.position() == self.store.head() => {
                    self.settled.send_replace(self.position());
                    return Ok(next);
                }
                _ => {}
            }
        }
        Err(StoreError::corrupt("something stays due at one moment"))
    }

    async fn follow_to_head(&mut self, now: Timestamp) -> Result<(), StoreError> {
        while self.position() < self.store.head() {
            let entries = self.store.read_log(self.position(), READ_BYTES_MAX).await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
            for (follower, (_, stands)) in self.followers.iter_mut().zip(self.positions.iter()) {
                let position = follower.position();
                let new = &entries[entries.partition_point(|entry| entry.seq <= position)..];
                if !new.is_empty() {
                    follower.follow(new, now).await?;
                    assert_eq!(follower.position(), last, "follower `{}` left entries out", follower.name());
                }
                stands.store(last, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    async fn next_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let mut next: Option<Timestamp> = None;
        for follower in &mut self.followers {
            if let Some(due) = follower.next_due(now).await? {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        Ok(next)
    }

    /// Between two followers' due work the log is followed, so that the later one sees what the earlier one did.
    async fn run_due(&mut self, now: Timestamp) -> Result<(), StoreError> {
        for index in 0..self.followers.len() {
            if self.followers[index].next_due(now).await?.is_some_and(|due| due <= now) {
                self.followers[index].run_due(now).await?;
                self.follow_to_head(now).await?;
            }
        }
        Ok(())
    }

    /// The least position of all followers.
    fn position(&self) -> Seq {
        self.followers.iter().map(|follower| follower.position()).min().unwrap_or_else(|| self.store.head())
    }

    async fn advance_to(&mut self, target: Timestamp) -> Result<Timestamp, AdvanceError> {
        let clock = self.movable.clone().ok_or(AdvanceError::NotMovable)?;
        loop {
            self.catch_up().await?;
            self.settle().await;
            // What failed outside meanwhile is due again at a moment that was not known before.
            let next = self.next_due(self.clock.now()).await?;
            match next.filter(|due| *due <= target) {
                Some(due) => clock.set(due),
                None if clock.now() < target => clock.set(target),
                None => break,
            }
        }
        Ok(self.clock.now())
    }

    async fn settle(&mut self) {
        let now = self.clock.now();
        for follower in &mut self.followers {
            follower.settle(now).await;
        }
    }
}

impl EngineHandle {
    /// Waits until every follower has taken in all that was in the log when this was called: queries read their own writes.
    /// Gives up after `limit` and says so with `false`; the answer is then merely older.
    pub async fn caught_up(&self, limit: Duration) -> bool {
        let head = self.store.head();
        let mut settled = self.settled.clone();
        tokio::time::timeout(limit, settled.wait_for(|position| *position >= head))
            .await
            .is_ok_and(|seen| seen.is_ok())
    }

    /// Moves a test clock to `target`, doing everything that falls due on the way, in order; gives the time it is then.
    pub async fn advance_to(&self, target: Timestamp) -> Result<Timestamp, AdvanceError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::AdvanceTo(target, reply)).await.map_err(|_| AdvanceError::Stopped)?;
        answer.await.map_err(|_| AdvanceError::Stopped)?
    }

    /// How many entries of the log each follower has still to take in, by its name.
    pub fn lags(&self) -> Vec<(&'static str, Seq)> {
        let head = self.store.head();
        let lag = |(name, stands): &(&'static str, AtomicU64)| {
            (*name, head.saturating_sub(stands.load(Ordering::Relaxed)))
        };
        self.positions.iter().map(lag).collect()
    }

    /// Stops the engine after the round it is in.
    pub async fn stop(&self) {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Stop(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }
}

#[cfg(test)]
mod tests;
