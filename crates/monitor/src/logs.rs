//! # Logs: the CloudWatch Logs part of monitoring
//!
//! A **group** has **streams** of **events**, and **metric filters** that turn new events into metric points. Putting
//! events appends them to the trail; the [`LogsFollower`] files them into their stream as **chunks** and runs the
//! filters. CloudTrail records reach a group by the same road when a trail names one.
//!
//! **Invariants:** an accepted event is durable before the answer; it is filed, and counted by each filter, exactly
//! once; events of a stream are read in the order of their time, then of their arrival. **Not here:** metrics, trails.

mod access;
mod chunk;
mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod delete_metric_filter;
mod delete_retention_policy;
mod describe_log_groups;
mod describe_log_streams;
mod describe_metric_filters;
mod error;
mod filter_log_events;
mod follower;
mod get_log_events;
mod list_tags_for_resource;
mod list_tags_log_group;
mod merge;
mod metric_filter;
mod put_log_events;
mod put_metric_filter;
mod put_retention_policy;
mod record;
mod sweep;
mod tag_log_group;
mod tag_resource;
mod tags;
mod test_metric_filter;
#[cfg(test)]
mod tests;
mod untag_log_group;
mod untag_resource;

use std::time::Duration;

use keywatch_api::describe::Shape;
use keywatch_api::{Fault, codec::Wire, logs::LogsOperation};
use keywatch_iam::Call;
use keywatch_store::{Partition, Store, StoreError};

pub(crate) use self::access::group_of_arn;
pub use self::{error::LogsError, follower::LogsFollower};
use crate::engine::EngineHandle;

/// A query waits this long for events that were put before it; then its answer is merely older.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(2);

/// The service: what its operations need besides the call.
#[derive(Clone, Debug)]
pub struct Logs {
    engine: EngineHandle,
}

impl Logs {
    pub fn new(engine: EngineHandle) -> Self {
        Self { engine }
    }

    /// Lets queries see what was put before them.
    async fn catch_up(&self) {
        if !self.engine.caught_up(CAUGHT_UP_WITHIN).await {
            tracing::debug!("A query of log events did not wait for the follower any longer");
        }
    }
}

/// Whether there is a group of that name.
pub(crate) async fn group_exists(store: &Store, home: &Partition, group: &str) -> Result<bool, StoreError> {
    Ok(store.get(record::GROUP, &record::group_key(home, group)).await?.is_some())
}

/// Makes a group as tests of other services need it.
#[cfg(test)]
pub(crate) async fn make_group(store: &Store, name: &str) {
    let home = Partition::new(crate::rehearsal::ACCOUNT, crate::rehearsal::REGION);
    let group = record::GroupRecord {
        id: name.to_owned(),
        name: name.to_owned(),
        created: "2026-09-14T11:00:00Z".parse().unwrap(),
        class: keywatch_api::logs::LogGroupClass::Standard,
        retention_days: None,
        kms_key_id: None,
        deletion_protection: false,
        tags: Default::default(),
        since: 0,
    };
    let put = (record::GROUP, record::group_key(&home, name), keywatch_store::encode(&group).unwrap());
    store.commit(keywatch_store::Batch { puts: vec![put], ..Default::default() }).await.unwrap();
}

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: LogsOperation) -> Option<Shape> {
    keywatch_api::logs_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Runs one operation. Constraint violations are `InvalidParameterException` in this service.
pub async fn dispatch(
    op: LogsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    service: &Logs,
) -> Result<Vec<u8>, Fault> {
    run(op, wire, call, service).await.map_err(|fault| match fault.message.as_deref() {
        Some(text) if fault.code == "ValidationException" && text.contains(" detected: ") => {
            Fault { code: "InvalidParameterException".into(), query_code: None, ..fault }
        }
        _ => fault,
    })
}

async fn run(
    op: LogsOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    service: &Logs,
) -> Result<Vec<u8>, Fault> {
    keywatch_api::logs_operations!(keywatch_api::dispatch, op, wire, call, service, unsupported)
}

fn unsupported(name: &str) -> Fault {
    Fault::new("UnknownOperationException", 400, format!("The operation {name} is not supported."))
}
