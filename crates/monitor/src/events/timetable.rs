//! The timetable: when which rule goes off, and the events that are sent then
//!
//! A row is keyed by the moment it is due. Going off is one commit: the event is appended, the row goes, and the row of the next
//! time comes; so a restart neither repeats nor leaves out a time. **Catching up:** times that passed while the server was down are
//! made up, in their order and each with its own time, as far back as a day; older ones are left out.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use keywatch_iam::Call;
use keywatch_store::{
    Batch, CommitError, Expect, Kind, Partition, Row, Scan, Store, StoreError, Versioned, decode, encode,
};
use serde::{Deserialize, Serialize};

use super::{
    envelope::{Head, derived_id},
    error::EventsError,
    record::{RULE, RuleRecord, RuleSchedule, rule_key},
    schedule::Schedule,
};
use crate::{
    entry::{Body, Event, Reach},
    notify::{due_of, moment},
};

/// `moment/entry`
const TIMETABLE: Kind = Kind("events.timetable");
/// Events that are older would be given up on their way at once.
const CATCH_UP: SignedDuration = SignedDuration::from_hours(24);
const ROWS_AT_ONCE: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct TimetableRow {
    /// The row key of the rule.
    rule: String,
    account: String,
    region: String,
    /// As in [`RuleSchedule`]: a row of another one is left over.
    entry: String,
}

impl Versioned for TimetableRow {
    const MARKER: &'static str = "events.timetable/1";
}

fn key(due: Timestamp, entry: &str) -> String {
    format!("{}/{entry}", moment(due))
}

/// Gives a rule the schedule it is to have, and its row when it is enabled. A schedule that stays as it is goes on in its rhythm.
pub(super) fn enter(
    call: &mut Call<'_>,
    rule: &mut RuleRecord,
    expression: Option<String>,
) -> Result<(), EventsError> {
    let Some(expression) = expression else {
        rule.schedule = None;
        return Ok(());
    };
    let schedule = Schedule::parse(&expression)
        .ok_or_else(|| EventsError::invalid("Parameter ScheduleExpression is not valid."))?;
    let before = rule.schedule.take().filter(|before| before.expression == expression);
    let mut entry = before.and_then(|before| before.entry);
    if !rule.is_enabled() {
        entry = None;
    } else if entry.is_none() {
        let fresh = call.origin.event_id.to_owned();
        if let Some(due) = schedule.after(call.now) {
            let partition = call.partition();
            let row = TimetableRow {
                rule: rule_key(&partition, &rule.bus, &rule.name),
                account: partition.account().to_owned(),
                region: partition.region().to_owned(),
                entry: fresh.clone(),
            };
            call.tx.put(TIMETABLE, &key(due, &fresh), &row)?;
        }
        entry = Some(fresh);
    }
    rule.schedule = Some(RuleSchedule { expression, entry });
    Ok(())
}

/// What is due first; read again when the timetable changed.
#[derive(Debug)]
pub(super) struct Timetable {
    store: Store,
    first: Option<(u64, Option<Timestamp>)>,
}

impl Timetable {
    pub(super) fn new(store: Store) -> Self {
        Self { store, first: None }
    }

    pub(super) async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let generation = self.store.generation(TIMETABLE);
        match self.first {
            Some((known, due)) if known == generation => Ok(due),
            _ => {
                let rows = self.store.scan(TIMETABLE, Scan { prefix: "", after: None, limit: 1 }).await?;
                let due = rows.first().and_then(|row| due_of(&row.key));
                self.first = Some((generation, due));
                Ok(due)
            }
        }
    }

    /// Lets everything go off that is due.
    pub(super) async fn run(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let scan = Scan { prefix: "", after: None, limit: ROWS_AT_ONCE };
            let rows = self.store.scan(TIMETABLE, scan).await?;
            let due: Vec<Row> =
                rows.into_iter().take_while(|row| due_of(&row.key).is_some_and(|due| due <= now)).collect();
            if due.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            for row in due {
                self.go_off(row, now, &mut batch).await?;
            }
            match self.store.commit(batch).await {
                // A row that changed meanwhile is looked at again in the next turn.
                Ok(_) | Err(CommitError::Conflict { .. }) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
    }

    async fn go_off(&self, row: Row, now: Timestamp, batch: &mut Batch) -> Result<(), StoreError> {
        let entry: TimetableRow = decode(&row.bytes)?;
        let due = due_of(&row.key).ok_or_else(|| StoreError::corrupt("the key of a timetable's row"))?;
        batch.checks.push((TIMETABLE, row.key.clone(), Expect::Version(row.version)));
        batch.deletes.push((TIMETABLE, row.key));
        let Some(rule) = self.store.get(RULE, &entry.rule).await? else { return Ok(()) };
        let rule: RuleRecord = decode(&rule.bytes)?;
        let Some(current) = rule.schedule.as_ref().filter(|it| it.entry.as_ref() == Some(&entry.entry))
        else {
            return Ok(());
        };
        let Some(schedule) = Schedule::parse(&current.expression) else {
            return Err(StoreError::corrupt(format!("the schedule of rule `{}`", rule.name)));
        };
        let oldest = now - CATCH_UP;
        let next = if due < oldest {
            schedule.not_before(oldest, due)
        } else {
            let partition = Partition::new(&entry.account, &entry.region);
            batch.appends.push(scheduled(&rule, &partition, due).append(partition, now));
            schedule.after(due)
        };
        if let Some(next) = next {
            batch.puts.push((TIMETABLE, key(next, &entry.entry), encode(&entry)?));
        }
        Ok(())
    }
}

/// The event of a schedule, for its rule alone.
fn scheduled(rule: &RuleRecord, partition: &Partition, due: Timestamp) -> Event {
    let arn = rule.arn(partition);
    let time = due.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let head = Head {
        id: derived_id(&[&arn, &time]),
        detail_type: "Scheduled Event",
        source: "aws.events",
        account: partition.account(),
        time: &time,
        region: partition.region(),
    };
    let envelope = head.envelope(&[&arn], "{}");
    Event { reach: Reach::Rule(rule.name.clone()), ..Event::on_default_bus(envelope) }
}
