//! The follower: records into memory, findings into events. What a run remembers and tells is committed with the position.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use keywatch_store::{
    Batch, CommitError, EntryKind, Kind, LogEntry, Partition, Scan, Seq, Store, StoreError, decode, encode,
};

use super::finding::About;
use super::memory::{Act, Finding, KeyMemory};
use super::share::shifted;
use super::sight::Sight;
use crate::engine::{Follower, Standing};
use crate::entry::Body;
use crate::metrics::{live::LiveSeries, series::SeriesStore};
use crate::trail::import::reaches_rules;

const NAME: &str = "guard";
/// Memories, by account and Region and the key's ARN.
const KEY: Kind = Kind("guard.key");
/// Keys whose rotation falls due, by the second: `0000001790000000/<row of the memory>`.
const ROTATION: Kind = Kind("guard.rotation");
/// Memories held at once; all are forgotten when there are more.
const HELD_MAX: usize = 20_000;
const HOUR: i64 = 3_600;
/// Keys whose hour is looked at.
const ACTIVE_MAX: usize = 20_000;
/// Keys told of at once.
const DUE_AT_ONCE: usize = 500;

/// See the module.
#[derive(Debug)]
pub struct GuardFollower {
    store: Store,
    standing: Standing,
    /// Memories as they are stored, by their rows; none where there is no row.
    held: HashMap<String, Option<KeyMemory>>,
    /// The first row of [`ROTATION`], read again when the kind changed.
    first_due: Option<(u64, Option<i64>)>,
    series: Arc<LiveSeries>,
    /// Rows of keys that were used since the hour was looked at last, and when it is looked at next.
    active: BTreeSet<String>,
    look: Option<Timestamp>,
}

/// What a run changes.
#[derive(Default)]
struct Changes {
    /// As they were before.
    before: HashMap<String, Option<KeyMemory>>,
    batch: Batch,
}

impl GuardFollower {
    /// Resumes where the store says it stopped.
    pub async fn open(store: Store, series: Arc<LiveSeries>) -> Result<Self, StoreError> {
        let standing = Standing::open(&store, NAME).await?;
        Ok(Self {
            store,
            standing,
            held: HashMap::new(),
            first_due: None,
            series,
            active: BTreeSet::new(),
            look: None,
        })
    }

    async fn take_in(&mut self, entries: &[LogEntry], now: Timestamp) -> Result<Batch, StoreError> {
        let mut changes = Changes::default();
        for entry in entries {
            let imported = match entry.kind {
                EntryKind::Record => false,
                EntryKind::ImportedRecord => true,
                _ => continue,
            };
            let Some(sight) = Sight::of(&entry.bytes) else { continue };
            let speaks = !imported || reaches_rules(entry.time, now);
            for (index, key) in sight.keys.iter().enumerate() {
                let row = format!("{}/{key}", entry.partition);
                let mut found = self.learn(&row, &sight, &mut changes).await?;
                if speaks && sight.act == Act::Use {
                    self.watch(&row, now);
                }
                if sight.act == Act::ReEncrypt && index > 0 && sight.keys[0] != *key {
                    found.extend(self.receive(&row, &sight, &mut changes).await?);
                }
                if !speaks {
                    continue;
                }
                let about = About {
                    partition: &entry.partition,
                    key_arn: key,
                    record: Some(&entry.bytes),
                    principal: Some(&sight.principal),
                    time: sight.time,
                    imported,
                };
                let events = found.iter().map(|found| found.event(&about));
                changes.batch.appends.extend(events.map(|event| event.append(entry.partition.clone(), now)));
            }
        }
        self.rows(changes)
    }

    /// The key's hour is looked at when it is over.
    fn watch(&mut self, row: &str, now: Timestamp) {
        if self.active.len() < ACTIVE_MAX && !self.active.contains(row) {
            self.active.insert(row.to_owned());
            let hour = now.as_second().div_euclid(HOUR) + 1;
            self.look = self.look.or(Timestamp::from_second(hour * HOUR).ok());
        }
    }

