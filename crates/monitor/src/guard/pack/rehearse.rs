//! Plays a guard's samples: what CloudTrail would record, through the same patterns, filters, derivations and evaluations that a server
//! applies. Pure: no store, no clock.
//!
//! A guard's samples are a JSON object of `positive` and `negative` lists. A sample has `records`; `until`, when time goes on after the
//! last one; `events` for what is no record; and `fires`, the parts that must fire, where not any will do. `{"repeat": n,
//! "everySeconds": s, "record": …}` stands for n records.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::{cloudwatch::alarms::PutMetricAlarmRequest, shape};
use keywatch_patterns::event::{EventPattern, RuleSet, Scratch};
use keywatch_patterns::filter::FilterPattern;
use keywatch_store::{EntryKind, LogEntry, Partition};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Guard, Part, PartKind};
use crate::alarms::once;
use crate::events::envelope;
use crate::guard::finding::About;
use crate::guard::memory::{Act, Finding, KeyMemory};
use crate::guard::share::shifted;
use crate::guard::sight::Sight;
use crate::metrics::live::apply_entry;
use crate::metrics::series::SeriesStore;

/// Records that one stands for, at most.
const REPEATS_MAX: i64 = 1_000_000;
const HOUR: i64 = 3_600;

/// One played sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The matter happens in it.
    pub positive: bool,
    pub records: usize,
    /// Names of the parts that fired.
    pub fired: Vec<String>,
    /// It came out as it must.
    pub right: bool,
}

/// A sample that cannot be played, or a definition that is refused.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    #[error("the samples of {guard} are not understood")]
    Sample {
        guard: &'static str,
        #[source]
        cause: serde_json::Error,
    },
    #[error("the samples of {guard}: {text}")]
    Record { guard: &'static str, text: String },
    #[error("{part}: {text}")]
    Definition { part: String, text: String },
}

#[derive(Deserialize)]
struct Samples {
    positive: Vec<Sample>,
    negative: Vec<Sample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(default)]
    records: Vec<Value>,
    #[serde(default)]
    events: Vec<Value>,
    until: Option<Timestamp>,
    #[serde(default)]
    fires: Vec<String>,
}

/// Plays all samples of a guard.
pub fn rehearse(guard: &Guard) -> Result<Vec<Played>, RehearsalError> {
    let samples: Samples = serde_json::from_str(guard.samples)
        .map_err(|cause| RehearsalError::Sample { guard: guard.name, cause })?;
    let positive = samples.positive.iter().map(|sample| (true, sample));
    let negative = samples.negative.iter().map(|sample| (false, sample));
    positive.chain(negative).map(|(positive, sample)| play(guard, positive, sample)).collect()
}

fn play(guard: &Guard, positive: bool, sample: &Sample) -> Result<Played, RehearsalError> {
    let wrong = |text: &str| RehearsalError::Record { guard: guard.name, text: text.to_owned() };
    let mut stage = Stage::set(guard)?;
    for record in &sample.records {
        each_of(record, |record| stage.take_in(record))
            .ok_or_else(|| wrong("a record without time, account or Region"))?;
    }
    let until = sample.until.unwrap_or(stage.now);
    stage.let_pass(until);
    for event in &sample.events {
        stage.hear(&event.to_string());
    }
    for part in guard.parts.iter().filter(|part| part.kind == PartKind::Alarm) {
        if stage.is_in_alarm(part, until)? {
            stage.fired.insert(part.name.clone());
        }
    }
    let Stage { fired, records, .. } = stage;
    let right = match (positive, sample.fires.is_empty()) {
        (true, true) => !fired.is_empty(),
        (true, false) => sample.fires.iter().all(|part| fired.contains(part)),
        (false, _) => fired.is_empty(),
    };
    Ok(Played { positive, records, fired: fired.into_iter().collect(), right })
}

/// What the records so far brought about.
struct Stage {
    rules: RuleSet<String>,
    scratch: Scratch,
    filters: Vec<(String, FilterPattern)>,
    fired: BTreeSet<String>,
    now: Timestamp,
    partition: Option<Partition>,
    memories: BTreeMap<String, KeyMemory>,
    series: SeriesStore,
    records: usize,
}

impl Stage {
    fn set(guard: &Guard) -> Result<Self, RehearsalError> {
        let (mut rules, mut filters) = (Vec::new(), Vec::new());
        for part in &guard.parts {
            let wrong = |text: String| RehearsalError::Definition { part: part.name.clone(), text };
            let text = |name: &str| part.definition[name].as_str().unwrap_or_default();
            match part.kind {
                PartKind::Rule => {
                    let pattern = EventPattern::parse(text("EventPattern"));
                    rules.push((part.name.clone(), pattern.map_err(|error| wrong(error.to_string()))?));
                }
                PartKind::Filter => {
                    let pattern = FilterPattern::parse(text("filterPattern"));
                    filters.push((part.name.clone(), pattern.map_err(|error| wrong(error.to_string()))?));
                }
                PartKind::Alarm => {}
            }
        }
        Ok(Self {
            rules: rules.into_iter().collect(),
            scratch: Scratch::default(),
            filters,
            fired: BTreeSet::new(),
            now: Timestamp::UNIX_EPOCH,
            partition: None,
            memories: BTreeMap::new(),
            series: SeriesStore::default(),
            records: 0,
        })
    }

