//! The CloudTrail service: its handle and its dispatch.

use jiff::SignedDuration;
use keywatch_api::cloudtrail::CloudTrailOperation;
use keywatch_api::codec::Wire;
use keywatch_api::describe::Shape;
use keywatch_api::{Fault, cloudtrail_operations};
use keywatch_history::History;
use keywatch_iam::Call;

use super::{
    add_tags, create_trail, delete_trail, describe_trails, get_event_selectors, get_trail, get_trail_status,
    list_public_keys, list_tags, list_trails, lookup_events, put_event_selectors, remove_tags, start_logging,
    stop_logging, update_trail,
};

/// What CloudTrail's operations may touch besides their call.
#[derive(Clone, Debug)]
pub struct Trails {
    pub(crate) history: History,
    /// How far back `LookupEvents` shows our own records.
    pub(crate) lookup_age_max: SignedDuration,
}

impl Trails {
    pub fn new(history: History, lookup_age_max: SignedDuration) -> Self {
        Trails { history, lookup_age_max }
    }
}

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: CloudTrailOperation) -> Option<Shape> {
    keywatch_api::cloudtrail_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Runs one operation of the table.
pub async fn dispatch(
    operation: CloudTrailOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    trails: &Trails,
) -> Result<Vec<u8>, Fault> {
    cloudtrail_operations!(keywatch_api::dispatch, operation, wire, call, trails, unsupported)
}

fn unsupported(operation: &str) -> Fault {
    Fault::new("UnsupportedOperationException", 400, format!("{operation} is not supported."))
}
