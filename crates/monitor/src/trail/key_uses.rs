//! # When access keys last signed
//! A follower that notes, for each long-term access key, the newest record it signed: what `GetAccessKeyLastUsed` tells. Uses are gathered in
//! memory and written once a minute, so that a busy key costs one row a minute and not one a call.
//! **Invariant:** the stored position is that of the stored uses; what a crash forgets is read again.
//! **Not here:** the rows' form (`iam`), when KMS keys were used.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_history::Text;
use keywatch_iam::key_use::{KEY_USE, KeyUse};
use keywatch_iam::record::OwnRecord;
use keywatch_store::{Batch, CommitError, EntryKind, LogEntry, Seq, Store, StoreError, encode};
use serde::Deserialize;

use crate::engine::{Follower, Standing};

const NAME: &str = "trail.key_uses";
const INTERVAL: SignedDuration = SignedDuration::from_mins(1);
/// Keys gathered before they are written without waiting for the interval.
const GATHERED_MAX: usize = 10_000;

/// See the module.
#[derive(Debug)]
pub struct KeyUses {
    store: Store,
    standing: Standing,
    gathered: HashMap<String, KeyUse>,
    due: Option<Timestamp>,
}

impl KeyUses {
    /// Resumes where the store says it stopped.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let standing = Standing::open(&store, NAME).await?;
        Ok(Self { store, standing, gathered: HashMap::new(), due: None })
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for (id, last) in &self.gathered {
            batch.puts.push((KEY_USE, id.clone(), encode(last)?));
        }
        match self.standing.advance(&self.store, self.standing.position(), batch).await {
            Ok(()) => {}
            Err(CommitError::Store(error)) => return Err(error),
            Err(conflict) => return Err(StoreError::corrupt(conflict.to_string())),
        }
        self.gathered.clear();
        self.due = None;
        Ok(())
    }
}

impl Follower for KeyUses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.standing.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(last) = entries.last() else { return Ok(()) };
            for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Record) {
                let signed = Signed::read(&entry.bytes);
                if let Some((id, service)) = signed.as_ref().and_then(Signed::by_long_term_key) {
                    let region = entry.partition.region();
                    match self.gathered.get_mut(id) {
                        // Mostly the same key goes on with the same service.
                        Some(known) if known.service == service && known.region == region => {
                            known.time = entry.time;
                        }
                        _ => {
                            let (service, region) = (service.to_owned(), region.to_owned());
                            let last = KeyUse { time: entry.time, service, region };
                            self.gathered.insert(id.to_owned(), last);
                        }
                    }
                }
            }
            self.standing.gather(last.seq);
            self.due = self.due.or(Some(now + INTERVAL));
            let much = self.gathered.len() > GATHERED_MAX || self.standing.lags();
            if much { self.write().await } else { Ok(()) }
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        // A position alone is not worth a write.
        let due = self.due.filter(|_| !self.gathered.is_empty());
        Box::pin(async move { Ok(due) })
    }

    fn run_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.write())
    }
}

/// The members of a record that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    #[serde(borrow)]
    event_source: Text<'a>,
    #[serde(borrow)]
    user_identity: Identity<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    access_key_id: Option<Text<'a>>,
}

impl<'a> Signed<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        match OwnRecord::of(record) {
            Some(own) => {
                let access_key_id = own.signer?.access_key_id.map(Text::from);
                let user_identity = Identity { kind: None, access_key_id };
                Some(Self { event_source: own.event_source.into(), user_identity })
            }
            None => sonic_rs::from_slice(record).ok(),
        }
    }

    /// The key and the service it called. What a refused stranger claimed does not count.
    fn by_long_term_key(&self) -> Option<(&str, &str)> {
        let identity = &self.user_identity;
        let id = identity.access_key_id.as_deref().filter(|id| id.starts_with("AKIA"))?;
        let service = self.event_source.strip_suffix(".amazonaws.com").unwrap_or(&self.event_source);
        (identity.kind.as_deref() != Some("Unknown")).then_some((id, service))
    }
}

#[cfg(test)]
mod tests {
    use keywatch_store::{Append, Partition, decode};

    use super::*;

    const USER: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"a","accessKeyId":"AKIA1","userName":"\"eventSource\":\"x"},"eventTime":"t","eventSource":"kms.amazonaws.com","eventName":"Encrypt"}"#;

    #[test]
    fn signers() {
        let changed = |from: &str, to: &str| USER.replace(from, to);
        for (record, want) in [
            (USER.to_owned(), Some(("AKIA1", "kms"))),
            (changed("AKIA1", "ASIA1"), None),
            (changed("IAMUser", "Unknown"), None),
            (changed("\"accessKeyId\":\"AKIA1\",", ""), None),
            ("{}".to_owned(), None),
            (String::new(), None),
        ] {
            let signed = Signed::read(record.as_bytes());
            assert_eq!(signed.as_ref().and_then(Signed::by_long_term_key), want, "{record}");
        }
    }

    #[tokio::test]
    async fn the_newest_use_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let now: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
        let at = |minute: i64, service: &str| Append {
            kind: EntryKind::Record,
            time: now + SignedDuration::from_mins(minute),
            partition: Partition::new("000000000000", "eu-west-1"),
            bytes: USER.replace("kms.", &format!("{service}.")).into(),
        };
        let appends = vec![at(1, "kms"), at(2, "sns")];
        store.commit(Batch { appends, ..Batch::default() }).await.unwrap();
        let mut follower = KeyUses::open(store.clone()).await.unwrap();
        let entries = store.read_log(0, 1 << 20).await.unwrap();
        follower.follow(&entries, now).await.unwrap();
        assert_eq!(follower.next_due(now).await.unwrap(), Some(now + INTERVAL));
        follower.run_due(now + INTERVAL).await.unwrap();
        assert_eq!(follower.next_due(now).await.unwrap(), None);
        let row = store.get(KEY_USE, "AKIA1").await.unwrap().unwrap();
        let last: KeyUse = decode(&row.bytes).unwrap();
        let time = now + SignedDuration::from_mins(2);
        assert_eq!(last, KeyUse { time, service: "sns".into(), region: "eu-west-1".into() });
        assert_eq!(
            KeyUses::open(store.clone()).await.unwrap().position(),
            2,
            "it resumes behind what it wrote"
        );
        store.close().await;
    }
}
