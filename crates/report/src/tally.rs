//! Counts the records of one thread, and merges the counts of threads.
//!
//! A **notable** event is one that people look up by itself: a grant, a policy change, a deletion.
//! **Invariants:** merging is the same in any order; each list has a limit, and of notable events the oldest are
//! let go (but counted).
//! **Not here:** which records are counted (`gather`), and order and prices (`summary`).

use super::counts::{Counts, HashMap, Hours, Named, Number, Numbers, Span};
use super::fact::{self, BlockedBy};
use super::price::{self, PriceClass, Pricing};
use super::record::{Record, text};
use jiff::Timestamp;
use std::borrow::Cow;
use std::hash::Hash;

/// Distinct encryption context names kept of one key.
const CONTEXT_NAMES_MAX: usize = 100;
/// Pairs of key and principal kept.
const USES_MAX: usize = 4_000_000;
/// Notable events kept of each kind, the newest.
pub(super) const NOTABLE_MAX: usize = 10_000;
const CREATE_KEY: &[u8] = b"CreateKey";
/// Stands for a name that the record does not tell.
const UNKNOWN: Cow<'static, [u8]> = Cow::Borrowed(b"(unknown)");
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 86_400;

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

/// What is to be counted of a record.
#[derive(Debug)]
pub(super) enum Fact {
    OfOtherService,
    Request(Request),
}

/// A request, its names made numbers.
#[derive(Debug)]
pub(super) struct Request {
    time: Timestamp,
    operation: Number,
    source: Number,
    region: Number,
    principal: Number,
    keys: Numbers<1>,
    contexts: Numbers<4>,
    is_error: bool,
    payment: Payment,
}

