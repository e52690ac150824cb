//! # A change of state, and all that follows from it
//! One place writes a change, whoever decided it: the alarm's row, its history, an event for the bus, and a message for each
//! topic or function among the actions of the new state, unless something holds them back (`hold.rs`). Of an alarm that has
//! contributors the contributors act, not the alarm.
//! **Invariant:** all of it is in one transaction, so a change is told exactly once.
//! **Not here:** the decision (`evaluate.rs`), delivery (`crate::notify`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::cloudwatch::{HistoryItemType, StateValue, metrics::Dimension};
use keywatch_store::{Partition, StoreError, Transaction};
use uuid::Uuid;

use super::{
    alarm::{Alarm, State},
    config::Subject,
    contributors::Changed,
    event::{self, Ids},
    history::{ActionOutcome, Configured, state_change},
    hold::{Around, By, Held, on_change},
    store::{ALARM, ContributorRef, HISTORY, HistoryItem, alarm_key, history_key, state_summary},
    texts::Change,
};
use crate::entry::{AlarmNotice, Body, Event, Message, Target};

/// Why an action was not executed.
const NOT_SUPPORTED: &str = "Actions of this kind are not supported";
/// The dimension of metrics that are a key's.
const KEY_DIMENSION: &str = "KeyArn";

/// Gives `alarm` a new state. A state with the same value only replaces reason and times; a new value is told.
pub fn write(
    tx: &mut Transaction<'_>,
    mut alarm: Alarm,
    new: State,
    around: &Around,
    now: Timestamp,
) -> Result<(), StoreError> {
    let old = std::mem::replace(&mut alarm.state, new);
    let key = alarm_key(&alarm.partition(), &alarm.name);
    if old.value == alarm.state.value {
        return tx.put(ALARM, &key, &alarm);
    }
    let acts = alarm.config.actions_enabled && !alarm.config.has_contributors();
    let suppressor = alarm.config.composite().and_then(|rule| rule.suppressor.as_ref());
    // A change that was held back so far is overtaken by this one.
    alarm.held = match on_change(suppressor, around, now) {
        Some(by) if acts => Some(Held { from: old.clone(), by }),
        _ => None,
    };
    tx.put(ALARM, &key, &alarm)?;
    let summary = state_summary(old.value, alarm.state.value);
    let data = state_change(&old, &alarm.state);
    add_history(tx, &alarm, None, (HistoryItemType::StateUpdate, summary, data), now)?;
    let change = Change { muted: around.muted.as_ref(), ..Change::of(&alarm, &old, now) };
    tell(tx, &change);
    if acts && alarm.held.is_none() { act(tx, &change, now) } else { Ok(()) }
}

/// Executes the actions of the state that an alarm is in, which were held back until now.
pub fn release(
    tx: &mut Transaction<'_>,
    mut alarm: Alarm,
    after_mute: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(held) = alarm.held.take() else { return Ok(()) };
    tx.put(ALARM, &alarm_key(&alarm.partition(), &alarm.name), &alarm)?;
    if !alarm.config.actions_enabled {
        return Ok(());
    }
    act(tx, &Change { after_mute, ..Change::of(&alarm, &held.from, now) }, now)
}

/// Something else holds the actions of a change back now.
pub fn hold_on(tx: &mut Transaction<'_>, mut alarm: Alarm, by: By) -> Result<(), StoreError> {
    if let Some(held) = &mut alarm.held {
        held.by = by;
    }
    tx.put(ALARM, &alarm_key(&alarm.partition(), &alarm.name), &alarm)
}

/// Writes what follows from a contributor's change; its row is the caller's.
pub fn write_contributor(
    tx: &mut Transaction<'_>,
    alarm: &Alarm,
    changed: &Changed,
    around: &Around,
    after_mute: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let reference = changed.reference();
    let one = &changed.contributor;
    let before = if one.value == StateValue::Alarm { StateValue::Ok } else { StateValue::Alarm };
    let new = State {
        value: one.value,
        reason: one.reason.clone(),
        reason_data: one.reason_data.clone(),
        updated_at: one.transitioned_at,
        transitioned_at: one.transitioned_at,
        evaluation: None,
    };
    let old = State { value: before, reason: String::new(), reason_data: None, ..new.clone() };
    let change = Change {
        new: &new,
        contributor: Some(&reference),
        muted: around.muted.as_ref(),
        after_mute,
        ..Change::of(alarm, &old, now)
    };
    // A change that a window held back was told to the bus and to history when it happened.
    if !after_mute {
        let item = (
            HistoryItemType::AlarmContributorStateUpdate,
            state_summary(before, one.value),
            state_change(&old, &new),
        );
        add_history(tx, alarm, Some(&reference), item, now)?;
        tell(tx, &change);
    }
    if alarm.config.actions_enabled && changed.told { act(tx, &change, now) } else { Ok(()) }
}

