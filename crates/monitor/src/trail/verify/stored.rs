//! Evidence from a store: objects, public keys, heads, and the files that wait for their digest.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_store::{Kind, Row, Scan, Store, StoreError, decode};

use super::anchor::{Anchor, ChainAnchor};
use super::judge::PublicKeys;
use crate::buckets::{OBJECT, ObjectRecord};
use crate::trail::digest::document::{ChainName, ListedFile, SIGNATURE_METADATA};
use crate::trail::digest::{CHAIN, ChainRecord, DIGEST_FILE, FileRecord, SIGNING_KEY, SigningKeyRecord};

const ROWS_AT_ONCE: usize = 1_000;

/// What a store knows of the files of its trails.
#[derive(Debug)]
pub struct Stored {
    pub objects: Vec<StoredObject>,
    pub keys: PublicKeys,
    pub heads: Anchor,
    /// Log files that no digest lists yet.
    pub waiting: Vec<ListedFile>,
}

/// An object that may be a log file or a digest.
#[derive(Debug)]
pub struct StoredObject {
    pub key: String,
    /// Names of its body's pieces in the object store.
    pub pieces: Vec<String>,
    pub bytes: u64,
    pub signature: Option<String>,
}

impl Stored {
    pub async fn read(store: &Store) -> Result<Self, StoreError> {
        let mut objects = Vec::new();
        for row in rows(store, OBJECT).await? {
            let object: ObjectRecord = decode(&row.bytes)?;
            if let Some((_, key)) = row.key.split_once('/').filter(|(_, key)| key.contains("AWSLogs/")) {
                objects.push(StoredObject {
                    key: key.to_owned(),
                    bytes: object.size,
                    signature: object.metadata.get(SIGNATURE_METADATA).cloned(),
                    pieces: object.body.into_iter().map(|piece| piece.name).collect(),
                });
            }
        }
        let mut keys = PublicKeys::default();
        for row in rows(store, SIGNING_KEY).await? {
            let key: SigningKeyRecord = decode(&row.bytes)?;
            keys.add(BASE64.decode(&key.public).map_err(|_| StoreError::corrupt("a public key of digests"))?);
        }
        let chains = rows(store, CHAIN).await?;
        let heads = chains.iter().map(head).collect::<Result<Vec<_>, _>>()?;
        let waiting = rows(store, DIGEST_FILE).await?;
        let waiting = waiting.iter().map(|row| decode::<FileRecord>(&row.bytes).map(|file| file.listed));
        Ok(Self {
            objects,
            keys,
            heads: Anchor::new(heads.into_iter().flatten().collect()),
            waiting: waiting.collect::<Result<_, _>>()?,
        })
    }
}

/// The head of the chain of a row `account/home/trail/region`; none before its first digest.
fn head(row: &Row) -> Result<Option<ChainAnchor>, StoreError> {
    let chain: ChainRecord = decode(&row.bytes)?;
    let parts: Vec<&str> = row.key.split('/').collect();
    let [account, home_region, trail, region] = parts.as_slice() else {
        return Err(StoreError::corrupt(format!("the chain {}", row.key)));
    };
    let name = ChainName {
        account: (*account).into(),
        region: (*region).into(),
        trail: (*trail).into(),
        home_region: (*home_region).into(),
    };
    Ok(chain.head.map(|head| ChainAnchor {
        name,
        digest: chain.digests,
        records: chain.records,
        head,
        head_signature: None,
        public_key_fingerprint: None,
    }))
}

async fn rows(store: &Store, kind: Kind) -> Result<Vec<Row>, StoreError> {
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map(|row| row.key.clone());
        let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(kind, scan).await?;
        let complete = rows.len() < ROWS_AT_ONCE;
        all.extend(rows);
        if complete {
            return Ok(all);
        }
    }
}
