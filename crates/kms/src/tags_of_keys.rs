//! The tags of all keys of an account and Region, for those who group what keys did by them.

use keywatch_store::{Scan, Store, StoreError, decode};

use crate::key::{KEYS, Key};

/// Rows read at once.
const PAGE: usize = 1_000;

/// The keys that have tags, each with its ARN and its tags, in the order of their ids.
pub async fn tags_of_keys(
    store: &Store,
    account: &str,
    region: &str,
) -> Result<Vec<(String, Vec<(String, String)>)>, StoreError> {
    let prefix = format!("{account}/{region}/");
    let (mut tagged, mut after) = (Vec::new(), None::<String>);
    loop {
        let rows = store.scan(KEYS, Scan { prefix: &prefix, after: after.as_deref(), limit: PAGE }).await?;
        for row in &rows {
            let key: Key = decode(&row.bytes)?;
            if !key.tags.is_empty() {
                tagged.push((key.arn().to_string(), key.tags.into_iter().collect()));
            }
        }
        match rows.last() {
            Some(last) if rows.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(tagged),
        }
    }
}
