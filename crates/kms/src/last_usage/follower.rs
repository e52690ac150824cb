//! The follower `kms.usage`: sees every record, and writes last usages down now and then.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_monitor::engine::{Follower, commit_position, stored_position};
use keywatch_store::{CommitError, LogEntry, Seq, Store, StoreError};

use crate::Kms;

const NAME: &str = "kms.usage";
/// Entries after which usages are written down: a restart reads at most about this many again.
const WRITE_ENTRIES: Seq = 10_000;

/// Keeps `GetKeyLastUsage` quick.
#[derive(Debug)]
pub struct KeyUsageFollower {
    store: Store,
    kms: Arc<Kms>,
    written_at: Seq,
}

impl KeyUsageFollower {
    /// Goes on from where it last wrote.
    pub async fn open(store: Store, kms: Arc<Kms>) -> Result<Self, StoreError> {
        let written_at = stored_position(&store, NAME).await?;
        kms.usages().recent().position = written_at;
        Ok(KeyUsageFollower { store, kms, written_at })
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let (batch, seen) = self.kms.usages().batch()?;
        match commit_position(&self.store, NAME, seen.position, batch).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error),
            Err(CommitError::Conflict { kind, key }) => {
                return Err(StoreError::corrupt(format!("an unchecked row conflicts: {kind:?} {key}")));
            }
        }
        self.written_at = seen.position;
        self.kms.usages().written(&seen);
        Ok(())
    }
}

impl Follower for KeyUsageFollower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.kms.usages().recent().position
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.kms.usages().apply(entries);
            if self.position() - self.written_at >= WRITE_ENTRIES {
                self.write().await?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::House;

    #[tokio::test]
    async fn what_is_written_is_what_was_seen() {
        let house = House::open().await;
        let key = house.key().await;
        let ask = json!({"KeyId": key});
        house.ok("Encrypt", json!({"KeyId": key, "Plaintext": "aGk="})).await;
        let unread = house.ok("GetKeyLastUsage", ask.clone()).await;
        let mut follower = KeyUsageFollower::open(house.store.clone(), house.kms.clone()).await.unwrap();
        assert_eq!(follower.position(), 0);
        let entries = house.store.read_log(0, usize::MAX).await.unwrap();
        follower.follow(&entries, house.now.get()).await.unwrap();
        assert_eq!(follower.position(), entries.last().unwrap().seq);
        assert_eq!(house.ok("GetKeyLastUsage", ask.clone()).await, unread);
        follower.write().await.unwrap();
        assert!(house.kms.usages().recent().usages.is_empty());
        assert_eq!(house.ok("GetKeyLastUsage", ask.clone()).await, unread);
        assert_eq!(stored_position(&house.store, NAME).await.unwrap(), follower.position());
        // What the follower has not seen yet counts too.
        house.ok("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})).await;
        assert_eq!(house.ok("GetKeyLastUsage", ask).await["KeyLastUsage"]["Operation"], "GenerateDataKey");
    }
}
