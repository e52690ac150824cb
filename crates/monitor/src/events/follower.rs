//! The events follower: matches events against rules and appends a message for each target of a rule that is hit
//!
//! Events are CloudTrail records (`envelope`) and what was put. A record reaches the rules of its own account and
//! Region whether or not a trail of CloudTrail is logging: here the trail always is. Imported records reach them for a day.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::{
    Arn,
    events::{RuleState, ShownTarget},
};
use keywatch_patterns::event::{EventPattern, RuleSet};
use keywatch_store::{
    Append, Batch, CommitError, EntryKind, LogEntry, Partition, Scan, Seq, Store, StoreError, decode,
};

use super::{
    envelope::{self, derived_id},
    input::{self, Context},
    record::{RULE, RuleRecord, rule_arn},
};
use crate::{
    engine::{Follower, Standing},
    entry::{Body, Event, Message, Target},
    metrics::derive::services::of_rules,
    trail::import::reaches_rules,
};

const NAME: &str = "events";
/// Larger events are not sent.
const EVENT_BYTES_MAX: usize = 256 * 1024;
const ROWS_AT_ONCE: usize = 500;
const COUNTS_AN_ENTRY: usize = 1_000;

/// What came of each rule of a partition.
type Hits = BTreeMap<Partition, BTreeMap<String, Hit>>;

#[derive(Clone, Copy, Debug, Default)]
struct Hit {
    events: usize,
    /// Targets called.
    calls: usize,
    /// Targets that could not be called: what they are told cannot be made of the event, or there is no such service here.
    failed: usize,
}

/// See the module.
#[derive(Debug)]
pub struct EventsFollower {
    store: Store,
    standing: Standing,
    rules: HashMap<Partition, Arc<RuleSet<RuleRecord>>>,
    rules_generation: Option<u64>,
}

impl EventsFollower {
    /// A follower that resumes where the store says it stopped.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let standing = Standing::open(&store, NAME).await?;
        Ok(Self { store, standing, rules: HashMap::new(), rules_generation: None })
    }

    async fn derive(&mut self, entries: &[LogEntry], now: Timestamp) -> Result<Batch, StoreError> {
        let generation = Some(self.store.generation(RULE));
        if self.rules_generation != generation {
            self.standing.keep(&self.store).await?;
            self.rules.clear();
            self.rules_generation = generation;
        }
        let mut batch = Batch::default();
        let mut hits = Hits::new();
        for entry in entries {
            let is_event = match entry.kind {
                EntryKind::Record | EntryKind::Event => true,
                EntryKind::ImportedRecord => reaches_rules(entry.time, now),
                _ => false,
            };
            if !is_event {
                continue;
            }
            let rules = self.rules_of(&entry.partition).await?;
            if rules.is_empty() || entry.bytes.len() > EVENT_BYTES_MAX {
                continue;
            }
            let events = match entry.kind {
                EntryKind::Record | EntryKind::ImportedRecord => match std::str::from_utf8(&entry.bytes) {
                    Ok(record) => envelope::from_record(record),
                    Err(_) => Vec::new(),
                },
                _ => {
                    let event = Event::read(entry)?;
                    vec![envelope::Derived { envelope: event.envelope, only_if_asked_for: false }]
                }
            };
            for event in &events {
                deliver(&rules, event, entry, now, &mut hits, &mut batch.appends);
            }
        }
        batch.appends.extend(points(&hits, now));
        Ok(batch)
    }

    /// The enabled rules of an account and Region.
    async fn rules_of(&mut self, partition: &Partition) -> Result<Arc<RuleSet<RuleRecord>>, StoreError> {
        if let Some(rules) = self.rules.get(partition) {
            return Ok(Arc::clone(rules));
        }
        let prefix = format!("{partition}/");
        let mut rules = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
            let rows = self.store.scan(RULE, scan).await?;
            for row in &rows {
                let rule: RuleRecord = decode(&row.bytes)?;
                if rule.state == RuleState::Disabled || rule.targets.is_empty() {
                    continue;
                }
                let pattern = EventPattern::parse(&rule.event_pattern)
                    .map_err(|_| StoreError::corrupt(format!("the pattern of rule `{}`", rule.name)))?;
                rules.push((rule, pattern));
            }
            match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
        let rules = Arc::new(RuleSet::new(rules));
        self.rules.insert(partition.clone(), Arc::clone(&rules));
        Ok(rules)
    }
}

