//! What mails say about the key of an alarm: its aliases, and who used it most on the day before.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_api::Arn;
use keywatch_history::{History, HistoryError, Query};
use keywatch_monitor::trail::key_usage::{UsageTally, uses_of};
use keywatch_monitor::widget_image::mailed::{AboutKey, KeyFacts};
use keywatch_store::{Store, StoreError, decode};

use crate::key::{KEYS, Key};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const USERS_MAX: usize = 5;

/// Knows the keys that are kept here, and the records of all.
#[derive(Debug)]
pub struct KeyNames {
    pub store: Store,
    pub history: History,
}

impl KeyNames {
    async fn aliases(&self, account: &str, arn: &Arn) -> Result<Vec<String>, StoreError> {
        let Some(id) = arn.resource.strip_prefix("key/").filter(|_| arn.account == account) else {
            return Ok(Vec::new());
        };
        let row = self.store.get(KEYS, &format!("{account}/{}/{id}", arn.region)).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let key: Key = decode(&row.bytes)?;
        Ok(key.aliases.iter().map(|name| name.trim_start_matches("alias/").to_owned()).collect())
    }

    async fn users(
        &self,
        account: &str,
        arn: &Arn,
        at: Timestamp,
    ) -> Result<Vec<(String, u64)>, HistoryError> {
        let query = Query { range: at - DAY..=at, ..uses_of(account, &arn.region, &arn.to_string(), false) };
        let tally = self.history.gather(Arc::new(query), &UsageTally::default()).await?;
        Ok(most_calls(&tally))
    }
}

/// Who made most calls, the busiest first.
fn most_calls(tally: &UsageTally) -> Vec<(String, u64)> {
    let mut calls: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, counted) in &tally.rows {
        *calls.entry(&key.principal).or_default() += counted.calls;
    }
    let mut users: Vec<(String, u64)> =
        calls.into_iter().map(|(user, calls)| (user.to_owned(), calls)).collect();
    users.sort_by_key(|(_, calls)| Reverse(*calls));
    users.truncate(USERS_MAX);
    users
}

impl KeyFacts for KeyNames {
    fn about<'a>(&'a self, account: &'a str, key_arn: &'a str, at: Timestamp) -> BoxFuture<'a, AboutKey> {
        Box::pin(async move {
            let Ok(arn) = key_arn.parse::<Arn>() else { return AboutKey::default() };
            let (aliases, users) = tokio::join!(self.aliases(account, &arn), self.users(account, &arn, at));
            if let Some(error) = aliases.as_ref().err() {
                tracing::warn!(key = key_arn, %error, "A mail goes without the aliases of its key");
            }
            if let Some(error) = users.as_ref().err() {
                tracing::warn!(key = key_arn, %error, "A mail goes without the users of its key");
            }
            AboutKey { aliases: aliases.unwrap_or_default(), users: users.unwrap_or_default() }
        })
    }
}