    fn take_in(&mut self, record: &Value) -> Option<()> {
        let text = record.to_string();
        self.now = record["eventTime"].as_str()?.parse().ok()?;
        let partition = Partition::new(record["recipientAccountId"].as_str()?, record["awsRegion"].as_str()?);
        self.partition = Some(partition.clone());
        self.records += 1;
        let entry = LogEntry {
            seq: self.records as u64,
            kind: EntryKind::Record,
            time: self.now,
            partition: partition.clone(),
            bytes: text.clone().into(),
        };
        apply_entry(&mut self.series, &entry, self.now).ok()?;
        for (name, filter) in &self.filters {
            if filter.matches(&text) {
                self.fired.insert(name.clone());
            }
        }
        for event in envelope::from_record(&text).iter().filter(|event| !event.only_if_asked_for) {
            self.hear(&event.envelope);
        }
        if let Some(sight) = Sight::of(text.as_bytes()) {
            self.learn(&sight, &text, &partition);
        }
        Some(())
    }

    /// As the follower learns, without a store.
    fn learn(&mut self, sight: &Sight, text: &str, partition: &Partition) {
        for (index, key) in sight.keys.iter().enumerate() {
            let memory = self.memories.entry(key.clone()).or_insert_with(|| KeyMemory::new(sight.time));
            let mut found = memory.take_in(sight.time, &sight.principal, &sight.act);
            if sight.act == Act::ReEncrypt && index > 0 && sight.keys[0] != *key {
                found.extend(memory.receive(sight.time, &sight.keys[0]));
            }
            let about = About {
                partition,
                key_arn: key,
                record: Some(text.as_bytes()),
                principal: Some(&sight.principal),
                time: sight.time,
                imported: false,
            };
            for found in found {
                self.hear(&found.event(&about).envelope);
            }
        }
    }

    fn hear(&mut self, event: &str) {
        self.fired.extend(self.rules.matching(event, &mut self.scratch).cloned());
    }

    /// What time brings after the last record.
    fn let_pass(&mut self, until: Timestamp) {
        let Some(partition) = self.partition.clone() else { return };
        let hour = (self.now.as_second().div_euclid(HOUR) + 1) * HOUR;
        let mut told = Vec::new();
        for (key, memory) in &mut self.memories {
            let shift = shifted(&self.series, partition.as_str(), key, hour);
            let overdue = memory.tell_overdue(until.as_second());
            let about = About::of_time(&partition, key, until.as_second());
            told.extend(shift.into_iter().chain(overdue).map(|found: Finding| found.event(&about).envelope));
        }
        for event in told {
            self.hear(&event);
        }
    }

    fn is_in_alarm(&self, part: &Part, until: Timestamp) -> Result<bool, RehearsalError> {
        let Some(partition) = &self.partition else { return Ok(false) };
        let wrong = |text: String| RehearsalError::Definition { part: part.name.clone(), text };
        let request = request(part).map_err(wrong)?;
        once::in_alarm(request, partition, &self.series, until).map_err(wrong)
    }
}

fn request(part: &Part) -> Result<PutMetricAlarmRequest, String> {
    let mut definition = part.definition.clone();
    definition["AlarmName"] = json!(part.name);
    let raw = serde_json::from_value(definition).map_err(|error| error.to_string())?;
    shape::check(raw).map_err(|errors| format!("{errors:?}"))
}

/// Calls `take` with the record, or with each one that it stands for.
fn each_of(record: &Value, mut take: impl FnMut(&Value) -> Option<()>) -> Option<()> {
    let Some(times) = record["repeat"].as_i64() else { return take(record) };
    let (every, of) = (record["everySeconds"].as_i64()?, &record["record"]);
    let first: Timestamp = of["eventTime"].as_str()?.parse().ok()?;
    for number in 0..times.min(REPEATS_MAX) {
        let mut one = of.clone();
        let time = first.checked_add(SignedDuration::from_secs(every.checked_mul(number)?)).ok()?;
        one["eventTime"] = json!(time.to_string());
        one["eventID"] = json!(format!("{}-{number}", of["eventID"].as_str().unwrap_or_default()));
        take(&one)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::{Place, guards};
    use super::*;

    #[test]
    fn every_guard_fires_when_it_must_and_only_then() {
        let place = Place { log_groups: vec!["trail".into()] };
        for guard in guards(&place) {
            let played = rehearse(&guard).unwrap();
            for sample in &played {
                assert!(sample.right, "{}: {sample:?}", guard.name);
            }
            assert!(played.iter().any(|sample| sample.positive), "{}", guard.name);
            assert!(played.iter().any(|sample| !sample.positive), "{}", guard.name);
            let fires = |part: &Part| played.iter().any(|sample| sample.fired.contains(&part.name));
            let silent: Vec<_> =
                guard.parts.iter().filter(|part| !fires(part)).map(|part| &part.name).collect();
            // The alarm on a metric filter needs the filter's points, which no record gives by itself; the other quotas
            // differ from the one that is played by their numbers.
            let spared = ["-in-logs", "-symmetric", "-rsa", "-ecc"];
            let is_spared = |name: &&&String| spared.iter().any(|end| name.ends_with(end));
            assert!(silent.iter().all(|name| is_spared(&name)), "never fire: {silent:?}");
        }
    }

    #[test]
    fn samples_that_are_wrong_are_told() {
        let guard = |samples| Guard { samples, ..guards(&Place::default()).remove(0) };
        for samples in ["", "{}", r#"{"positive":[{"records":[{}]}],"negative":[]}"#] {
            assert!(rehearse(&guard(samples)).is_err(), "{samples}");
        }
        let silent = guard(r#"{"positive":[{"records":[]}],"negative":[]}"#);
        assert!(!rehearse(&silent).unwrap()[0].right);
    }
}