    /// Tells of keys whose share of decrypting shifted.
    async fn compare(&mut self, now: Timestamp) -> Result<Batch, StoreError> {
        let mut changes = Changes::default();
        let seconds = now.as_second();
        for row in std::mem::take(&mut self.active) {
            let Some((partition, key_arn)) = parts_of(&row) else { continue };
            let look = |series: &SeriesStore| shifted(series, partition.as_str(), key_arn, seconds);
            let Some(found) = self.series.read(look).await? else { continue };
            let held = self.hold(&row).await?;
            let Some(memory) = held else { continue };
            let before = memory.clone();
            if memory.tell_shift(seconds) {
                changes.before.entry(row.clone()).or_insert(Some(before));
                let about = About::of_time(&partition, key_arn, seconds);
                changes.batch.appends.push(found.event(&about).append(partition.clone(), now));
            }
        }
        self.look = None;
        self.rows(changes)
    }

    /// Takes an act into the memory of a key.
    async fn learn(
        &mut self,
        row: &str,
        sight: &Sight,
        changes: &mut Changes,
    ) -> Result<Vec<Finding>, StoreError> {
        let held = self.hold(row).await?;
        if sight.act == Act::Gone {
            let before = held.take();
            changes.before.entry(row.to_owned()).or_insert(before);
            return Ok(Vec::new());
        }
        let mut memory = held.clone().unwrap_or_else(|| KeyMemory::new(sight.time));
        let found = memory.take_in(sight.time, &sight.principal, &sight.act);
        if held.as_ref() != Some(&memory) {
            let before = held.replace(memory);
            changes.before.entry(row.to_owned()).or_insert(before);
        }
        Ok(found)
    }

    async fn receive(
        &mut self,
        row: &str,
        sight: &Sight,
        changes: &mut Changes,
    ) -> Result<Option<Finding>, StoreError> {
        let held = self.hold(row).await?;
        let Some(memory) = held else { return Ok(None) };
        let before = memory.clone();
        let found = memory.receive(sight.time, &sight.keys[0]);
        if *memory != before {
            changes.before.entry(row.to_owned()).or_insert(Some(before));
        }
        Ok(found)
    }

    async fn hold(&mut self, row: &str) -> Result<&mut Option<KeyMemory>, StoreError> {
        if !self.held.contains_key(row) {
            let stored = self.store.get(KEY, row).await?;
            let memory = stored.map(|stored| decode(&stored.bytes)).transpose()?;
            self.held.insert(row.to_owned(), memory);
        }
        Ok(self.held.entry(row.to_owned()).or_default())
    }

    /// The rows that changed memories are, and those that say when they fall due.
    fn rows(&self, changes: Changes) -> Result<Batch, StoreError> {
        let Changes { before, mut batch } = changes;
        for (row, before) in before {
            let after = self.held.get(&row).and_then(Option::as_ref);
            let was_due = before.as_ref().and_then(KeyMemory::rotation_due);
            let due = after.and_then(KeyMemory::rotation_due);
            if was_due != due {
                batch.deletes.extend(was_due.map(|due| (ROTATION, due_row(due, &row))));
                batch.puts.extend(due.map(|due| (ROTATION, due_row(due, &row), bytes::Bytes::new())));
            }
            match after {
                Some(memory) => batch.puts.push((KEY, row, encode(memory)?)),
                None if before.is_some() => batch.deletes.push((KEY, row)),
                None => {}
            }
        }
        Ok(batch)
    }

    /// Commits what was learned up to `position`; what is held is as stored, or forgotten.
    async fn finish(&mut self, position: Seq, done: Result<Batch, StoreError>) -> Result<(), StoreError> {
        let done = match done {
            Ok(batch) => self.standing.advance(&self.store, position, batch).await,
            Err(error) => Err(error.into()),
        };
        if done.is_err() || self.held.len() > HELD_MAX {
            self.held.clear();
        }
        match done {
            Ok(()) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
            Err(conflict) => Err(StoreError::corrupt(conflict.to_string())),
        }
    }

