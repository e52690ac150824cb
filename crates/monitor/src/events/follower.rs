//! The events follower: matches events against rules and calls the targets of each rule that is hit
//!
//! Events are CloudTrail records (`envelope`), what was put, and what schedules send. A record reaches the rules of the default bus of
//! its own account and Region whether or not a trail of CloudTrail is logging: here the trail always is. Imported records reach them
//! for a day.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_api::events::RuleState;
use keywatch_patterns::event::{EventPattern, RuleSet, Scratch};
use keywatch_store::{
    Batch, CommitError, EntryKind, LogEntry, Partition, Scan, Seq, Store, StoreError, decode,
};

use super::{
    archivist::{Archivist, TakenIn},
    call_target::{self, Made, TargetCall},
    dead_letter::{DeadLetter, dead_letter},
    envelope::{self, derived_id},
    hits::{self, Hits},
    input::{self, Context},
    invocation::INVOCATION,
    invoker::Invoker,
    record::{DEFAULT_BUS, RULE, RuleRecord, is_elsewhere, rule_key},
    timetable::Timetable,
};
use crate::{
    engine::{Follower, Standing},
    entry::{Body, Event, Reach},
    trail::import::reaches_rules,
};

const NAME: &str = "events";
/// Larger events are not sent.
const EVENT_BYTES_MAX: usize = 256 * 1024;
const ROWS_AT_ONCE: usize = 500;

/// See the module.
#[derive(Debug)]
pub struct EventsFollower {
    store: Store,
    standing: Standing,
    /// By account and Region, and by the name of the bus.
    rules: HashMap<(Partition, String), Arc<Rules>>,
    rules_generation: Option<u64>,
    timetable: Timetable,
    archivist: Archivist,
    scratch: Scratch,
    invoker: Option<Invoker>,
}

/// The enabled rules of a bus that have targets.
#[derive(Debug)]
struct Rules {
    by_pattern: RuleSet<Arc<RuleRecord>>,
    by_name: BTreeMap<String, Arc<RuleRecord>>,
}

/// An event on a bus.
#[derive(Debug)]
struct Incoming {
    event: Event,
    /// It reaches only rules that ask for all management events.
    only_if_asked_for: bool,
}

impl Incoming {
    fn bus(&self) -> &str {
        self.event.bus.as_deref().unwrap_or(DEFAULT_BUS)
    }

    /// Archives get what comes to all of a bus, but not for the second time.
    fn is_archived(&self) -> bool {
        !self.event.replayed && !self.only_if_asked_for && self.event.reach == Reach::Matching
    }
}

