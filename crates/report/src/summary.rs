//! The report as a value: sorted, priced and ready to be written as JSON, table or page.
//!
//! **Invariant:** lists by number of requests have the most first, and the same number by name, so the same
//! input always gives the same text.
//! **Not here:** how it looks.

use super::counts::{Counts, Named, Number};
use super::fact::BlockedBy;
use super::gather::{DuplicatesOf, Gathered, Skipped};
use super::options::Period;
use super::price::{ASSUMPTIONS, FREE_REQUESTS_A_MONTH, PRICED_REQUESTS, PriceClass, class_of_spec};
use super::tally::{KeyTally, Notable, PrincipalTally, Tally};
use jiff::civil::Date;
use jiff::{Timestamp, tz::Offset};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// Principals listed for one key.
const KEY_PRINCIPALS_MAX: usize = 20;

/// Names with counts, written as a JSON object in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranking(pub(super) Vec<(String, u64)>);

impl Serialize for Ranking {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, count)| (name, count)))
    }
}

impl Ranking {
    fn of<'a>(counts: impl Iterator<Item = (&'a str, u64)>) -> Self {
        let mut ranked: Vec<(String, u64)> =
            counts.filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)).collect();
        ranked.sort_unstable_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Self(ranked)
    }

    fn of_named(named: &Named<u64>) -> Self {
        Self::of(named.iter().map(|(_, name, count)| (name, *count)))
    }

    fn of_counts<T: Default>(counts: &Counts, names: &Named<T>) -> Self {
        Self::of(counts.iter().map(|(number, count)| (names.name(number), count)))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Totals {
    pub(super) files: u64,
    pub(super) records: u64,
    pub(super) kms_records: u64,
    pub(super) errors: u64,
    pub(super) requests: u64,
    pub(super) service_events: u64,
    pub(super) requests_without_key: u64,
    pub(super) keys: usize,
    pub(super) principals: usize,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) outside_period: u64,
    pub(super) duplicate_records: u64,
    pub(super) skipped: usize,
    pub(super) digests: usize,
    pub(super) text_bytes: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct KeySummary {
    pub(super) arn: String,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) operations: Ranking,
    pub(super) first_use: Option<Timestamp>,
    pub(super) last_use: Option<Timestamp>,
    pub(super) encryption_context_keys: Ranking,
    /// The busiest; `principals_count` tells how many there are.
    pub(super) principals: Vec<PrincipalCount>,
    pub(super) principals_count: usize,
    pub(super) service_events: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct PrincipalCount {
    pub(super) arn: String,
    pub(super) requests: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct PrincipalSummary {
    pub(super) arn: String,
    pub(super) requests: u64,
    pub(super) errors: u64,
    /// The role of an assumed-role session.
    pub(super) issuer: Option<String>,
    pub(super) first_use: Option<Timestamp>,
    pub(super) last_use: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(super) struct ErrorSummary {
    pub(super) code: String,
    pub(super) count: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct SourceSummary {
    pub(super) address: String,
    pub(super) requests: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct DaySummary {
    pub(super) date: Date,
    pub(super) requests: u64,
    pub(super) operations: Ranking,
}

#[derive(Debug, Serialize)]
pub(super) struct BlockedSummary {
    pub(super) key: String,
    pub(super) state: BlockedBy,
    pub(super) principal: String,
    pub(super) operation: String,
    pub(super) requests: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

/// Notable events, the newest first, and how many there were.
#[derive(Debug, Serialize)]
pub(super) struct NotableSummary {
    pub(super) count: u64,
    pub(super) newest: Vec<Notable>,
}

#[derive(Debug, Serialize)]
pub(super) struct BillLine {
    pub(super) class: &'static str,
    pub(super) requests: u64,
    pub(super) usd_per_10000: f64,
    pub(super) usd: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct Bill {
    pub(super) list_usd: f64,
    pub(super) after_free_tier_usd: f64,
    pub(super) lines: Vec<BillLine>,
    /// Requests that the account of the caller pays.
    pub(super) paid_by_other_accounts: u64,
    pub(super) assumptions: [&'static str; ASSUMPTIONS.len()],
}

/// Requests of one hour, for charts.
#[derive(Debug)]
pub(super) struct Hour {
    pub(super) start: Timestamp,
    pub(super) operations: Ranking,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) totals: Totals,
    pub(super) period: Period,
    pub(super) keys: Vec<KeySummary>,
    pub(super) principals: Vec<PrincipalSummary>,
    pub(super) operations: Ranking,
    pub(super) errors: Vec<ErrorSummary>,
    pub(super) sources: Vec<SourceSummary>,
    pub(super) days: Vec<DaySummary>,
    #[serde(skip)]
    pub(super) hours: Vec<Hour>,
    pub(super) accounts: Ranking,
    pub(super) regions: Ranking,
    pub(super) encryption_context_keys: Ranking,
    pub(super) blocked_uses: Vec<BlockedSummary>,
    pub(super) grants: NotableSummary,
    pub(super) policy_changes: NotableSummary,
    pub(super) deletions: NotableSummary,
    pub(super) service_events: Ranking,
    pub(super) bill: Bill,
    pub(super) duplicates: Vec<DuplicatesOf>,
    pub(super) digests: Vec<String>,
    pub(super) skipped: Vec<Skipped>,
}

impl Summary {
    pub(super) fn of(gathered: Gathered, period: Period) -> Self {
        let totals = totals(&gathered);
        let tally = gathered.tally;
        let hours: Vec<Hour> = hours(&tally);
        Self {
            totals,
            period,
            keys: keys(&tally),
            principals: principals(&tally),
            operations: Ranking::of_named(&tally.operations),
            errors: errors(&tally),
            sources: sources(&tally),
            days: days(&tally),
            hours,
            accounts: Ranking::of_named(&tally.accounts),
            regions: Ranking::of_named(&tally.regions),
            encryption_context_keys: Ranking::of_named(&tally.contexts),
            blocked_uses: blocked_uses(&tally),
            service_events: Ranking::of_named(&tally.service_events),
            bill: bill(&tally),
            grants: NotableSummary { count: tally.grants.count, newest: tally.grants.into_newest() },
            policy_changes: NotableSummary {
                count: tally.policy_changes.count,
                newest: tally.policy_changes.into_newest(),
            },
            deletions: NotableSummary { count: tally.deletions.count, newest: tally.deletions.into_newest() },
            duplicates: gathered.duplicates,
            digests: gathered.digests,
            skipped: gathered.skipped,
        }
    }

    /// Whether nothing was skipped.
    pub(super) fn is_whole(&self) -> bool {
        self.skipped.is_empty()
    }

    pub(super) fn write_json(&self, mut output: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut output, self)?;
        output.write_all(b"\n")
    }

    #[cfg(test)]
    pub(super) fn json(&self) -> String {
        let mut json = Vec::new();
        self.write_json(&mut json).expect("memory takes every write");
        String::from_utf8(json).expect("JSON is UTF-8")
    }
}

fn totals(gathered: &Gathered) -> Totals {
    let tally = &gathered.tally;
    Totals {
        files: gathered.files,
        records: tally.records,
        kms_records: tally.kms_records,
        errors: tally.errors,
        requests: tally.requests,
        service_events: tally.kms_records - tally.requests,
        requests_without_key: tally.requests_without_key,
        keys: used_keys(tally).count(),
        principals: used_principals(tally).count(),
        first: tally.span.first(),
        last: tally.span.last(),
        outside_period: gathered.outside_period,
        duplicate_records: gathered.duplicates.iter().map(|found| found.records).sum(),
        skipped: gathered.skipped.len(),
        digests: gathered.digests.len(),
        text_bytes: gathered.text_bytes,
    }
}

/// The keys that records are about. A record that turned out to be a duplicate leaves names that are not counted.
fn used_keys(tally: &Tally) -> impl Iterator<Item = (Number, &str, &KeyTally)> {
    tally.keys.iter().filter(|(_, _, key)| key.requests + key.service_events > 0)
}

fn used_principals(tally: &Tally) -> impl Iterator<Item = (&str, &PrincipalTally)> {
    tally
        .principals
        .iter()
        .filter(|(_, _, principal)| principal.requests > 0)
        .map(|(_, name, principal)| (name, principal))
}

fn keys(tally: &Tally) -> Vec<KeySummary> {
    let mut users: Vec<Vec<(Number, u64)>> = vec![Vec::new(); tally.keys.iter().count()];
    for ((key, principal), requests) in &tally.uses {
        users[*key as usize].push((*principal, *requests));
    }
    let mut keys: Vec<KeySummary> = used_keys(tally)
        .map(|(number, arn, key)| {
            let users = &mut users[number as usize];
            KeySummary {
                arn: arn.to_owned(),
                requests: key.requests,
                errors: key.errors,
                operations: Ranking::of_counts(&key.operations, &tally.operations),
                first_use: key.span.first(),
                last_use: key.span.last(),
                encryption_context_keys: Ranking::of_counts(&key.contexts, &tally.contexts),
                principals_count: users.len(),
                principals: busiest(users, tally),
                service_events: key.service_events,
            }
        })
        .collect();
    keys.sort_unstable_by(|one, other| {
        other.requests.cmp(&one.requests).then_with(|| one.arn.cmp(&other.arn))
    });
    keys
}

/// The principals with most requests, the most first.
fn busiest(users: &mut [(Number, u64)], tally: &Tally) -> Vec<PrincipalCount> {
    let name = |number: Number| tally.principals.name(number);
    let order = |one: &(Number, u64), other: &(Number, u64)| {
        other.1.cmp(&one.1).then_with(|| name(one.0).cmp(name(other.0)))
    };
    let users = if users.len() > KEY_PRINCIPALS_MAX {
        users.select_nth_unstable_by(KEY_PRINCIPALS_MAX, order).0
    } else {
        users
    };
    users.sort_unstable_by(order);
    users
        .iter()
        .map(|(number, requests)| PrincipalCount { arn: name(*number).to_owned(), requests: *requests })
        .collect()
}

fn principals(tally: &Tally) -> Vec<PrincipalSummary> {
    let mut principals: Vec<PrincipalSummary> = used_principals(tally)
        .map(|(arn, principal)| PrincipalSummary {
            arn: arn.to_owned(),
            requests: principal.requests,
            errors: principal.errors,
            issuer: principal.issuer.clone(),
            first_use: principal.span.first(),
            last_use: principal.span.last(),
        })
        .collect();
    principals.sort_unstable_by(|one, other| {
        other.requests.cmp(&one.requests).then_with(|| one.arn.cmp(&other.arn))
    });
    principals
}

fn errors(tally: &Tally) -> Vec<ErrorSummary> {
    let ranked = Ranking::of_named(&tally.error_codes).0;
    ranked.into_iter().map(|(code, count)| ErrorSummary { code, count }).collect()
}

fn sources(tally: &Tally) -> Vec<SourceSummary> {
    let ranked = Ranking::of_named(&tally.sources).0;
    ranked.into_iter().map(|(address, requests)| SourceSummary { address, requests }).collect()
}

fn hours(tally: &Tally) -> Vec<Hour> {
    let hour = |(hour, counts): (i64, Counts)| {
        let start = Timestamp::from_second(hour * 3_600).ok()?;
        Some(Hour { start, operations: Ranking::of_counts(&counts, &tally.operations) })
    };
    tally.hours.sorted().into_iter().filter_map(hour).collect()
}

fn days(tally: &Tally) -> Vec<DaySummary> {
    let mut days: BTreeMap<Date, BTreeMap<Number, u64>> = BTreeMap::new();
    for (hour, counts) in tally.hours.sorted() {
        let Some(date) = date_of(hour * 3_600) else { continue };
        let day = days.entry(date).or_default();
        for (operation, count) in counts.iter() {
            *day.entry(operation).or_default() += count;
        }
    }
    days.into_iter()
        .map(|(date, counts)| DaySummary {
            date,
            requests: counts.values().sum(),
            operations: Ranking::of(
                counts.iter().map(|(number, count)| (tally.operations.name(*number), *count)),
            ),
        })
        .collect()
}

fn blocked_uses(tally: &Tally) -> Vec<BlockedSummary> {
    let mut uses: Vec<BlockedSummary> = tally
        .blocked
        .iter()
        .map(|((key, principal, operation, state), blocked)| BlockedSummary {
            key: tally.keys.name(*key).to_owned(),
            state: *state,
            principal: tally.principals.name(*principal).to_owned(),
            operation: tally.operations.name(*operation).to_owned(),
            requests: blocked.requests,
            first: blocked.span.first(),
            last: blocked.span.last(),
        })
        .collect();
    uses.sort_unstable_by(|one, other| {
        let names = (&one.key, one.state, &one.principal, &one.operation);
        let other_names = (&other.key, other.state, &other.principal, &other.operation);
        other.requests.cmp(&one.requests).then_with(|| names.cmp(&other_names))
    });
    uses
}

/// The UTC date of a time in seconds since 1970; `None` beyond the years that dates have.
fn date_of(second: i64) -> Option<Date> {
    Timestamp::from_second(second).ok().map(|time| Offset::UTC.to_datetime(time).date())
}

/// Rounded to a millionth, below which only the noise of the arithmetic is left. One request of the cheapest
/// class costs three of them.
fn micro(usd: f64) -> f64 {
    (usd * 1e6).round() / 1e6
}

fn bill(tally: &Tally) -> Bill {
    let mut requests: BTreeMap<PriceClass, u64> = BTreeMap::new();
    let mut months: BTreeMap<(Number, i16, i8), u64> = BTreeMap::new();
    let specs: HashMap<Number, &str> =
        tally.keys.iter().filter_map(|(number, _, key)| Some((number, key.spec.as_deref()?))).collect();
    let by_key = tally
        .priced_by_key
        .iter()
        .map(|((account, day, key), count)| (*account, *day, class_of_spec(specs.get(key).copied()), *count));
    let priced = tally.priced.iter().map(|((account, day, class), count)| (*account, *day, *class, *count));
    for (account, day, class, count) in priced.chain(by_key) {
        *requests.entry(class).or_default() += count;
        if class == PriceClass::Standard
            && let Some(date) = date_of(day * 86_400)
        {
            *months.entry((account, date.year(), date.month())).or_default() += count;
        }
    }
    let free = months.values().map(|count| count.min(&FREE_REQUESTS_A_MONTH)).sum();
    let lines: Vec<BillLine> = PriceClass::ALL
        .into_iter()
        .filter_map(|class| {
            let requests = *requests.get(&class)?;
            let usd = micro(class.cost_usd(requests));
            Some(BillLine { class: class.name(), requests, usd_per_10000: class.usd(), usd })
        })
        .collect();
    const { assert!(PRICED_REQUESTS == 10_000, "the member is named for it") };
    let list_usd: f64 = lines.iter().map(|line| line.usd).sum();
    Bill {
        list_usd: micro(list_usd),
        after_free_tier_usd: micro(list_usd - PriceClass::Standard.cost_usd(free)),
        lines,
        paid_by_other_accounts: tally.paid_elsewhere,
        assumptions: ASSUMPTIONS,
    }
}
