//! # Slow work
//! What keeps a processor for more than half a millisecond would hold up every other connection of its serving thread. It is done on
//! the runtime's threads for blocking work instead, as many at once as the **pool** has turns; the rest wait for theirs in order.
//!
//! **Invariants:** a turn goes with the work and not with who waits for it, so callers that go away never make room for more work
//! than there are turns. What the work takes along and what it makes wipe themselves when nobody takes them.
//! **Not here:** a limit on who waits: a request that waits is one of those in flight, which the listeners limit. Which work is slow.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// The work did not come to its end: it panicked, or the server is going down.
#[derive(Debug, thiserror::Error)]
#[error("the work was broken off: {0}")]
pub struct BrokenOff(String);

/// Turns to do slow work.
#[derive(Clone, Debug)]
pub struct Pool {
    turns: Arc<Semaphore>,
}

impl Pool {
    pub fn new(turns: usize) -> Self {
        Pool { turns: Arc::new(Semaphore::new(turns)) }
    }

    /// For what takes milliseconds: a turn for each processor.
    pub fn for_primitives() -> Self {
        Self::new(processors())
    }

    /// For what takes up to seconds: turns for half of the processors, so that the others are left to everybody else.
    pub fn for_generation() -> Self {
        Self::new(processors().div_ceil(2))
    }

    /// Does `work` when it is its turn.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrokenOff> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| BrokenOff(error.to_string()))?;
        let worked = tokio::task::spawn_blocking(move || {
            let made = work();
            drop(turn);
            made
        });
        worked.await.map_err(|error| BrokenOff(error.to_string()))
    }

    /// Does `work` as `run` does when it is slow, and at once when it is not.
    pub async fn run_if<T: Send + 'static>(
        &self,
        slow: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrokenOff> {
        // Boxed, so that the usual case does not carry the rare one's future.
        if slow { Box::pin(self.run(work)).await } else { Ok(work()) }
    }
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Long enough for any machine, and only ever waited for by a test that fails.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn slow_work_leaves_its_thread_to_others() {
        let pool = Pool::new(1);
        let (send, receive) = mpsc::channel();
        let slow = pool.run_if(true, move || receive.recv_timeout(PATIENCE));
        let other = async move { send.send(7).unwrap() };
        let (received, ()) = tokio::join!(slow, other);
        assert_eq!(received.unwrap(), Ok(7));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_no_turn_behind() {
        let pool = Pool::new(1);
        let (started, starts) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let waiting = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    released.recv_timeout(PATIENCE)
                })
                .await
            }
        });
        tokio::task::spawn_blocking(move || starts.recv_timeout(PATIENCE)).await.unwrap().unwrap();
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(pool.turns.available_permits(), 0, "the work goes on");
        release.send(()).unwrap();
        pool.run(|| ()).await.unwrap();
    }
}
