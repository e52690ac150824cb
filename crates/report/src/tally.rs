//! Counts the records of one thread, and merges the counts of threads.
//!
//! A **named** list gives each distinct name a small number, so that counts by two names cost no text.
//! A **notable** event is one that people look up by itself: a grant, a policy change, a deletion.
//! **Invariants:** merging is the same in any order; each list has a limit, after which names are counted
//! as [`OTHERS`] and the oldest notable events are let go (but counted).
//! **Not here:** which records are counted (`gather`), and order and prices (`summary`).

use super::fact::{self, BlockedBy, Caller, Request};
use super::price::{self, PriceClass, Pricing};
use jiff::Timestamp;
use keywatch_logfiles::RawRecord;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

/// Distinct names kept of each kind.
const NAMES_MAX: usize = 1_000_000;
/// Distinct encryption context names kept of one key.
const CONTEXT_NAMES_MAX: usize = 100;
/// Pairs of key and principal kept.
const USES_MAX: usize = 4_000_000;
/// Notable events kept of each kind, the newest.
pub(super) const NOTABLE_MAX: usize = 10_000;
/// Stands for the names beyond a limit.
pub(super) const OTHERS: &str = "(others)";
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 86_400;

/// Hashed quickly, with a seed of this process.
pub(super) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// The number of a name in its list.
pub(super) type Number = u32;

/// Distinct names with something about each.
#[derive(Debug, Default)]
pub(super) struct Named<T> {
    numbers: HashMap<Arc<str>, Number>,
    entries: Vec<(Arc<str>, T)>,
}

impl<T: Default> Named<T> {
    pub(super) fn number(&mut self, name: &str) -> Number {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.entries.len() >= NAMES_MAX && name != OTHERS {
            return self.number(OTHERS);
        }
        let name: Arc<str> = name.into();
        // The limit on names keeps this below 2^32.
        let number = self.entries.len() as Number;
        self.numbers.insert(name.clone(), number);
        self.entries.push((name, T::default()));
        number
    }

    fn at(&mut self, number: Number) -> &mut T {
        &mut self.entries[number as usize].1
    }

    fn add(&mut self, name: &str) -> &mut T {
        let number = self.number(name);
        self.at(number)
    }

    pub(super) fn name(&self, number: Number) -> &str {
        &self.entries[number as usize].0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, &str, &T)> {
        (0..).zip(&self.entries).map(|(number, (name, entry))| (number, &**name, entry))
    }

    /// Takes over the names of another list. Returns its numbers in this one.
    fn merge(&mut self, other: Self, mut join: impl FnMut(&mut T, T)) -> Vec<Number> {
        let take = |(name, entry): (Arc<str>, T)| {
            let number = self.number(&name);
            join(self.at(number), entry);
            number
        };
        other.entries.into_iter().map(take).collect()
    }
}

/// Counts by a few numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Vec<(Number, u64)>);

impl Counts {
    fn add(&mut self, number: Number, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == number) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((number, count)),
        }
    }

    fn merge(&mut self, other: &Self, numbers: &[Number]) {
        for (number, count) in &other.0 {
            self.add(numbers[*number as usize], *count);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, u64)> {
        self.0.iter().copied()
    }
}

/// The first and the last time of something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    fn add(&mut self, time: Timestamp) {
        self.merge(Self(Some((time, time))));
    }

    fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((first, last)), Some((earlier, later))) => Some((first.min(earlier), last.max(later))),
            (one, another) => one.or(another),
        };
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.0.map(|(first, _)| first)
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        self.0.map(|(_, last)| last)
    }
}

#[derive(Debug, Default)]
pub(super) struct KeyTally {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) service_events: u64,
    pub(super) operations: Counts,
    pub(super) contexts: Counts,
    pub(super) span: Span,
    pub(super) spec: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct PrincipalTally {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) issuer: Option<String>,
    pub(super) span: Span,
}