impl EventsFollower {
    /// A follower that resumes where the store says it stopped.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let standing = Standing::open(&store, NAME).await?;
        let timetable = Timetable::new(store.clone());
        let archivist = Archivist::new(store.clone());
        Ok(Self {
            store,
            standing,
            rules: HashMap::new(),
            rules_generation: None,
            timetable,
            archivist,
            scratch: Scratch::default(),
            invoker: None,
        })
    }

    /// Has what is outside called; without, such calls wait.
    pub fn calling(self, invoker: Invoker) -> Self {
        Self { invoker: Some(invoker), ..self }
    }

    async fn derive(&mut self, entries: &[LogEntry], now: Timestamp) -> Result<Batch, StoreError> {
        let generation = Some(self.store.generation(RULE));
        if self.rules_generation != generation {
            self.standing.keep(&self.store).await?;
            self.rules.clear();
            self.rules_generation = generation;
        }
        if self.archivist.is_stale() {
            self.standing.keep(&self.store).await?;
            self.archivist.refresh().await?;
        }
        let mut batch = Batch::default();
        let mut hits = Hits::default();
        let mut taken = TakenIn::default();
        for entry in entries {
            if entry.bytes.len() > EVENT_BYTES_MAX {
                continue;
            }
            for (index, incoming) in self.incoming(entry, now).await?.into_iter().enumerate() {
                if incoming.is_archived() {
                    let event = (incoming.bus(), incoming.event.envelope.as_str());
                    self.archivist.take(entry, index, event, &mut taken, &mut batch)?;
                }
                let rules = self.rules_of(&entry.partition, incoming.bus()).await?;
                self.deliver(&rules, &incoming, entry, now, &mut hits, &mut batch).await?;
            }
        }
        batch.appends.extend(hits.into_appends(now));
        self.archivist.count(taken, &mut batch).await?;
        Ok(batch)
    }

    /// The events that an entry tells of. Records, which are many, are not read where nothing waits for them.
    async fn incoming(&mut self, entry: &LogEntry, now: Timestamp) -> Result<Vec<Incoming>, StoreError> {
        let is_record = match entry.kind {
            EntryKind::Event => {
                let event = Event::read(entry)?;
                return Ok(vec![Incoming { event, only_if_asked_for: false }]);
            }
            EntryKind::Record => true,
            EntryKind::ImportedRecord => reaches_rules(entry.time, now),
            _ => false,
        };
        if !is_record {
            return Ok(Vec::new());
        }
        let waits = !self.rules_of(&entry.partition, DEFAULT_BUS).await?.by_name.is_empty()
            || self.archivist.has_archives(&entry.partition, DEFAULT_BUS);
        if !waits {
            return Ok(Vec::new());
        }
        let Ok(record) = std::str::from_utf8(&entry.bytes) else { return Ok(Vec::new()) };
        let incoming = |derived: envelope::Derived| Incoming {
            event: Event::on_default_bus(derived.envelope),
            only_if_asked_for: derived.only_if_asked_for,
        };
        Ok(envelope::from_record(record).into_iter().map(incoming).collect())
    }

    async fn rules_of(&mut self, partition: &Partition, bus: &str) -> Result<Arc<Rules>, StoreError> {
        let place = (partition.clone(), bus.to_owned());
        if let Some(rules) = self.rules.get(&place) {
            return Ok(Arc::clone(rules));
        }
        let prefix = rule_key(partition, bus, "");
        let mut by_name = BTreeMap::new();
        let mut patterns = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
            let rows = self.store.scan(RULE, scan).await?;
            for row in rows.iter().filter(|row| bus != DEFAULT_BUS || !is_elsewhere(partition, &row.key)) {
                let rule: Arc<RuleRecord> = Arc::new(decode(&row.bytes)?);
                if !rule.is_enabled() || rule.targets.is_empty() {
                    continue;
                }
                if let Some(pattern) = &rule.event_pattern {
                    let pattern = EventPattern::parse(pattern)
                        .map_err(|_| StoreError::corrupt(format!("the pattern of rule `{}`", rule.name)))?;
                    patterns.push((Arc::clone(&rule), pattern));
                }
                by_name.insert(rule.name.clone(), rule);
            }
            match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
        let rules = Arc::new(Rules { by_pattern: patterns.into_iter().collect(), by_name });
        self.rules.insert(place, Arc::clone(&rules));
        Ok(rules)
    }

    /// Calls the targets of the rules that one event hits.
    async fn deliver(
        &mut self,
        rules: &Rules,
        incoming: &Incoming,
        entry: &LogEntry,
        now: Timestamp,
        hits: &mut Hits,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let event = &incoming.event;
        for rule in hit(rules, incoming, entry, &mut self.scratch) {
            let arn = rule.arn(&entry.partition);
            let ingestion_time = now.to_string();
            let context = Context { rule_arn: &arn, rule_name: &rule.name, ingestion_time: &ingestion_time };
            for (metric, count) in
                [(hits::MATCHED, 1), (hits::TRIGGERED, 1), (hits::INVOCATIONS, rule.targets.len())]
            {
                hits.add(&entry.partition, &rule, metric, count);
            }
            for target in &rule.targets {
                let call = TargetCall {
                    rule: &rule,
                    rule_arn: &arn,
                    partition: &entry.partition,
                    target,
                    event: &event.envelope,
                    path: &event.path,
                    seq: entry.seq,
                    now,
                };
                let Some(body) = input::render(target, &event.envelope, &context) else {
                    hits.add(&entry.partition, &rule, hits::FAILED, 1);
                    continue;
                };
                match call_target::call(&self.store, &call, body).await? {
                    Ok(Made::Entry(append)) => batch.appends.push(append),
                    Ok(Made::Outside(invocation)) => batch.puts.push(invocation.row(now)?),
                    Err(failure) => {
                        tracing::warn!(rule = %arn, target = %target.arn, code = failure.code, "A target could not be called");
                        hits.add(&entry.partition, &rule, hits::FAILED, 1);
                        let letter = DeadLetter {
                            id: derived_id(&[
                                "dead",
                                &entry.seq.to_string(),
                                &arn,
                                &target.id,
                                &event.envelope,
                            ]),
                            rule_arn: &arn,
                            account: entry.partition.account(),
                            target,
                            event: &event.envelope,
                            failure: &failure,
                            exhausted: None,
                            now,
                        };
                        let letter = dead_letter(&self.store, &letter).await?;
                        if target.dead_letter_config.is_some() {
                            let metric = if letter.is_some() { hits::TO_DLQ } else { hits::NOT_TO_DLQ };
                            hits.add(&entry.partition, &rule, metric, 1);
                        }
                        batch.appends.extend(letter);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The rules that an event is for.
fn hit(rules: &Rules, incoming: &Incoming, entry: &LogEntry, scratch: &mut Scratch) -> Vec<Arc<RuleRecord>> {
    let event = &incoming.event;
    let is_new = |rule: &&Arc<RuleRecord>| rule.since < entry.seq;
    let matching = |scratch| rules.by_pattern.matching(&event.envelope, scratch).filter(is_new);
    match &event.reach {
        Reach::Rule(name) => rules.by_name.get(name).filter(is_new).cloned().into_iter().collect(),
        Reach::Among(arns) => {
            matching(scratch).filter(|rule| arns.contains(&rule.arn(&entry.partition))).cloned().collect()
        }
        Reach::Matching => matching(scratch)
            .filter(|rule| {
                let asked = rule.state == RuleState::EnabledWithAllCloudTrailManagementEvents;
                asked || !incoming.only_if_asked_for
            })
            .cloned()
            .collect(),
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
            let calls = batch.puts.iter().any(|(kind, ..)| *kind == INVOCATION);
            match self.standing.advance(&self.store, last.seq, batch).await {
                Ok(()) => {
                    if let Some(invoker) = self.invoker.as_ref().filter(|_| calls) {
                        invoker.wake();
                    }
                    Ok(())
                }
                Err(CommitError::Store(error)) => Err(error),
                Err(CommitError::Conflict { kind, .. }) => {
                    Err(StoreError::corrupt(format!("a commit without demands conflicted in {}", kind.0)))
                }
            }
        })
    }

    fn next_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            let scheduled = self.timetable.next_due().await?;
            let archived = self.archivist.next_due(now).await?;
            let called = match &self.invoker {
                Some(invoker) => invoker.next_due(now).await?,
                None => None,
            };
            Ok([scheduled, archived, called].into_iter().flatten().min())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(invoker) = &self.invoker {
                invoker.wake();
            }
            self.timetable.run(now).await?;
            self.archivist.run(now).await
        })
    }

    fn settle(&mut self, now: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(invoker) = &self.invoker {
                invoker.settle(now).await;
            }
        })
    }
}
