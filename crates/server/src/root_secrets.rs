//! The secrets a server is born with: the root key that seals everything, and the root access key.
//!
//! Both are made on the first start. A data directory whose state was sealed under another root key is refused before
//! anything is answered: a sentinel, sealed when the state was made, must open.

use std::io;
use std::path::Path;

use keywatch_api::{AccountId, SecretText};
use keywatch_crypto::{Binding, RootKey, RootKeyring, SystemRandom, random};
use keywatch_iam::credentials::RootAccessKey;
use keywatch_store::{Batch, CommitError, Expect, Kind, Store, StoreError};
use zeroize::Zeroizing;

use crate::data_dir::{self, AccessKey, DataDirError};
use crate::private_file;

const SENTINEL: Kind = Kind("server.sentinel");
const SENTINEL_KEY: &str = "root-key";
const SENTINEL_BINDING: Binding<'_> = Binding::Other { purpose: "sentinel", owner: "server" };
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_RANDOM_LENGTH: usize = 16;
const SECRET_BYTES: usize = 30;

/// Why the root key does not serve.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    #[error("cannot read the root key {path}")]
    Unreadable {
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("cannot write the root key {path}")]
    Unwritable {
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("the root key {path} is not usable: {reason}")]
    Malformed { path: String, reason: String },
    #[error("the root key {path} may be read by others: chmod 600 it")]
    Exposed { path: String },
    #[error("the root key {path} is missing, and what is stored was sealed under one")]
    Missing { path: String },
    #[error("the root key {path} is not the one that sealed what is stored")]
    Other { path: String },
    #[error("cannot check the root key")]
    Store(#[from] StoreError),
}

/// Reads the root key, or makes it when nothing is stored yet.
pub async fn open_keyring(path: &Path, store: &Store) -> Result<RootKeyring, RootKeyError> {
    let shown = || path.display().to_string();
    let sentinel = store.get(SENTINEL, SENTINEL_KEY).await?;
    let keyring = match std::fs::read_to_string(path).map(Zeroizing::new) {
        Ok(text) => {
            if private_file::is_exposed(path)
                .map_err(|cause| RootKeyError::Unreadable { path: shown(), cause })?
            {
                return Err(RootKeyError::Exposed { path: shown() });
            }
            RootKeyring::parse(&text)
                .map_err(|error| RootKeyError::Malformed { path: shown(), reason: error.to_string() })?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && sentinel.is_none() => generate(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RootKeyError::Missing { path: shown() });
        }
        Err(cause) => return Err(RootKeyError::Unreadable { path: shown(), cause }),
    };
    match sentinel {
        Some(row) => {
            keyring.open(&SENTINEL_BINDING, &row.bytes).map_err(|_| RootKeyError::Other { path: shown() })?;
        }
        None => keep_sentinel(&keyring, store).await?,
    }
    Ok(keyring)
}

fn generate(path: &Path) -> Result<RootKeyring, RootKeyError> {
    let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
    let text = keyring.render();
    private_file::write(path, text.expose().as_bytes())
        .map_err(|cause| RootKeyError::Unwritable { path: path.display().to_string(), cause })?;
    Ok(keyring)
}

async fn keep_sentinel(keyring: &RootKeyring, store: &Store) -> Result<(), RootKeyError> {
    let sealed = keyring
        .seal(&SENTINEL_BINDING, b"keywatch", &mut SystemRandom)
        .map_err(|error| StoreError::corrupt(error.to_string()))?;
    let batch = Batch {
        checks: vec![(SENTINEL, SENTINEL_KEY.to_owned(), Expect::Absent)],
        puts: vec![(SENTINEL, SENTINEL_KEY.to_owned(), sealed.into())],
        ..Batch::default()
    };
    store.commit(batch).await.map(drop).map_err(|error| match error {
        CommitError::Store(error) => error.into(),
        CommitError::Conflict { .. } => StoreError::InUse { place: "the store".to_owned() }.into(),
    })
}

/// Reads the root access key of the default account, or makes it and says it once on standard error.
pub fn open_access_key(directory: &Path, account: &AccountId) -> Result<RootAccessKey, DataDirError> {
    let key = match data_dir::read_access_key(directory)? {
        Some(key) => key,
        None => {
            let key = new_access_key();
            data_dir::write_access_key(directory, &key)?;
            announce(directory, account, &key);
            key
        }
    };
    Ok(RootAccessKey { account: account.clone(), access_key_id: key.id, secret: key.secret })
}

/// An access key in AWS's form: `AKIA` and 16 characters of base 32, and 40 characters of base 64.
pub fn new_access_key() -> AccessKey {
    use base64::Engine;
    let mut id = "AKIA".to_owned();
    for byte in random::array::<ID_RANDOM_LENGTH>() {
        id.push(char::from(ID_ALPHABET[usize::from(byte % 32)]));
    }
    let bytes = Zeroizing::new(random::array::<SECRET_BYTES>());
    let secret = base64::engine::general_purpose::STANDARD.encode(bytes.as_slice());
    AccessKey { id, secret: SecretText::new(secret) }
}

fn announce(directory: &Path, account: &AccountId, key: &AccessKey) {
    eprintln!(
        "keywatch: root access key of account {account}, shown once and kept for its owner in {}:\n  AWS_ACCESS_KEY_ID={}\n  AWS_SECRET_ACCESS_KEY={}",
        directory.display(),
        key.id,
        key.secret.expose()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_keys_have_the_form_of_aws() {
        let key = new_access_key();
        assert_eq!((key.id.len(), key.secret.expose().len()), (20, 40));
        assert!(key.id.starts_with("AKIA"));
        assert_ne!(key.id, new_access_key().id);
    }

    #[tokio::test]
    async fn a_root_key_belongs_to_its_state() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("root.key");
        let store = Store::open_embedded(directory.path()).await.expect("a new store");
        let made = open_keyring(&path, &store).await.expect("a new root key");
        assert!(!private_file::is_exposed(&path).expect("there"));
        let read = open_keyring(&path, &store).await.expect("the same root key");
        assert_eq!(made.current_id(), read.current_id());

        std::fs::rename(&path, directory.path().join("away")).expect("renamed");
        assert!(matches!(open_keyring(&path, &store).await, Err(RootKeyError::Missing { .. })));
        generate(&path).expect("another root key");
        assert!(matches!(open_keyring(&path, &store).await, Err(RootKeyError::Other { .. })));
        private_file::write(&path, b"no key\n").expect("written");
        assert!(matches!(open_keyring(&path, &store).await, Err(RootKeyError::Malformed { .. })));
        store.close().await;
    }
}
