//! The archivist: takes events into archives, lets them expire, and replays them
//!
//! What is taken in is committed with the follower's position: an archive neither lacks nor repeats an event. A replay goes on where
//! its row says it stopped, for each step is one commit with the events it sends. **Expiry** is looked after by the hour.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::{events::ReplayState, record_form::push_json_string};
use keywatch_patterns::event::{EventPattern, RuleSet, Scratch};
use keywatch_store::{
    Batch, CommitError, Expect, LogEntry, Partition, Row, Scan, Store, StoreError, decode, encode,
};

use super::archive::{
    ARCHIVE, ARCHIVED, ArchiveRecord, ArchivedEvent, GARBAGE, REPLAY, ReplayRecord, TOTALS, Totals,
    UNDER_WAY, archived_from, archived_key, came,
};
use crate::entry::{Body, Event, Reach};

const HOUR: i64 = 3_600;
/// Rows in one step.
const ROWS_AT_ONCE: usize = 500;

/// See the module.
#[derive(Debug)]
pub(super) struct Archivist {
    store: Store,
    archives: Vec<(Partition, Arc<ArchiveRecord>)>,
    by_bus: HashMap<(Partition, String), Arc<Archives>>,
    generation: Option<u64>,
    /// When the oldest event of an archive came, by the archive's id.
    oldest: HashMap<String, Timestamp>,
    /// Whether replays or garbage wait, read again when their rows changed.
    waiting: Option<((u64, u64), bool)>,
    scratch: Scratch,
}

/// The archives of a bus.
#[derive(Debug, Default)]
struct Archives {
    of_everything: Vec<Arc<ArchiveRecord>>,
    by_pattern: Option<RuleSet<Arc<ArchiveRecord>>>,
}

/// What a run takes in, until it is committed.
#[derive(Debug, Default)]
pub(super) struct TakenIn(BTreeMap<String, Totals>);

