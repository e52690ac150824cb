//! # Who uses a key, counted from the records
//! A **row** is a day, a principal, an operation, an outcome, a source address and a user agent, with the calls that agree in
//! all of them. A **principal** is a role rather than its sessions, whose names may differ with every call. Pure: records go
//! in, in any order, and the same rows come out.
//!
//! **Invariant:** every call is counted once; when there are too many rows, further ones leave address and agent out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keywatch_api::kms::KEY_USES;
use keywatch_history::{Column, Condition, Gather, Query, Test, Use};

/// Rows with address and agent.
const ROWS_MAX: usize = 100_000;
/// Names of encryption contexts that are kept, in a row and in all.
const CONTEXT_KEYS_MAX: usize = 100;
/// Characters of a user agent.
const AGENT_LENGTH_MAX: usize = 256;
/// What stands for that which was left out.
const FOLDED: &str = "(various)";
/// What stands for a member that a record lacks.
const ABSENT: &str = "-";
const KMS: &str = "kms.amazonaws.com";
const SUCCESS: &str = "Success";

/// The records that `account` has of calls on the key, in the key's Region.
pub fn uses_of(account: &str, region: &str, key_arn: &str, with_management: bool) -> Query {
    let mut conditions =
        vec![Condition::is(&[Column::Resources], key_arn), Condition::is(&[Column::EventSource], KMS)];
    if !with_management {
        let uses: Test = Test::OneOf(Arc::new(KEY_USES.map(str::to_owned).into()));
        conditions.push(Condition::passes(&[Column::EventName], uses, None));
    }
    Query { conditions, ..Query::of(account, Some(region)) }
}

/// Who a use is counted for.
pub fn principal_of<'u>(seen: &Use<'u>) -> &'u str {
    seen.session_issuer.or(seen.principal).unwrap_or(ABSENT)
}

/// What calls of a row agree in. The newest day comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    pub day: Reverse<Date>,
    pub principal: String,
    pub operation: String,
    pub outcome: String,
    pub source_address: String,
    pub user_agent: String,
}

/// What is counted of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub calls: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    pub context_keys: BTreeSet<String>,
}

/// Counts uses.
#[derive(Clone, Debug, Default)]
pub struct UsageTally {
    pub rows: BTreeMap<RowKey, Counted>,
    pub calls: u64,
    pub failed_calls: u64,
    pub context_keys: BTreeSet<String>,
    pub folded: bool,
}

impl Gather for UsageTally {
    fn take(&mut self, seen: &Use<'_>) {
        self.calls += 1;
        self.failed_calls += u64::from(seen.error_code.is_some());
        note_keys(&mut self.context_keys, seen.context_keys);
        let mut key = row_key(seen);
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&key) {
            (key.source_address, key.user_agent) = (FOLDED.to_owned(), FOLDED.to_owned());
            self.folded = true;
        }
        let row = self.rows.entry(key).or_insert_with(|| Counted {
            calls: 0,
            first: seen.time,
            last: seen.time,
            context_keys: BTreeSet::new(),
        });
        row.calls += 1;
        row.first = row.first.min(seen.time);
        row.last = row.last.max(seen.time);
        note_keys(&mut row.context_keys, seen.context_keys);
    }
}

impl UsageTally {
    pub fn first_use(&self) -> Option<Timestamp> {
        self.rows.values().map(|row| row.first).min()
    }

    pub fn last_use(&self) -> Option<Timestamp> {
        self.rows.values().map(|row| row.last).max()
    }
}

fn row_key(seen: &Use<'_>) -> RowKey {
    let agent = seen.user_agent.unwrap_or(ABSENT);
    RowKey {
        day: Reverse(TimeZone::UTC.to_datetime(seen.time).date()),
        principal: principal_of(seen).to_owned(),
        operation: seen.event_name.to_owned(),
        outcome: seen.error_code.unwrap_or(SUCCESS).to_owned(),
        source_address: seen.source_address.unwrap_or(ABSENT).to_owned(),
        user_agent: agent.chars().take(AGENT_LENGTH_MAX).collect(),
    }
}

fn note_keys(known: &mut BTreeSet<String>, keys: &[&str]) {
    for key in keys {
        if known.len() < CONTEXT_KEYS_MAX && !known.contains(*key) {
            known.insert((*key).to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'u>(time: &str, principal: &'u str, error: Option<&'u str>, keys: &'u [&'u str]) -> Use<'u> {
        Use {
            time: time.parse().expect("a time"),
            seq: 1,
            event_id: "e",
            event_name: "Decrypt",
            event_source: KMS,
            principal: Some(principal),
            session_issuer: principal.contains("assumed").then_some("arn:role"),
            source_address: Some("10.0.0.1"),
            user_agent: None,
            error_code: error,
            context_keys: keys,
        }
    }

    #[test]
    fn calls_that_agree_are_one_row() {
        let mut tally = UsageTally::default();
        tally.take(&seen("2026-11-22T23:59:59Z", "arn:assumed/a", None, &["b"]));
        tally.take(&seen("2026-11-22T00:00:00Z", "arn:assumed/b", None, &["a"]));
        tally.take(&seen("2026-11-23T00:00:00Z", "arn:assumed/b", None, &[]));
        tally.take(&seen("2026-11-22T10:00:00Z", "arn:user", Some("AccessDenied"), &["a"]));
        let rows: Vec<_> = tally
            .rows
            .iter()
            .map(|(key, row)| {
                (key.day.0.to_string(), &*key.principal, &*key.outcome, row.calls, row.context_keys.len())
            })
            .collect();
        let want = [
            ("2026-11-23".to_owned(), "arn:role", "Success", 1, 0),
            ("2026-11-22".to_owned(), "arn:role", "Success", 2, 2),
            ("2026-11-22".to_owned(), "arn:user", "AccessDenied", 1, 1),
        ];
        assert_eq!(rows, want);
        assert_eq!((tally.calls, tally.failed_calls, tally.folded), (4, 1, false));
        assert_eq!(tally.first_use(), Some("2026-11-22T00:00:00Z".parse().expect("a time")));
        assert_eq!(tally.last_use(), Some("2026-11-23T00:00:00Z".parse().expect("a time")));
    }

    #[test]
    fn too_many_rows_leave_addresses_out() {
        let mut tally = UsageTally::default();
        let addresses: Vec<String> = (0..ROWS_MAX + 5).map(|number| number.to_string()).collect();
        for address in &addresses {
            tally
                .take(&Use { source_address: Some(address), ..seen("2026-11-22T10:00:00Z", "p", None, &[]) });
        }
        assert!(tally.folded && tally.rows.len() == ROWS_MAX + 1);
        assert_eq!(tally.rows.values().map(|row| row.calls).sum::<u64>(), tally.calls);
    }
}