/// Tells of a configuration that was put, changed or deleted.
pub fn configured(
    tx: &mut Transaction<'_>,
    alarm: &Alarm,
    previous: Option<&Alarm>,
    what: Configured,
    now: Timestamp,
) -> Result<(), StoreError> {
    let item = (HistoryItemType::ConfigurationUpdate, what.summary(&alarm.name), what.data(alarm));
    add_history(tx, alarm, None, item, now)?;
    let envelope = event::configuration_change(alarm, previous, what, now, Ids::new());
    tx.append(Event::on_default_bus(envelope).append(Partition::new(&alarm.account, &alarm.region), now));
    Ok(())
}

fn tell(tx: &mut Transaction<'_>, change: &Change<'_>) {
    let place = Partition::new(&change.alarm.account, &change.alarm.region);
    let event = Event::on_default_bus(event::state_change(change, Ids::new()));
    tx.append(event.append(place, change.at));
}

/// Adds an item, its kind, summary and data, to an alarm's history.
fn add_history(
    tx: &mut Transaction<'_>,
    alarm: &Alarm,
    contributor: Option<&ContributorRef>,
    (kind, summary, data): (HistoryItemType, String, String),
    now: Timestamp,
) -> Result<(), StoreError> {
    let item = HistoryItem {
        alarm: alarm.name.clone(),
        alarm_type: alarm.alarm_type(),
        contributor: contributor.cloned(),
        at: now,
        kind,
        summary,
        data,
    };
    tx.put(HISTORY, &history_key(&alarm.partition(), now, kind, Uuid::new_v4()), &item)
}

/// Hands every action of the new state to the notifier.
fn act(tx: &mut Transaction<'_>, change: &Change<'_>, now: Timestamp) -> Result<(), StoreError> {
    for action in change.alarm.config.actions(change.new.value) {
        let message = message(change, action);
        let published = message.as_ref().map(|message| message.body.clone());
        let outcome = ActionOutcome {
            action,
            state_updated_at: change.new.updated_at,
            published: published.as_deref(),
            error: if message.is_none() { Some(NOT_SUPPORTED) } else { None },
            mute_ended_at: change.after_mute.then_some(now),
        };
        if let Some(message) = &message {
            tx.append(message.append(Partition::new(&change.alarm.account, &change.alarm.region), now));
        }
        let kind = match change.contributor {
            None => HistoryItemType::Action,
            Some(_) => HistoryItemType::AlarmContributorAction,
        };
        add_history(tx, change.alarm, change.contributor, (kind, outcome.summary(), outcome.data()), now)?;
    }
    Ok(())
}

/// What an action sends; none where nobody here takes such an action.
fn message(change: &Change<'_>, action: &str) -> Option<Message> {
    let service = action.split(':').nth(2)?;
    let (target, subject, body, by_protocol) = match service {
        "sns" => (Target::Topic(action.to_owned()), Some(change.subject()), change.structured(), true),
        "lambda" => {
            (Target::Elsewhere(action.to_owned()), None, event::invocation(change, Ids::new()), false)
        }
        "autoscaling" => (Target::Elsewhere(action.to_owned()), Some(change.subject()), change.json(), false),
        _ => return None,
    };
    Some(Message {
        target,
        id: Uuid::new_v4().to_string(),
        subject,
        body,
        by_protocol,
        order: None,
        rule: None,
        alarm: Some(Box::new(notice(change))),
        attributes: BTreeMap::new(),
    })
}

/// What mails show of a change besides its text.
fn notice(change: &Change<'_>) -> AlarmNotice {
    let Alarm { account, region, name, config, .. } = change.alarm;
    AlarmNotice {
        account: account.clone(),
        region: region.clone(),
        name: name.clone(),
        description: config.description.clone(),
        state: change.new.value,
        previous: change.old.value,
        reason: change.new.reason.clone(),
        at: change.at,
        key_arn: watched_key(change).map(str::to_owned),
    }
}

/// The key whose metric is watched, where it is one key's: that of the contributor, or of the first metric that has one.
fn watched_key<'c>(change: &Change<'c>) -> Option<&'c str> {
    if let Some(contributor) = change.contributor {
        return contributor.attributes.get(KEY_DIMENSION).map(String::as_str);
    }
    let of = |dimensions: &'c [Dimension]| {
        dimensions.iter().find(|one| one.name == KEY_DIMENSION).map(|one| one.value.as_str())
    };
    match &change.alarm.config.metric()?.subject {
        Subject::Metric(metric) => of(&metric.dimensions),
        Subject::Queries(queries) => {
            let metrics = queries.metrics.iter().filter_map(|query| query.metric_stat.as_ref());
            metrics.filter_map(|stat| of(stat.metric.dimensions.as_deref()?)).next()
        }
    }
}
