//! # A change of state, and all that follows from it
//! One place writes a change, whoever decided it: the alarm's row, its history, an event for the bus, and a message for each
//! topic among the actions of the new state.
//! **Invariant:** all of it is in one transaction, so a change is told exactly once.
//! **Not here:** the decision (`evaluate.rs`), delivery (`crate::notify`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use keywatch_api::cloudwatch::HistoryItemType;
use keywatch_store::{Partition, StoreError, Transaction};
use uuid::Uuid;

use super::{
    alarm::{Alarm, State},
    event,
    history::{ActionOutcome, state_change},
    store::{ALARM, HISTORY, HistoryItem, alarm_key, history_key, state_summary},
    texts::Change,
};
use crate::entry::{Body, Event, Message, Target};

/// Why an action was not executed.
const NOT_SUPPORTED: &str = "Actions of this kind are not supported";

/// Gives `alarm` a new state. A state with the same value only replaces reason and times; a new value is told.
pub fn write(
    tx: &mut Transaction<'_>,
    mut alarm: Alarm,
    new: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let old = std::mem::replace(&mut alarm.state, new);
    let partition = alarm.partition();
    tx.put(ALARM, &alarm_key(&partition, &alarm.name), &alarm)?;
    if old.value == alarm.state.value {
        return Ok(());
    }
    let summary = state_summary(old.value, alarm.state.value);
    add_history(tx, &alarm, HistoryItemType::StateUpdate, summary, state_change(&old, &alarm.state), now)?;
    let change = Change { alarm: &alarm, old: &old, at: now };
    let place = Partition::new(&alarm.account, &alarm.region);
    tx.append(
        Event { envelope: event::state_change_envelope(&change, Uuid::new_v4(), Uuid::new_v4()) }
            .append(place, now),
    );
    if alarm.config.actions_enabled {
        for action in alarm.actions(alarm.state.value) {
            act(tx, &change, action, now)?;
        }
    }
    Ok(())
}

/// Adds an item to an alarm's history.
pub fn add_history(
    tx: &mut Transaction<'_>,
    alarm: &Alarm,
    kind: HistoryItemType,
    summary: String,
    data: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let item = HistoryItem { alarm: alarm.name.clone(), at: now, kind, summary, data };
    tx.put(HISTORY, &history_key(&alarm.partition(), now, kind, Uuid::new_v4()), &item)
}

fn act(
    tx: &mut Transaction<'_>,
    change: &Change<'_>,
    action: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let alarm = change.alarm;
    let state_updated_at = alarm.state.updated_at;
    let body = change.structured();
    let outcome = if action.starts_with("arn:aws:sns:") {
        let message = Message {
            target: Target::Topic(action.to_owned()),
            id: Uuid::new_v4().to_string(),
            subject: Some(change.subject()),
            body: body.clone(),
            by_protocol: true,
            attributes: BTreeMap::new(),
        };
        tx.append(message.append(Partition::new(&alarm.account, &alarm.region), now));
        ActionOutcome { action, state_updated_at, published: Some(&body), error: None }
    } else {
        ActionOutcome { action, state_updated_at, published: None, error: Some(NOT_SUPPORTED) }
    };
    add_history(tx, alarm, HistoryItemType::Action, outcome.summary(), outcome.data(), now)
}
