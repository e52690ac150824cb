//! The keys that sign digests: an RSA-2048 pair for each account and Region, replaced every 30 days.
//!
//! A pair is made when the first digest needs it, and its private half sealed under the root key. AWS shows windows of about 30
//! days, so readers expect them; it bounds what a stolen pair could forge. A pair that signs no more keeps its public half for ever,
//! for old digests are verified with it; its private half is thrown away a week later, when even a digest of missed hours is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::signing::SigningKeyPair;
use keywatch_crypto::{Binding, RootKeyring, SystemRandom};
use keywatch_store::{
    Batch, CommitError, Expect, Kind, Partition, Row, Scan, Store, StoreError, Versioned, decode, encode,
};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// Pairs, under `account/region/begin in seconds, twelve digits`.
pub(crate) const SIGNING_KEY: Kind = Kind("trail.signing-key");
const PURPOSE: &str = "digest-signing-key";
const LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);
const PRIVATE_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Newest pairs that are looked through: a pair signs thirty days.
const KEYS_MAX: usize = 10_000;

/// A pair as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SigningKeyRecord {
    /// PKCS#1 in base64.
    pub(crate) public: String,
    pub(crate) fingerprint: String,
    /// Digests that end from here …
    pub(crate) begins: Timestamp,
    /// … to before here are signed with it.
    pub(crate) ends: Timestamp,
    /// PKCS#8, sealed, base64; absent once it is thrown away.
    sealed: Option<String>,
}

impl Versioned for SigningKeyRecord {
    const MARKER: &'static str = "trail.signing-key/1";
}

impl SigningKeyRecord {
    fn signs(&self, time: Timestamp) -> bool {
        self.sealed.is_some() && self.begins <= time && time < self.ends
    }
}

/// A pair that is open.
#[derive(Clone, Debug)]
pub(crate) struct SigningKey {
    pub(crate) pair: Arc<SigningKeyPair>,
    pub(crate) fingerprint: String,
}

/// The pairs of all accounts and Regions.
#[derive(Debug)]
pub(crate) struct SigningKeys {
    store: Store,
    keyring: Arc<RootKeyring>,
    /// The last one that was used of each partition, open.
    open: BTreeMap<String, (SigningKeyRecord, SigningKey)>,
}

impl SigningKeys {
    pub(crate) fn new(store: Store, keyring: Arc<RootKeyring>) -> Self {
        Self { store, keyring, open: BTreeMap::new() }
    }

    /// The key for a digest of the time from `since` to `end`; made when there is none.
    pub(crate) async fn for_digest(
        &mut self,
        partition: &Partition,
        since: Timestamp,
        end: Timestamp,
    ) -> Result<SigningKey, StoreError> {
        if let Some((record, key)) = self.open.get(partition.as_str())
            && record.signs(end)
        {
            return Ok(key.clone());
        }
        let rows = self.rows(partition).await?;
        let record = match rows.iter().rev().find(|(_, record)| record.signs(end)) {
            Some((_, record)) => record.clone(),
            None => self.make(partition, since, &rows).await?,
        };
        let key = self.unseal(partition, &record)?;
        self.open.insert(partition.as_str().to_owned(), (record, key.clone()));
        Ok(key)
    }

    async fn rows(&self, partition: &Partition) -> Result<Vec<(Row, SigningKeyRecord)>, StoreError> {
        let prefix = format!("{partition}/");
        let scan = Scan { prefix: &prefix, after: None, limit: KEYS_MAX };
        let rows = self.store.scan(SIGNING_KEY, scan).await?;
        rows.into_iter().map(|row| Ok((row.clone(), decode(&row.bytes)?))).collect()
    }

