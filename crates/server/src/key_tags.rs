//! Tags of KMS keys, lent to queries of metrics: neither of the two knows the other.

use futures_util::future::BoxFuture;
use keywatch_monitor::metrics::tags::{LendTags, Tags};
use keywatch_store::{Store, StoreError};

/// The keys of a store.
#[derive(Debug)]
pub struct KeyTags(pub Store);

impl LendTags for KeyTags {
    fn lend<'a>(&'a self, account: &'a str, region: &'a str) -> BoxFuture<'a, Result<Tags, StoreError>> {
        Box::pin(async move {
            let mut tags = Tags::default();
            for (arn, of_key) in keywatch_kms::tags_of_keys(&self.0, account, region).await? {
                tags.add(arn, of_key);
            }
            Ok(tags)
        })
    }
}
