//! # Events: the EventBridge part of monitoring
//!
//! **Rules** of the default bus match **events** by pattern and send them to **targets**. Events are CloudTrail
//! records, what services tell in their own form, and what callers put; the [`EventsFollower`] matches them and
//! appends a message for each target that is hit.
//!
//! **Invariants:** an accepted event is durable before the answer; each target of each matching rule gets one message
//! for it. **Not here:** delivering messages (`notify`), other buses, schedules, archives.

mod access;
mod delete_rule;
mod describe_event_bus;
mod describe_rule;
mod disable_rule;
mod enable_rule;
pub(crate) mod envelope;
mod error;
mod follower;
mod input;
mod list_event_buses;
mod list_rule_names_by_target;
mod list_rules;
mod list_tags_for_resource;
mod list_targets_by_rule;
mod put_events;
mod put_rule;
mod put_targets;
mod record;
mod remove_targets;
mod tag_resource;
mod tags;
mod test_event_pattern;
#[cfg(test)]
mod tests;
mod untag_resource;

use keywatch_api::describe::Shape;
use keywatch_api::{Fault, codec::Wire, events::EventsOperation};
use keywatch_iam::Call;

pub use self::{error::EventsError, follower::EventsFollower};

/// The service: its operations need nothing besides the call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events;

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
