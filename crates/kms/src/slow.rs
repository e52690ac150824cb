//! # Slow work
//! What keeps a processor for more than half a millisecond would hold up every other connection of its serving thread. It is done on
//! the runtime's threads for blocking work instead, as many at once as the **pool** has turns; the rest wait for theirs in order.
//!
//! **Invariants:** a turn goes with the work and not with who waits for it, so callers that go away never make room for more work
//! than there are turns. What the work takes along and what it makes wipe themselves when nobody takes them.
//! **Not here:** a limit on who waits: a request that waits is one of those in flight, which the listeners limit. Which primitive is
//! slow (`keywatch_crypto::pair::PairSpec`).

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

use crate::error::KmsError;

/// Turns to do slow work.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    turns: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(turns: usize) -> Self {
        Pool { turns: Arc::new(Semaphore::new(turns)) }
    }

    /// For what takes milliseconds: a turn for each processor.
    pub(crate) fn for_primitives() -> Self {
        Self::new(processors())
    }

    /// For what takes up to seconds: turns for half of the processors, so that the others are left to everybody else.
    pub(crate) fn for_generation() -> Self {
        Self::new(processors().div_ceil(2))
    }

    /// Does `work` when it is its turn.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, KmsError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|error| KmsError::internal(&error))?;
        let worked = tokio::task::spawn_blocking(move || {
            let made = work();
            drop(turn);
            made
        });
        worked.await.map_err(|error| KmsError::internal(&error))
    }

    /// Does `work` as `run` does when it is slow, and at once when it is not.
    pub(crate) async fn run_if<T: Send + 'static>(
        &self,
        slow: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, KmsError> {
        // Boxed, so that the usual case does not carry the rare one's future.
        if slow { Box::pin(self.run(work)).await } else { Ok(work()) }
    }

    /// Takes all turns, until what it gives is dropped.
    #[cfg(test)]
    pub(crate) async fn closed(&self) -> tokio::sync::OwnedSemaphorePermit {
        let turns = u32::try_from(self.turns.available_permits()).unwrap();
        self.turns.clone().acquire_many_owned(turns).await.unwrap()
    }
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::mpsc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::testing::{House, text};

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

    /// Which of two calls ends first when the pool has no turn left until the quick one has ended.
    async fn check(house: &House, operation: &str, slow: serde_json::Value, quick: serde_json::Value) {
        let ended = RefCell::new(Vec::new());
        let turns = house.kms.primitives().closed().await;
        let of_slow = async {
            house.ok(operation, slow).await;
            ended.borrow_mut().push("slow");
        };
        let of_quick = async {
            for _ in 0..5 {
                house.ok(operation, quick.clone()).await;
            }
            ended.borrow_mut().push("quick");
            drop(turns);
        };
        tokio::join!(of_slow, of_quick);
        assert_eq!(*ended.borrow(), ["quick", "slow"], "{operation}");
    }

    #[tokio::test]
    async fn long_keys_wait_for_a_turn_and_short_ones_do_not() {
        let house = House::open().await;
        let key =
            async |spec: &str, usage: &str| house.key_with(json!({"KeySpec": spec, "KeyUsage": usage})).await;
        let (large, small) =
            (key("RSA_3072", "SIGN_VERIFY").await, key("ECC_NIST_P256", "SIGN_VERIFY").await);
        let wish = |key: &str, algorithm: &str| json!({"KeyId": key, "SigningAlgorithm": algorithm, "Message": "bQ=="});
        let (slow, quick) = (wish(&large, "RSASSA_PSS_SHA_256"), wish(&small, "ECDSA_SHA_256"));
        check(&house, "Sign", slow, quick.clone()).await;

        let curve = key("ECC_NIST_P521", "SIGN_VERIFY").await;
        let signed = async |mut wish: serde_json::Value| {
            wish["Signature"] = house.ok("Sign", wish.clone()).await["Signature"].clone();
            wish
        };
        let (slow, quick) = (signed(wish(&curve, "ECDSA_SHA_512")).await, signed(quick).await);
        check(&house, "Verify", slow, quick).await;

        let (large, small) = (key("RSA_4096", "ENCRYPT_DECRYPT").await, house.key().await);
        let encrypted = async |key: &str, algorithm: &str| {
            let wish = json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "Plaintext": "bQ=="});
            let blob = text(&house.ok("Encrypt", wish).await["CiphertextBlob"]);
            json!({"KeyId": key, "EncryptionAlgorithm": algorithm, "CiphertextBlob": blob})
        };
        let slow = encrypted(&large, "RSAES_OAEP_SHA_256").await;
        let quick = encrypted(&small, "SYMMETRIC_DEFAULT").await;
        check(&house, "Decrypt", slow, quick).await;
    }
}