    async fn due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let generation = self.store.generation(ROTATION);
        if self.first_due.is_none_or(|(known, _)| known != generation) {
            let rows = self.store.scan(ROTATION, Scan { prefix: "", after: None, limit: 1 }).await?;
            let first = rows.first().and_then(|row| due_of(&row.key)).map(|(due, _)| due);
            self.first_due = Some((generation, first));
        }
        Ok(self.first_due.and_then(|(_, due)| Timestamp::from_second(due?).ok()))
    }

    /// Tells of keys whose rotation is overdue.
    async fn tell(&mut self, now: Timestamp) -> Result<Batch, StoreError> {
        let seconds = now.as_second();
        let rows = self.store.scan(ROTATION, Scan { prefix: "", after: None, limit: DUE_AT_ONCE }).await?;
        let mut changes = Changes::default();
        for row in &rows {
            let Some((due, memory_row)) = due_of(&row.key) else {
                return Err(StoreError::corrupt(format!("the row {} of rotations", row.key)));
            };
            if due > seconds {
                break;
            }
            let held = self.hold(memory_row).await?;
            let Some(memory) = held else {
                changes.batch.deletes.push((ROTATION, row.key.clone()));
                continue;
            };
            let before = memory.clone();
            let found = memory.tell_overdue(seconds);
            changes.before.entry(memory_row.to_owned()).or_insert(Some(before));
            let (Some(found), Some((partition, key_arn))) = (found, parts_of(memory_row)) else { continue };
            let about = About::of_time(&partition, key_arn, seconds);
            changes.batch.appends.push(found.event(&about).append(partition.clone(), now));
        }
        self.rows(changes)
    }
}

fn due_row(due: i64, row: &str) -> String {
    format!("{:016}/{row}", due.max(0))
}

fn due_of(key: &str) -> Option<(i64, &str)> {
    let (due, row) = key.split_once('/')?;
    Some((due.parse().ok()?, row))
}

/// `account/region/arn`
fn parts_of(row: &str) -> Option<(Partition, &str)> {
    let mut parts = row.splitn(3, '/');
    let (account, region, arn) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Partition::new(account, region), arn))
}

