//! # What the server tells of itself
//! Calls are **counted** as they end (`calls`, `key_uses`): a few relaxed atomic adds each. Who asks has the counts **gathered** together
//! with what store, engine, metrics and deliveries tell (`gather`), as a **page** for Prometheus or as a message that is **pushed** to an
//! OpenTelemetry collector. Nothing here waits in a call's way, and what cannot be pushed is dropped and counted.
//! **Invariant:** labels have bounded sets of values: operations are those of the tables, keys are [`key_uses::KEYS_MAX`] and one more.
//! **Not here:** metrics of accounts, which are CloudWatch's (`keywatch_monitor::metrics`).

pub mod calls;
pub mod gather;
pub mod key_uses;
pub mod page;
mod process;
pub mod push;
pub mod push_options;

use std::time::Duration;

use jiff::Timestamp;
use keywatch_api::{OperationInfo, Service};
use keywatch_iam::Notes;

use self::calls::Calls;
use self::key_uses::KeyUses;
use self::push::PushFigures;

/// The counts of a running server.
#[derive(Debug)]
pub struct Telemetry {
    pub calls: Calls,
    pub keys: KeyUses,
    pub push: PushFigures,
    /// When counting began.
    pub started: Timestamp,
}

impl Telemetry {
    pub fn new(started: Timestamp) -> Self {
        Self { calls: Calls::new(), keys: KeyUses::default(), push: PushFigures::default(), started }
    }

    /// Counts a call that has ended; `status` is that of its refusal, `took` how long it was under way.
    pub fn ended(&self, info: &OperationInfo, status: Option<u16>, took: Duration) {
        self.calls.count(info, status, took);
    }

    /// Counts the KMS keys that a call was about.
    pub fn used(&self, info: &OperationInfo, notes: &Notes, failed: bool) {
        if info.service != Service::Kms {
            return;
        }
        let Some(place) = self.calls.place(info) else { return };
        let keys = notes.resources.iter().filter(|resource| resource.arn.contains(":key/"));
        keys.for_each(|key| self.keys.count(&key.arn, place, failed));
    }
}