/// A refused use of a key that could not be used.
#[derive(Debug, Default)]
pub(super) struct BlockedTally {
    pub(super) requests: u64,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NotableKind {
    Grant,
    PolicyChange,
    Deletion,
}

/// An event to look up by itself. The order of the members is the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub(super) struct Notable {
    pub(super) time: Timestamp,
    pub(super) event_name: String,
    pub(super) key: Option<String>,
    pub(super) principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Notable events of one kind, the newest.
#[derive(Debug, Default)]
pub(super) struct Notables {
    pub(super) count: u64,
    newest: Vec<Notable>,
}

impl Notables {
    fn add(&mut self, event: Notable) {
        self.count += 1;
        self.newest.push(event);
        if self.newest.len() >= 2 * NOTABLE_MAX {
            self.trim();
        }
    }

    fn trim(&mut self) {
        self.newest.sort_unstable_by(|one, other| other.cmp(one));
        self.newest.truncate(NOTABLE_MAX);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.newest.extend(other.newest);
        self.trim();
    }

    /// The newest first.
    pub(super) fn into_newest(mut self) -> Vec<Notable> {
        self.trim();
        self.newest
    }
}

/// All counts of one thread.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) records: u64,
    pub(super) kms_records: u64,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) requests_without_key: u64,
    pub(super) span: Span,
    pub(super) operations: Named<u64>,
    pub(super) keys: Named<KeyTally>,
    pub(super) principals: Named<PrincipalTally>,
    pub(super) sources: Named<u64>,
    pub(super) accounts: Named<u64>,
    pub(super) regions: Named<u64>,
    pub(super) error_codes: Named<u64>,
    pub(super) contexts: Named<u64>,
    pub(super) service_events: Named<u64>,
    /// Requests by hour since 1970 and operation.
    pub(super) hours: BTreeMap<i64, Counts>,
    /// Requests by key and principal.
    pub(super) uses: HashMap<(Number, Number), u64>,
    /// By key, principal, operation and state.
    pub(super) blocked: HashMap<(Number, Number, Number, BlockedBy), BlockedTally>,
    /// Priced requests by account and day since 1970.
    pub(super) priced: HashMap<(Number, i64, PriceClass), u64>,
    /// Requests by account, day since 1970 and key, of which the key's spec decides the price.
    pub(super) priced_by_key: HashMap<(Number, i64, Number), u64>,
    /// Requests that another account pays.
    pub(super) paid_elsewhere: u64,
    pub(super) grants: Notables,
    pub(super) policy_changes: Notables,
    pub(super) deletions: Notables,
}

impl Tally {
    /// Counts a record of any service.
    pub(super) fn add(&mut self, record: &RawRecord<'_>) {
        self.records += 1;
        if record.event_source != fact::KMS_SOURCE {
            return;
        }
        self.kms_records += 1;
        self.span.add(record.event_time);
        let request = fact::request(record);
        let caller = fact::caller(record);
        let keys = fact::keys(record, &request);
        if record.is_service_event() {
            *self.service_events.add(&record.event_name) += 1;
            for key in keys.iter() {
                self.keys.add(key).service_events += 1;
            }
        } else {
            self.add_request(record, &request, &caller, &keys);
        }
        self.add_notable(record, caller, &keys);
    }

    fn add_request(
        &mut self,
        record: &RawRecord<'_>,
        request: &Request<'_>,
        caller: &Caller<'_>,
        keys: &fact::Keys<'_>,
    ) {
        self.requests += 1;
        let operation = self.operations.number(&record.event_name);
        *self.operations.at(operation) += 1;
        let hour = record.event_time.as_second().div_euclid(SECONDS_PER_HOUR);
        self.hours.entry(hour).or_default().add(operation, 1);
        *self.sources.add(record.source_address.as_deref().unwrap_or("(unknown)")) += 1;
        *self.regions.add(record.region.as_deref().unwrap_or("(unknown)")) += 1;
        let is_error = record.error_code.is_some();
        let principal = self.add_principal(record, caller, is_error);
        let mut first_key = None;
        for key in keys.iter() {
            let number = self.add_key(key, record, operation, is_error);
            first_key.get_or_insert(number);
            if self.uses.len() < USES_MAX {
                *self.uses.entry((number, principal)).or_default() += 1;
            }
        }
        self.requests_without_key += u64::from(first_key.is_none());
        self.add_contexts(request, first_key);
        self.add_price(record, request, caller, first_key);
        if let Some(code) = &record.error_code {
            self.errors += 1;
            *self.error_codes.add(code) += 1;
            if let (Some(key), Some(state)) =
                (first_key, fact::blocked_by(code, record.error_message.as_deref()))
            {
                let blocked = self.blocked.entry((key, principal, operation, state)).or_default();
                blocked.requests += 1;
                blocked.span.add(record.event_time);
            }
        }
    }