impl Follower for EventsFollower {
    fn name(&self) -> &'static str {
        NAME
    }

    fn position(&self) -> Seq {
        self.standing.position()
    }

    fn follow<'a>(
        &'a mut self,
        entries: &'a [LogEntry],
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(last) = entries.last() else { return Ok(()) };
            let batch = self.derive(entries, now).await?;
            match self.standing.advance(&self.store, last.seq, batch).await {
                Ok(()) => Ok(()),
                Err(CommitError::Store(error)) => Err(error),
                Err(CommitError::Conflict { kind, .. }) => {
                    Err(StoreError::corrupt(format!("a commit without demands conflicted in {}", kind.0)))
                }
            }
        })
    }
}

/// Appends the messages that one event gives.
fn deliver(
    rules: &RuleSet<RuleRecord>,
    event: &envelope::Derived,
    entry: &LogEntry,
    now: Timestamp,
    hits: &mut Hits,
    appends: &mut Vec<Append>,
) {
    let ingestion_time = now.to_string();
    for rule in rules.matching(event.envelope.as_bytes()) {
        let asked = rule.state == RuleState::EnabledWithAllCloudTrailManagementEvents;
        if rule.since >= entry.seq || (event.only_if_asked_for && !asked) {
            continue;
        }
        let arn = rule_arn(&entry.partition, &rule.name);
        let context = Context { rule_arn: &arn, rule_name: &rule.name, ingestion_time: &ingestion_time };
        let hit = hits.entry(entry.partition.clone()).or_default().entry(rule.name.clone()).or_default();
        hit.events += 1;
        hit.calls += rule.targets.len();
        for target in &rule.targets {
            let body = input::render(target, &event.envelope, &context);
            let Some((body, (partition, to))) = body.zip(destination(target)) else {
                hit.failed += 1;
                continue;
            };
            let id = derived_id(&[&entry.seq.to_string(), &rule.name, &target.id, &event.envelope]);
            let message = Message {
                target: to,
                id: id.to_string(),
                subject: None,
                body,
                by_protocol: false,
                rule: Some(arn.clone()),
                alarm: None,
                attributes: Default::default(),
            };
            appends.push(message.append(partition, now));
        }
    }
}

/// The hits as metric points of `AWS/Events`, at most so many in an entry as a request may put.
fn points(hits: &Hits, now: Timestamp) -> Vec<Append> {
    let mut appends = Vec::new();
    for (partition, rules) in hits {
        let counts = |(name, hit): (&String, &Hit)| {
            let counts = [
                ("TriggeredRules", hit.events),
                ("Invocations", hit.calls),
                ("FailedInvocations", hit.failed),
            ];
            counts.map(|(metric, count)| (metric, name.clone(), count))
        };
        let counts: Vec<_> = rules.iter().flat_map(counts).filter(|(_, _, count)| *count > 0).collect();
        for some in counts.chunks(COUNTS_AN_ENTRY) {
            appends.push(of_rules(some, now).append(partition.clone(), now));
        }
    }
    appends
}

/// Where a message for a target goes, and in whose name space.
fn destination(target: &ShownTarget) -> Option<(Partition, Target)> {
    let arn: Arn = target.arn.parse().ok()?;
    let to = match arn.service.as_str() {
        "sns" => Target::Topic(target.arn.clone()),
        "sqs" => Target::Queue(target.arn.clone()),
        _ => return None,
    };
    Some((Partition::new(&arn.account, &arn.region), to))
}