impl Follower for GuardFollower {
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
            let learned = self.take_in(entries, now).await;
            self.finish(last.seq, learned).await
        })
    }

    fn next_due(&mut self, _now: Timestamp) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async {
            let rotation = self.due().await?;
            Ok(rotation.into_iter().chain(self.look).min())
        })
    }

    fn run_due(&mut self, now: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            if self.look.is_some_and(|look| look <= now) {
                let compared = self.compare(now).await;
                self.finish(self.standing.position(), compared).await?;
            }
            let told = self.tell(now).await;
            self.finish(self.standing.position(), told).await
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;
    use crate::entry::Event;
    use crate::metrics::follower::MetricsFollower;
    use crate::rehearsal::Rehearsal;

    const KEY_ARN: &str = "arn:aws:kms:us-east-1:000000000000:key/k";
    const DAY: i64 = 24;

    fn record(world: &Rehearsal, name: &str, user: &str, more: Value) -> Value {
        let mut record = json!({"eventSource": "kms.amazonaws.com", "eventName": name, "eventTime": world.now().to_string(),
            "eventID": format!("{name}-{user}-{}", world.now()), "recipientAccountId": "000000000000",
            "eventType": "AwsApiCall", "awsRegion": "us-east-1", "resources": [{"ARN": KEY_ARN}],
            "userIdentity": {"arn": user, "accountId": "000000000000"}});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record
    }

    async fn watched_world() -> Rehearsal {
        Rehearsal::begin(async |store| {
            let series = LiveSeries::load(&store).await?;
            let metrics = MetricsFollower::new(store.clone(), series.clone(), Timestamp::UNIX_EPOCH);
            Ok(vec![Box::new(metrics) as _, Box::new(GuardFollower::open(store, series).await?) as _])
        })
        .await
    }

    async fn told(world: &Rehearsal) -> Vec<String> {
        let entries = world.entries(EntryKind::Event).await;
        let text = |entry: &LogEntry| {
            let event: Value = serde_json::from_str(&Event::read(entry).unwrap().envelope).unwrap();
            let (kind, detail) = (event["detail-type"].as_str().unwrap().to_owned(), &event["detail"]);
            match kind.as_str() {
                "Key First Used By Principal" => format!("{kind}: {}", detail["principal"].as_str().unwrap()),
                "Key Used After Silence" => format!("{kind}: {}", detail["silentDays"]),
                "Key Policy Changed" => format!("{kind}: {}", detail["summary"].as_str().unwrap()),
                _ => kind,
            }
        };
        entries.iter().map(text).collect()
    }

    #[tokio::test]
    async fn records_become_events_and_time_does() {
        let world = watched_world().await;
        let made = json!({"keyMetadata": {"keySpec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS"}});
        world.record(&record(&world, "CreateKey", "a", json!({"responseElements": made}))).await;
        for _ in 0..3 {
            world.record(&record(&world, "Encrypt", "a", json!({}))).await;
        }
        assert_eq!(told(&world).await, ["Key First Used By Principal: a"]);
        world.advance(SignedDuration::from_hours(40 * DAY)).await;
        world.record(&record(&world, "Decrypt", "b", json!({}))).await;
        let policy = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"b"},"Action":"kms:Decrypt"}}"#;
        let asked = json!({"requestParameters": {"policy": policy}});
        world.record(&record(&world, "PutKeyPolicy", "a", asked)).await;
        let want = [
            "Key Used After Silence: 40",
            "Key First Used By Principal: b",
            "Key Policy Changed: b gained kms:Decrypt; arn:aws:iam::000000000000:root lost kms:*",
        ];
        assert_eq!(told(&world).await[1..], want);
        world.advance(SignedDuration::from_hours(331 * DAY)).await;
        assert_eq!(told(&world).await.len(), 4);
        world.advance(SignedDuration::from_hours(2 * DAY)).await;
        assert_eq!(told(&world).await[4..], ["Key Rotation Overdue"]);
        world.advance(SignedDuration::from_hours(31 * DAY)).await;
        assert_eq!(told(&world).await[5..], ["Key Rotation Overdue"]);
        world.record(&record(&world, "DeleteKey", "a", json!({"eventType": "AwsServiceEvent"}))).await;
        world.settle().await;
        assert!(world.store.scan(KEY, Scan { prefix: "", after: None, limit: 9 }).await.unwrap().is_empty());
        assert!(
            world.store.scan(ROTATION, Scan { prefix: "", after: None, limit: 9 }).await.unwrap().is_empty()
        );
    }

    #[tokio::test]
    async fn a_key_that_is_suddenly_only_read_is_told_of_once() {
        let world = watched_world().await;
        for _ in 0..4 {
            for number in 0..60 {
                let name = if number % 3 == 0 { "Decrypt" } else { "Encrypt" };
                world.record(&record(&world, name, "a", json!({}))).await;
            }
            world.settle().await;
            world.advance(SignedDuration::from_hours(1)).await;
        }
        assert_eq!(told(&world).await.len(), 1);
        for _ in 0..2 {
            for _ in 0..60 {
                world.record(&record(&world, "Decrypt", "a", json!({}))).await;
            }
            world.settle().await;
            world.advance(SignedDuration::from_hours(1)).await;
        }
        assert_eq!(told(&world).await[1..], ["Key Decrypt Share Shifted"]);
    }

    #[tokio::test]
    async fn a_restart_tells_nothing_twice_and_forgets_nothing() {
        let world = Rehearsal::begin(async |_| Ok(Vec::new())).await;
        let mut told = 0;
        for user in ["a", "b", "a", "c"] {
            world.record(&record(&world, "Decrypt", user, json!({}))).await;
            let series = LiveSeries::load(&world.store).await.unwrap();
            let mut follower = GuardFollower::open(world.store.clone(), series).await.unwrap();
            let new = world.store.read_log(follower.position(), 1 << 20).await.unwrap();
            follower.follow(&new, world.now()).await.unwrap();
            let all = world.store.read_log(0, 1 << 20).await.unwrap();
            told = all.iter().filter(|entry| entry.kind == EntryKind::Event).count();
        }
        assert_eq!(told, 3);
    }
}