    fn add_principal(&mut self, record: &RawRecord<'_>, caller: &Caller<'_>, is_error: bool) -> Number {
        let number = self.principals.number(&caller.principal);
        let principal = self.principals.at(number);
        if principal.requests == 0 {
            principal.issuer = fact::issuer(record).map(Cow::into_owned);
        }
        principal.requests += 1;
        principal.errors += u64::from(is_error);
        principal.span.add(record.event_time);
        number
    }

    fn add_key(&mut self, key: &str, record: &RawRecord<'_>, operation: Number, is_error: bool) -> Number {
        let number = self.keys.number(key);
        let key = self.keys.at(number);
        key.requests += 1;
        key.errors += u64::from(is_error);
        key.operations.add(operation, 1);
        key.span.add(record.event_time);
        if record.event_name == "CreateKey" && !is_error {
            let metadata = record.response_elements.and_then(|response| response.get("keyMetadata"));
            let spec = metadata.and_then(|metadata| {
                metadata.get_str("keySpec").or_else(|| metadata.get_str("customerMasterKeySpec"))
            });
            key.spec = spec.map(Cow::into_owned);
        }
        number
    }

    fn add_contexts(&mut self, request: &Request<'_>, key: Option<Number>) {
        for name in request.context_names() {
            let context = self.contexts.number(&String::from_utf8_lossy(name));
            *self.contexts.at(context) += 1;
            let Some(key) = key else { continue };
            let contexts = &mut self.keys.at(key).contexts;
            if contexts.0.len() < CONTEXT_NAMES_MAX || contexts.0.iter().any(|(known, _)| *known == context) {
                contexts.add(context, 1);
            }
        }
    }

    fn add_price(
        &mut self,
        record: &RawRecord<'_>,
        request: &Request<'_>,
        caller: &Caller<'_>,
        key: Option<Number>,
    ) {
        let account = record.account.as_deref().unwrap_or("(unknown)");
        if caller.account.as_deref().is_some_and(|caller| caller != account) {
            self.paid_elsewhere += 1;
            return;
        }
        let account = self.accounts.number(account);
        *self.accounts.at(account) += 1;
        let day = record.event_time.as_second().div_euclid(SECONDS_PER_DAY);
        let pricing = price::pricing(
            &record.event_name,
            request.algorithm.as_deref(),
            request.key_pair_spec.as_deref(),
        );
        match (pricing, key) {
            (Pricing::As(class), _) => *self.priced.entry((account, day, class)).or_default() += 1,
            (Pricing::ByKeySpec, Some(key)) => {
                *self.priced_by_key.entry((account, day, key)).or_default() += 1;
            }
            (Pricing::ByKeySpec, None) => {
                *self.priced.entry((account, day, price::class_of_spec(None))).or_default() += 1;
            }
        }
    }

    fn add_notable(&mut self, record: &RawRecord<'_>, caller: Caller<'_>, keys: &fact::Keys<'_>) {
        let Some(kind) = notable_kind(&record.event_name) else { return };
        let event = Notable {
            time: record.event_time,
            event_name: record.event_name.clone().into_owned(),
            key: keys.iter().next().map(str::to_owned),
            principal: caller.principal.into_owned(),
            source_address: record.source_address.clone().map(Cow::into_owned),
            detail: notable_detail(record),
            error: record.error_code.clone().map(Cow::into_owned),
        };
        match kind {
            NotableKind::Grant => self.grants.add(event),
            NotableKind::PolicyChange => self.policy_changes.add(event),
            NotableKind::Deletion => self.deletions.add(event),
        }
    }