    async fn make(
        &self,
        partition: &Partition,
        begins: Timestamp,
        others: &[(Row, SigningKeyRecord)],
    ) -> Result<SigningKeyRecord, StoreError> {
        let broken = || StoreError::corrupt("the making of a key that signs digests");
        let pair = tokio::task::spawn_blocking(SigningKeyPair::generate).await.map_err(|_| broken())?;
        let pair = pair.map_err(|_| broken())?;
        let public = pair.public_pkcs1_der();
        let fingerprint = hex::encode(Md5::digest(&public));
        let owner = owner(partition, &fingerprint);
        let sealed = self
            .keyring
            .seal(&binding(&owner), pair.pkcs8_der().expose(), &mut SystemRandom)
            .expect("an RSA key is shorter than the longest secret");
        let record = SigningKeyRecord {
            public: BASE64.encode(public),
            fingerprint,
            begins,
            ends: begins + LIFE,
            sealed: Some(BASE64.encode(sealed)),
        };
        let key = format!("{partition}/{:012}", begins.as_second());
        let mut batch = Batch {
            checks: vec![(SIGNING_KEY, key.clone(), Expect::Absent)],
            puts: vec![(SIGNING_KEY, key, encode(&record)?)],
            ..Batch::default()
        };
        for (row, other) in others.iter().filter(|(_, other)| is_spent(other, begins)) {
            let public_half = SigningKeyRecord { sealed: None, ..other.clone() };
            batch.puts.push((SIGNING_KEY, row.key.clone(), encode(&public_half)?));
        }
        match self.store.commit(batch).await {
            Ok(_) => Ok(record),
            Err(CommitError::Store(error)) => Err(error),
            Err(CommitError::Conflict { .. }) => {
                Err(StoreError::corrupt("a key that signs digests: another one is there"))
            }
        }
    }

    fn unseal(&self, partition: &Partition, record: &SigningKeyRecord) -> Result<SigningKey, StoreError> {
        let corrupt = || StoreError::corrupt("the sealed key that signs digests");
        let sealed =
            record.sealed.as_deref().and_then(|sealed| BASE64.decode(sealed).ok()).ok_or_else(corrupt)?;
        let owner = owner(partition, &record.fingerprint);
        let pkcs8 = self.keyring.open(&binding(&owner), &sealed).map_err(|_| corrupt())?;
        let pair = SigningKeyPair::from_pkcs8_der(&pkcs8).map_err(|_| corrupt())?;
        Ok(SigningKey { pair: Arc::new(pair), fingerprint: record.fingerprint.clone() })
    }
}

/// Whether nothing will be signed with a pair any more when a pair that begins then is made.
fn is_spent(record: &SigningKeyRecord, begins: Timestamp) -> bool {
    record.sealed.is_some() && record.ends + PRIVATE_KEPT <= begins
}

fn owner(partition: &Partition, fingerprint: &str) -> String {
    format!("{partition}/{fingerprint}")
}

fn binding(owner: &str) -> Binding<'_> {
    Binding::Other { purpose: PURPOSE, owner }
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::RootKey;

    use super::*;

    #[tokio::test]
    async fn a_pair_signs_thirty_days_and_stays_listed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let keyring = Arc::new(RootKeyring::new(RootKey::generate(&mut SystemRandom)));
        let home = Partition::new("000000000000", "us-east-1");
        let start: Timestamp = "2026-11-02T08:00:00Z".parse().unwrap();
        let hour = SignedDuration::from_hours(1);
        let mut keys = SigningKeys::new(store.clone(), keyring.clone());
        let first = keys.for_digest(&home, start, start + hour).await.unwrap();
        let late = start + LIFE - hour;
        assert_eq!(keys.for_digest(&home, late - hour, late).await.unwrap().fingerprint, first.fingerprint);
        // Another process finds the same pair.
        let mut again = SigningKeys::new(store.clone(), keyring);
        assert_eq!(again.for_digest(&home, late - hour, late).await.unwrap().fingerprint, first.fingerprint);
        let second = again.for_digest(&home, late, late + hour).await.unwrap();
        assert_ne!(second.fingerprint, first.fingerprint);
        let elsewhere = Partition::new("000000000000", "eu-west-1");
        let other = again.for_digest(&elsewhere, late, late + hour).await.unwrap();
        assert_ne!(other.fingerprint, second.fingerprint);

        let far = start + LIFE * 3;
        again.for_digest(&home, far, far + hour).await.unwrap();
        let rows = again.rows(&home).await.unwrap();
        let sealed: Vec<bool> = rows.iter().map(|(_, record)| record.sealed.is_some()).collect();
        assert_eq!(sealed, [false, false, true]);
        assert_eq!(rows[0].1.fingerprint, first.fingerprint);
        let public = BASE64.decode(&rows[0].1.public).unwrap();
        assert_eq!((public.len(), hex::encode(Md5::digest(&public))), (270, first.fingerprint));
    }
}
