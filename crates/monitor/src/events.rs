//! # Events: the EventBridge part of monitoring
//!
//! **Rules** of a **bus** match its **events** by pattern, or go off by a schedule, and call their **targets**. Events are
//! CloudTrail records and what services tell in their own form, both on the default bus, and what callers put; the
//! [`EventsFollower`] matches them and appends to the log what each target that is hit is sent.
//!
//! **Archives** keep the events of a bus, which **replays** send again. **API destinations** are targets outside, which an [`Invoker`]
//! calls with what a **connection** authorises.
//!
//! **Invariants:** an accepted event is durable before the answer; each target of each matching rule is called once for it; a
//! schedule neither repeats nor leaves out a time. **Not here:** delivering messages (`notify`).

mod access;
mod api_destination;
mod archive;
mod archivist;
mod authorization;
mod call_target;
mod cancel_replay;
mod connection;
mod create_api_destination;
mod create_archive;
mod create_connection;
mod create_event_bus;
mod dead_letter;
mod deauthorize_connection;
mod delete_api_destination;
mod delete_archive;
mod delete_connection;
mod delete_event_bus;
mod delete_rule;
mod describe_api_destination;
mod describe_archive;
mod describe_connection;
mod describe_event_bus;
mod describe_replay;
mod describe_rule;
mod destination_call;
mod disable_rule;
mod enable_rule;
pub(crate) mod envelope;
mod error;
mod follower;
mod hits;
mod input;
mod invocation;
mod invoker;
mod list_api_destinations;
mod list_archives;
mod list_connections;
mod list_event_buses;
mod list_replays;
mod list_rule_names_by_target;
mod list_rules;
mod list_tags_for_resource;
mod list_targets_by_rule;
mod oauth;
mod policy;
mod put_events;
mod put_permission;
mod put_rule;
mod put_targets;
mod record;
mod remove_permission;
mod remove_targets;
mod schedule;
mod start_replay;
mod tag_resource;
mod tags;
mod test_event_pattern;
#[cfg(test)]
mod tests;
mod timetable;
mod untag_resource;
mod update_api_destination;
mod update_archive;
mod update_connection;
mod update_event_bus;

use std::sync::Arc;

use keywatch_api::describe::Shape;
use keywatch_api::{Fault, codec::Wire, events::EventsOperation};
use keywatch_crypto::RootKeyring;
use keywatch_iam::Call;

pub use self::{
    error::EventsError,
    follower::EventsFollower,
    invoker::{Invoker, NoClient},
};

/// The service.
#[derive(Clone, Debug)]
pub struct Events {
    /// Seals what connections authorise with.
    keyring: Arc<RootKeyring>,
}

impl Events {
    pub fn new(keyring: Arc<RootKeyring>) -> Self {
        Self { keyring }
    }
}

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: EventsOperation) -> Option<Shape> {
    keywatch_api::events_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Runs one operation.
pub async fn dispatch(
    op: EventsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    service: &Events,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::events_operations!(keywatch_api::dispatch, op, wire, call, service, unsupported)
}

fn unsupported(name: &str) -> Fault {
    Fault::new("UnknownOperationException", 400, format!("The operation {name} is not supported."))
}