    /// Adds the counts of another thread.
    pub(super) fn merge(&mut self, other: Self) {
        self.records += other.records;
        self.kms_records += other.kms_records;
        self.requests += other.requests;
        self.errors += other.errors;
        self.requests_without_key += other.requests_without_key;
        self.paid_elsewhere += other.paid_elsewhere;
        self.span.merge(other.span);
        let sum = |one: &mut u64, another: u64| *one += another;
        self.sources.merge(other.sources, sum);
        self.regions.merge(other.regions, sum);
        self.error_codes.merge(other.error_codes, sum);
        self.service_events.merge(other.service_events, sum);
        let operations = self.operations.merge(other.operations, sum);
        let contexts = self.contexts.merge(other.contexts, sum);
        let accounts = self.accounts.merge(other.accounts, sum);
        let keys = self.keys.merge(other.keys, |key, more| {
            key.requests += more.requests;
            key.errors += more.errors;
            key.service_events += more.service_events;
            key.operations.merge(&more.operations, &operations);
            key.contexts.merge(&more.contexts, &contexts);
            key.span.merge(more.span);
            key.spec = key.spec.take().or(more.spec);
        });
        let principals = self.principals.merge(other.principals, |principal, more| {
            principal.requests += more.requests;
            principal.errors += more.errors;
            principal.issuer = principal.issuer.take().max(more.issuer);
            principal.span.merge(more.span);
        });
        for (hour, counts) in &other.hours {
            self.hours.entry(*hour).or_default().merge(counts, &operations);
        }
        let new = |numbers: &[Number], number: Number| numbers[number as usize];
        add_all(&mut self.uses, other.uses, |(key, user)| (new(&keys, key), new(&principals, user)));
        add_all(&mut self.priced, other.priced, |(account, day, class)| {
            (new(&accounts, account), day, class)
        });
        add_all(&mut self.priced_by_key, other.priced_by_key, |(account, day, key)| {
            (new(&accounts, account), day, new(&keys, key))
        });
        for ((key, principal, operation, state), more) in other.blocked {
            let number = (new(&keys, key), new(&principals, principal), new(&operations, operation), state);
            let blocked = self.blocked.entry(number).or_default();
            blocked.requests += more.requests;
            blocked.span.merge(more.span);
        }
        self.grants.merge(other.grants);
        self.policy_changes.merge(other.policy_changes);
        self.deletions.merge(other.deletions);
    }
}

fn add_all<K: Hash + Eq>(sums: &mut HashMap<K, u64>, more: HashMap<K, u64>, renumber: impl Fn(K) -> K) {
    for (key, count) in more {
        *sums.entry(renumber(key)).or_default() += count;
    }
}

fn notable_kind(event_name: &str) -> Option<NotableKind> {
    match event_name {
        "CreateGrant" | "RetireGrant" | "RevokeGrant" => Some(NotableKind::Grant),
        "PutKeyPolicy" => Some(NotableKind::PolicyChange),
        "ScheduleKeyDeletion"
        | "CancelKeyDeletion"
        | "DeleteKey"
        | "DeleteImportedKeyMaterial"
        | "DeleteExpiredKeyMaterial" => Some(NotableKind::Deletion),
        _ => None,
    }
}

/// What to tell of a notable event beside its key and its principal.
fn notable_detail(record: &RawRecord<'_>) -> Option<String> {
    let asked = |name| record.request_parameters.and_then(|parameters| parameters.get_str(name));
    match &*record.event_name {
        "CreateGrant" => {
            let grantee = asked("granteePrincipal").or_else(|| asked("granteeServicePrincipal"))?;
            let operations = record.request_parameters?.get("operations")?;
            let names: Vec<_> =
                operations.elements().map_while(Result::ok).filter_map(|name| name.as_str()).collect();
            Some(format!("to {grantee}: {}", names.join(", ")))
        }
        "RevokeGrant" => Some(format!("grant {}", asked("grantId")?)),
        "PutKeyPolicy" => asked("policyName").map(|name| format!("policy {name}")),
        "ScheduleKeyDeletion" => {
            let date = record.response_elements.and_then(|response| response.get_str("deletionDate"));
            let days = record.request_parameters.and_then(|parameters| parameters.get("pendingWindowInDays"));
            match (date, days) {
                (Some(date), _) => Some(format!("due {date}")),
                (None, Some(days)) => Some(format!("after {} days", String::from_utf8_lossy(days.json()))),
                (None, None) => None,
            }
        }
        _ => None,
    }
}
