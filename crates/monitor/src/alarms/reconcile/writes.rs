//! What the reconciler has decided to write, and how it is committed: many alarms at once, each only if it is still as it was when it
//! was evaluated.

use jiff::Timestamp;
use keywatch_store::{CommitError, StoreError, Transaction};

use super::AlarmReconciler;
use crate::alarms::{
    alarm::{Alarm, State},
    change,
    contributors::{CONTRIBUTORS, Changed, Contributors},
    hold::{Around, By},
    store::ALARM,
};

/// Alarms that are written in one commit.
const AT_ONCE: usize = 200;

/// A decision about one alarm, made when it had `version`.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: String,
    version: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    State {
        state: State,
        around: Around,
    },
    Contributors {
        state: Option<State>,
        all: Contributors,
        changed: Vec<Changed>,
        around: Around,
        after_mute: bool,
    },
    Hold(By),
    Release {
        after_mute: bool,
    },
}

impl Write {
    pub(super) fn state(key: String, version: u64, state: State, around: Around) -> Self {
        Self { key, version, what: What::State { state, around } }
    }

    /// What an evaluation of an alarm with contributors changed.
    pub(super) fn contributors(
        key: String,
        version: u64,
        state: Option<State>,
        all: Contributors,
        changed: Vec<Changed>,
        around: Around,
    ) -> Self {
        let what = What::Contributors { state, all, changed, around, after_mute: false };
        Self { key, version, what }
    }

    /// Contributors whose changes a window held back until now.
    pub(super) fn tell_contributors(
        key: String,
        version: u64,
        all: Contributors,
        changed: Vec<Changed>,
    ) -> Self {
        let around = Around::default();
        Self {
            key,
            version,
            what: What::Contributors { state: None, all, changed, around, after_mute: true },
        }
    }

    pub(super) fn hold(key: String, version: u64, by: By) -> Self {
        Self { key, version, what: What::Hold(by) }
    }

    pub(super) fn release(key: String, version: u64, after_mute: bool) -> Self {
        Self { key, version, what: What::Release { after_mute } }
    }

    /// Puts the decision into a transaction, unless the alarm is another than was decided about.
    async fn apply(&self, tx: &mut Transaction<'_>, now: Timestamp) -> Result<(), StoreError> {
        let Some(alarm) = tx.get::<Alarm>(ALARM, &self.key).await? else { return Ok(()) };
        if tx.reads.get(&(ALARM, self.key.clone())) != Some(&Some(self.version)) {
            return Ok(());
        }
        let from = alarm.state.value;
        match &self.what {
            What::State { state, around } => {
                told(&alarm, from.as_str(), state.value.as_str());
                change::write(tx, alarm, state.clone(), around, now)
            }
            What::Contributors { state, all, changed, around, after_mute } => {
                // The row of the alarm is written with its contributors, so that it is read again with them.
                let state = state.clone().unwrap_or_else(|| alarm.state.clone());
                told(&alarm, from.as_str(), state.value.as_str());
                tx.put(CONTRIBUTORS, &self.key, all)?;
                change::write(tx, alarm.clone(), state.clone(), around, now)?;
                let alarm = Alarm { state, ..alarm };
                for one in changed {
                    change::write_contributor(tx, &alarm, one, around, *after_mute, now)?;
                }
                Ok(())
            }
            What::Hold(by) => change::hold_on(tx, alarm, by.clone()),
            What::Release { after_mute } => change::release(tx, alarm, *after_mute, now),
        }
    }
}

fn told(alarm: &Alarm, from: &'static str, to: &'static str) {
    if from != to {
        let name = &alarm.name;
        tracing::info!(alarm.name = name, from, to, "Alarm `{name}` went from {from} to {to}");
    }
}

impl AlarmReconciler {
    /// Writes decisions. An alarm that changed meanwhile is left alone: it is read again and evaluated anew.
    pub(super) async fn commit(&mut self, writes: Vec<Write>, now: Timestamp) -> Result<(), StoreError> {
        for some in writes.chunks(AT_ONCE) {
            if !self.commit_together(some, now).await? {
                for one in some {
                    self.commit_together(std::slice::from_ref(one), now).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether it was committed; if not, one of the alarms changed at the same moment.
    async fn commit_together(&self, writes: &[Write], now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = Transaction::new(&self.store);
        for write in writes {
            write.apply(&mut tx, now).await?;
        }
        match tx.commit().await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}