#[derive(Debug, Clone, Copy)]
enum Payment {
    /// By the account of the caller, which is another one.
    Elsewhere,
    By {
        account: Number,
        pricing: Pricing,
    },
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
    /// The list of context names that was looked up last.
    last_contexts: (Option<u64>, Numbers<4>),
    pub(super) service_events: Named<u64>,
    /// Requests by hour since 1970 and operation.
    pub(super) hours: Hours,
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
    /// Counts a record of any service. All records come from one reader.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        if !record.is_of_kms() {
            self.count(&Fact::OfOtherService);
            return;
        }
        let name = record.event_name();
        let keys = fact::keys(record);
        if record.essence.is_service_event() {
            self.records += 1;
            self.kms_records += 1;
            self.span.add(record.time);
            *self.service_events.add(&name) += 1;
            for key in keys.iter() {
                self.keys.add(key).service_events += 1;
            }
        } else {
            let request = self.request(record, &name, &keys);
            self.count_request(&request);
            self.add_spec(record, &name, &request);
            self.add_error(record, &request);
        }
        self.add_notable(record, &name, &keys);
    }

    /// What is to be counted of a record, its names made numbers; `None` if that is not all there is to it.
    /// Nothing is counted yet.
    #[inline]
    pub(super) fn fact(&mut self, record: &Record<'_>) -> Option<Fact> {
        if !record.is_of_kms() {
            return Some(Fact::OfOtherService);
        }
        let name = record.event_name();
        let is_special = record.essence.is_service_event()
            || text(record.error_code).is_some()
            || *name == *CREATE_KEY
            || notable_kind(&name).is_some();
        (!is_special).then(|| Fact::Request(self.request(record, &name, &fact::keys(record))))
    }

    fn request(&mut self, record: &Record<'_>, name: &[u8], keys: &fact::Keys<'_>) -> Request {
        let mut numbers = Numbers::default();
        keys.iter().for_each(|key| numbers.push(self.keys.number(key)));
        Request {
            time: record.time,
            operation: self.operations.number(name),
            source: self.sources.number(&text(record.source_address).unwrap_or(UNKNOWN)),
            region: self.regions.number_again(&text(record.region).unwrap_or(UNKNOWN)),
            principal: self.principal(record),
            keys: numbers,
            contexts: self.context_numbers(record),
            is_error: text(record.error_code).is_some(),
            payment: self.payment(record, name),
        }
    }

    fn context_numbers(&mut self, record: &Record<'_>) -> Numbers<4> {
        let list = record.context_names.map(|names| names.list);
        if list.is_none() || self.last_contexts.0 != list {
            let mut contexts = Numbers::default();
            record.each_context_name(|name| contexts.push(self.contexts.number(name)));
            self.last_contexts = (list, contexts);
        }
        self.last_contexts.1.clone()
    }

    fn principal(&mut self, record: &Record<'_>) -> Number {
        let number = self.principals.number(&fact::principal(&record.identity));
        let principal = self.principals.at(number);
        if principal.issuer.is_none() {
            principal.issuer = fact::issuer(&record.identity).map(owned);
        }
        number
    }

    fn payment(&mut self, record: &Record<'_>, name: &[u8]) -> Payment {
        let account = record.account().unwrap_or(UNKNOWN);
        if text(record.identity.account).is_some_and(|caller| caller != account) {
            return Payment::Elsewhere;
        }
        let pricing = price::pricing(
            name,
            record.request.algorithm().as_deref(),
            text(record.request.key_pair_spec).as_deref(),
        );
        Payment::By { account: self.accounts.number_again(&account), pricing }
    }

    /// Counts a fact whose names have their numbers from this tally.
    #[inline]
    pub(super) fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::OfOtherService => self.records += 1,
            Fact::Request(request) => self.count_request(request),
        }
    }

    fn count_request(&mut self, request: &Request) {
        self.records += 1;
        self.kms_records += 1;
        self.requests += 1;
        self.span.add(request.time);
        *self.operations.at(request.operation) += 1;
        self.hours.add(request.time.as_second().div_euclid(SECONDS_PER_HOUR), request.operation);
        *self.sources.at(request.source) += 1;
        *self.regions.at(request.region) += 1;
        let principal = self.principals.at(request.principal);
        principal.requests += 1;
        principal.errors += u64::from(request.is_error);
        principal.span.add(request.time);
        for number in request.keys.iter() {
            let key = self.keys.at(number);
            key.requests += 1;
            key.errors += u64::from(request.is_error);
            key.operations.add(request.operation, 1);
            key.span.add(request.time);
            if self.uses.len() < USES_MAX {
                *self.uses.entry((number, request.principal)).or_default() += 1;
            }
        }
        let first_key = request.keys.iter().next();
        self.requests_without_key += u64::from(first_key.is_none());
        for context in request.contexts.iter() {
            *self.contexts.at(context) += 1;
            if let Some(key) = first_key {
                self.keys.at(key).contexts.add_within(context, CONTEXT_NAMES_MAX);
            }
        }
        self.count_payment(request, first_key);
    }

    fn count_payment(&mut self, request: &Request, key: Option<Number>) {
        let Payment::By { account, pricing } = request.payment else {
            self.paid_elsewhere += 1;
            return;
        };
        *self.accounts.at(account) += 1;
        let day = request.time.as_second().div_euclid(SECONDS_PER_DAY);
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

    /// Keeps the spec of a key that was created.
    fn add_spec(&mut self, record: &Record<'_>, name: &[u8], request: &Request) {
        if name != CREATE_KEY || request.is_error {
            return;
        }
        let metadata = record.response_elements.and_then(|response| response.get("keyMetadata"));
        let spec = metadata.and_then(|metadata| {
            metadata.get_str("keySpec").or_else(|| metadata.get_str("customerMasterKeySpec"))
        });
        let spec = spec.map(Cow::into_owned);
        for key in request.keys.iter() {
            self.keys.at(key).spec.clone_from(&spec);
        }
    }

    fn add_error(&mut self, record: &Record<'_>, request: &Request) {
        let Some(code) = text(record.error_code) else { return };
        self.errors += 1;
        *self.error_codes.add(&code) += 1;
        let state = fact::blocked_by(&code, text(record.error_message).as_deref());
        if let (Some(key), Some(state)) = (request.keys.iter().next(), state) {
            let blocked = self.blocked.entry((key, request.principal, request.operation, state)).or_default();
            blocked.requests += 1;
            blocked.span.add(request.time);
        }
    }

    fn add_notable(&mut self, record: &Record<'_>, name: &[u8], keys: &fact::Keys<'_>) {
        let Some(kind) = notable_kind(name) else { return };
        let event = Notable {
            time: record.time,
            event_name: owned(Cow::Borrowed(name)),
            key: keys.iter().next().map(|key| owned(Cow::Borrowed(key))),
            principal: owned(fact::principal(&record.identity)),
            source_address: text(record.source_address).map(owned),
            detail: notable_detail(record, name),
            error: text(record.error_code).map(owned),
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
        self.hours.merge(other.hours, &operations);
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
    sums.reserve(more.len());
    for (key, count) in more {
        *sums.entry(renumber(key)).or_default() += count;
    }
}

fn notable_kind(event_name: &[u8]) -> Option<NotableKind> {
    match event_name {
        b"CreateGrant" | b"RetireGrant" | b"RevokeGrant" => Some(NotableKind::Grant),
        b"PutKeyPolicy" => Some(NotableKind::PolicyChange),
        b"ScheduleKeyDeletion"
        | b"CancelKeyDeletion"
        | b"DeleteKey"
        | b"DeleteImportedKeyMaterial"
        | b"DeleteExpiredKeyMaterial" => Some(NotableKind::Deletion),
        _ => None,
    }
}

/// What to tell of a notable event beside its key and its principal.
fn notable_detail(record: &Record<'_>, event_name: &[u8]) -> Option<String> {
    let parameters = record.request.parameters;
    let asked = |name| parameters.and_then(|parameters| parameters.get_str(name));
    match event_name {
        b"CreateGrant" => {
            let grantee = asked("granteePrincipal").or_else(|| asked("granteeServicePrincipal"))?;
            let operations = parameters?.get("operations")?;
            let names: Vec<_> =
                operations.elements().map_while(Result::ok).filter_map(|name| name.as_str()).collect();
            Some(format!("to {grantee}: {}", names.join(", ")))
        }
        b"RevokeGrant" => Some(format!("grant {}", asked("grantId")?)),
        b"PutKeyPolicy" => asked("policyName").map(|name| format!("policy {name}")),
        b"ScheduleKeyDeletion" => {
            let date = record.response_elements.and_then(|response| response.get_str("deletionDate"));
            let days = parameters.and_then(|parameters| parameters.get("pendingWindowInDays"));
            match (date, days) {
                (Some(date), _) => Some(format!("due {date}")),
                (None, Some(days)) => Some(format!("after {} days", String::from_utf8_lossy(days.json()))),
                (None, None) => None,
            }
        }
        _ => None,
    }
}

fn owned(name: Cow<'_, [u8]>) -> String {
    String::from_utf8_lossy(&name).into_owned()
}