impl Archivist {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            archives: Vec::new(),
            by_bus: HashMap::new(),
            generation: None,
            oldest: HashMap::new(),
            waiting: None,
            scratch: Scratch::default(),
        }
    }

    /// Whether the archives changed since they were read.
    pub(super) fn is_stale(&self) -> bool {
        self.generation != Some(self.store.generation(ARCHIVE))
    }

    /// Reads the archives anew.
    pub(super) async fn refresh(&mut self) -> Result<(), StoreError> {
        let generation = self.store.generation(ARCHIVE);
        self.archives.clear();
        self.by_bus.clear();
        let mut oldest = HashMap::new();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
            let rows = self.store.scan(ARCHIVE, scan).await?;
            for row in &rows {
                let archive: Arc<ArchiveRecord> = Arc::new(decode(&row.bytes)?);
                let mut parts = row.key.split('/');
                let (account, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                if let Some(first) = self.first(&archive.id).await? {
                    oldest.insert(archive.id.clone(), first);
                }
                self.archives.push((Partition::new(account, region), archive));
            }
            match rows.into_iter().nth(ROWS_AT_ONCE - 1) {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
        self.oldest = oldest;
        self.generation = Some(generation);
        Ok(())
    }

    /// When the oldest event of an archive came.
    async fn first(&self, id: &str) -> Result<Option<Timestamp>, StoreError> {
        let prefix = format!("{id}/");
        let rows = self.store.scan(ARCHIVED, Scan { prefix: &prefix, after: None, limit: 1 }).await?;
        Ok(rows.first().and_then(|row| came(&row.key)))
    }

    /// Whether a bus has archives.
    pub(super) fn has_archives(&self, partition: &Partition, bus: &str) -> bool {
        self.archives.iter().any(|(home, archive)| home == partition && archive.bus == bus)
    }

    /// Takes an event into the archives of its bus; `index` is its number among those of the entry.
    pub(super) fn take(
        &mut self,
        entry: &LogEntry,
        index: usize,
        (bus, envelope): (&str, &str),
        taken: &mut TakenIn,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        if !self.has_archives(&entry.partition, bus) {
            return Ok(());
        }
        let archives = self.of_bus(&entry.partition, bus)?;
        let scratch = &mut self.scratch;
        let matching =
            archives.by_pattern.as_ref().map(|set| set.matching(envelope, scratch)).into_iter().flatten();
        for archive in archives.of_everything.iter().chain(matching).filter(|one| one.since < entry.seq) {
            let event = ArchivedEvent { envelope: envelope.to_owned() };
            let key = archived_key(&archive.id, entry.time, entry.seq, index);
            batch.puts.push((ARCHIVED, key, encode(&event)?));
            let totals = taken.0.entry(archive.id.clone()).or_default();
            totals.events += 1;
            totals.bytes += envelope.len() as u64;
            let oldest = self.oldest.entry(archive.id.clone()).or_insert(entry.time);
            *oldest = (*oldest).min(entry.time);
        }
        Ok(())
    }

    fn of_bus(&mut self, partition: &Partition, bus: &str) -> Result<Arc<Archives>, StoreError> {
        let place = (partition.clone(), bus.to_owned());
        if let Some(archives) = self.by_bus.get(&place) {
            return Ok(Arc::clone(archives));
        }
        let mut archives = Archives::default();
        let mut patterns = Vec::new();
        for (_, archive) in
            self.archives.iter().filter(|(home, archive)| home == partition && archive.bus == bus)
        {
            match &archive.event_pattern {
                None => archives.of_everything.push(Arc::clone(archive)),
                Some(pattern) => {
                    let pattern = EventPattern::parse(pattern).map_err(|_| {
                        StoreError::corrupt(format!("the pattern of archive `{}`", archive.name))
                    })?;
                    patterns.push((Arc::clone(archive), pattern));
                }
            }
        }
        archives.by_pattern = (!patterns.is_empty()).then(|| patterns.into_iter().collect());
        let archives = Arc::new(archives);
        self.by_bus.insert(place, Arc::clone(&archives));
        Ok(archives)
    }

    /// Adds what was taken in to what the archives hold.
    pub(super) async fn count(&self, taken: TakenIn, batch: &mut Batch) -> Result<(), StoreError> {
        for (id, more) in taken.0 {
            let mut totals = self.totals(&id).await?;
            totals.events += more.events;
            totals.bytes += more.bytes;
            batch.puts.push((TOTALS, id, encode(&totals)?));
        }
        Ok(())
    }

    async fn totals(&self, id: &str) -> Result<Totals, StoreError> {
        let row = self.store.get(TOTALS, id).await?;
        Ok(row.map(|row| decode(&row.bytes)).transpose()?.unwrap_or_default())
    }

    /// When something is due: a replay or garbage at once, expiry by the hour.
    pub(super) async fn next_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        if self.is_stale() {
            self.refresh().await?;
        }
        let generations = (self.store.generation(UNDER_WAY), self.store.generation(GARBAGE));
        let waits = match self.waiting {
            Some((known, waits)) if known == generations => waits,
            _ => {
                let one = Scan { prefix: "", after: None, limit: 1 };
                let waits = !self.store.scan(UNDER_WAY, one).await?.is_empty()
                    || !self.store.scan(GARBAGE, one).await?.is_empty();
                self.waiting = Some((generations, waits));
                waits
            }
        };
        if waits {
            return Ok(Some(now));
        }
        Ok(self.archives.iter().filter_map(|(_, archive)| self.expiry(archive)).min())
    }

    /// The whole hour by which the oldest event of an archive has expired.
    fn expiry(&self, archive: &ArchiveRecord) -> Option<Timestamp> {
        let kept = kept(archive)?;
        let expires = self.oldest.get(&archive.id)?.checked_add(kept).ok()?.as_second();
        Timestamp::from_second((expires.div_euclid(HOUR) + 1) * HOUR).ok()
    }

    /// Does a step of what is due.
    pub(super) async fn run(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let scan = Scan { prefix: "", after: None, limit: ROWS_AT_ONCE };
        for row in self.store.scan(UNDER_WAY, scan).await? {
            self.replay(&row.key, now).await?;
        }
        for row in self.store.scan(GARBAGE, scan).await? {
            self.clear(row).await?;
        }
        let due: Vec<Arc<ArchiveRecord>> = self
            .archives
            .iter()
            .filter(|(_, archive)| self.expiry(archive).is_some_and(|due| due <= now))
            .map(|(_, archive)| Arc::clone(archive))
            .collect();
        for archive in due {
            self.expire(&archive, now).await?;
        }
        Ok(())
    }

    /// Removes the events of an archive that are older than it keeps them.
    async fn expire(&mut self, archive: &ArchiveRecord, now: Timestamp) -> Result<(), StoreError> {
        let Some(kept) = kept(archive) else { return Ok(()) };
        let prefix = format!("{}/", archive.id);
        loop {
            let rows =
                self.store.scan(ARCHIVED, Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE }).await?;
            let expired: Vec<&Row> =
                rows.iter().take_while(|row| came(&row.key).is_some_and(|came| came + kept <= now)).collect();
            let more = expired.len() == ROWS_AT_ONCE;
            let mut totals = self.totals(&archive.id).await?;
            let mut batch = Batch::default();
            for row in expired {
                let event: ArchivedEvent = decode(&row.bytes)?;
                totals.events = totals.events.saturating_sub(1);
                totals.bytes = totals.bytes.saturating_sub(event.envelope.len() as u64);
                batch.deletes.push((ARCHIVED, row.key.clone()));
            }
            if !batch.deletes.is_empty() {
                batch.puts.push((TOTALS, archive.id.clone(), encode(&totals)?));
                commit(&self.store, batch).await?;
            }
            if !more {
                break;
            }
        }
        match self.first(&archive.id).await? {
            Some(first) => self.oldest.insert(archive.id.clone(), first),
            None => self.oldest.remove(&archive.id),
        };
        Ok(())
    }

    /// Removes a part of what a deleted archive left behind, and the mark with the last one.
    async fn clear(&self, mark: Row) -> Result<(), StoreError> {
        let prefix = format!("{}/", mark.key);
        let scan = Scan { prefix: &prefix, after: None, limit: ROWS_AT_ONCE };
        let rows = self.store.scan(ARCHIVED, scan).await?;
        let mut batch = Batch::default();
        if rows.len() < ROWS_AT_ONCE {
            batch.deletes.push((TOTALS, mark.key.clone()));
            batch.deletes.push((GARBAGE, mark.key));
        }
        batch.deletes.extend(rows.into_iter().map(|row| (ARCHIVED, row.key)));
        commit(&self.store, batch).await
    }

    /// One step of a replay.
    async fn replay(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        let Some(row) = self.store.get(REPLAY, key).await? else {
            return commit(&self.store, done(key)).await;
        };
        let mut replay: ReplayRecord = decode(&row.bytes)?;
        let mut batch = Batch::default();
        batch.checks.push((REPLAY, key.to_owned(), Expect::Version(row.version)));
        let is_there = self.archives.iter().any(|(_, archive)| archive.id == replay.archive_id);
        let end = |replay: &mut ReplayRecord, state: ReplayState, batch: &mut Batch| {
            replay.state = state;
            replay.ended = Some(now);
            batch.deletes.push((UNDER_WAY, key.to_owned()));
        };
        if replay.state == ReplayState::Cancelling {
            end(&mut replay, ReplayState::Cancelled, &mut batch);
        } else if !is_there {
            replay.reason = Some("The archive was deleted.".to_owned());
            end(&mut replay, ReplayState::Failed, &mut batch);
        } else if self.send(key, &mut replay, now, &mut batch).await? {
            end(&mut replay, ReplayState::Completed, &mut batch);
        } else {
            replay.state = ReplayState::Running;
        }
        batch.puts.push((REPLAY, key.to_owned(), encode(&replay)?));
        match self.store.commit(batch).await {
            // Cancelled meanwhile: looked at again in the next step.
            Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// Sends some of the events that are left; tells whether these were the last ones.
    async fn send(
        &self,
        key: &str,
        replay: &mut ReplayRecord,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<bool, StoreError> {
        let prefix = format!("{}/", replay.archive_id);
        let begin = archived_from(&replay.archive_id, replay.from);
        let after = replay.cursor.clone().unwrap_or(begin);
        let scan = Scan { prefix: &prefix, after: Some(&after), limit: ROWS_AT_ONCE };
        let rows = self.store.scan(ARCHIVED, scan).await?;
        let mut parts = key.split('/');
        let home = Partition::new(parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut last = rows.len() < ROWS_AT_ONCE;
        for row in rows {
            let Some(came) = came(&row.key).filter(|came| *came < replay.to) else {
                last = true;
                break;
            };
            let archived: ArchivedEvent = decode(&row.bytes)?;
            let reach = replay.destination.filter_arns.clone().filter(|arns| !arns.is_empty());
            let event = Event {
                envelope: with_name(&archived.envelope, &replay.name),
                bus: Some(replay.bus.clone()),
                reach: reach.map_or(Reach::Matching, Reach::Among),
                path: Vec::new(),
                replayed: true,
            };
            batch.appends.push(event.append(home.clone(), now));
            replay.last_replayed = Some(came);
            replay.cursor = Some(row.key);
        }
        Ok(last)
    }
}

fn kept(archive: &ArchiveRecord) -> Option<SignedDuration> {
    (archive.retention_days > 0).then(|| SignedDuration::from_hours(24 * i64::from(archive.retention_days)))
}

fn done(key: &str) -> Batch {
    Batch { deletes: vec![(UNDER_WAY, key.to_owned())], ..Batch::default() }
}

/// Commits what demands nothing.
async fn commit(store: &Store, batch: Batch) -> Result<(), StoreError> {
    match store.commit(batch).await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// A replayed event names its replay.
fn with_name(envelope: &str, replay: &str) -> String {
    let mut text = envelope.strip_suffix('}').unwrap_or(envelope).to_owned();
    text.push_str(",\"replay-name\":");
    push_json_string(&mut text, replay);
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replayed_events_name_their_replay() {
        assert_eq!(
            with_name(r#"{"id":"i","detail":{}}"#, "r"),
            r#"{"id":"i","detail":{},"replay-name":"r"}"#
        );
    }
}
