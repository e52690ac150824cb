//! # CloudWatch: the service in front of metrics and alarms
//! One table of operations reaches handlers in [`crate::metrics`] and [`crate::alarms`], whatever the protocol was.
//! **Not here:** what happens later to what was put (`metrics::follower`, `alarms::reconcile`).

mod error;
mod list_tags_for_resource;
mod tag_resource;
pub(crate) mod tagged;
mod untag_resource;

use std::{sync::Arc, time::Duration};

use keywatch_api::describe::Shape;
use keywatch_api::{Fault, cloudwatch::CloudWatchOperation, codec::Wire};
use keywatch_iam::{Call, slow::Pool};

pub use error::CloudWatchError;

use crate::{
    alarms::{
        delete_alarm_mute_rule, delete_alarms, describe_alarm_contributors, describe_alarm_history,
        describe_alarms, describe_alarms_for_metric, disable_alarm_actions, enable_alarm_actions,
        get_alarm_mute_rule, list_alarm_mute_rules, put_alarm_mute_rule, put_composite_alarm,
        put_metric_alarm, set_alarm_state,
    },
    dashboards::{delete_dashboards, get_dashboard, list_dashboards, put_dashboard},
    detectors::{Trainer, delete_anomaly_detector, describe_anomaly_detectors, put_anomaly_detector},
    engine::EngineHandle,
    metrics::{get_metric_data, get_metric_statistics, list_metrics, live::LiveSeries, put_metric_data},
    widget_image::get_metric_widget_image,
};

/// Queries wait this long for metric filters and the like to take in what was written before; then they answer with less.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(2);

/// What the handlers share.
#[derive(Debug)]
pub struct CloudWatch {
    pub(crate) live: Arc<LiveSeries>,
    engine: Option<EngineHandle>,
    /// Painting takes milliseconds.
    pub(crate) painters: Pool,
    pub(crate) trainer: Trainer,
}

impl CloudWatch {
    /// Without an engine queries see records and points that are in the log, but nothing that other followers make of it.
    pub fn new(live: Arc<LiveSeries>, engine: Option<EngineHandle>) -> Self {
        Self { live, engine, painters: Pool::for_generation(), trainer: Trainer::new() }
    }

    /// How many metrics there are, of all accounts and Regions.
    pub fn series_count(&self) -> usize {
        self.live.look(|series| series.len())
    }

    /// Brings the series up to the head of the log: queries read their own writes.
    pub(crate) async fn catch_up(&self, call: &Call<'_>) -> Result<(), CloudWatchError> {
        if let Some(engine) = &self.engine
            && !engine.caught_up(CAUGHT_UP_WITHIN).await
        {
            tracing::warn!("A metrics query is answered before every follower caught up");
        }
        Ok(self.live.catch_up(call.now).await?)
    }
}

/// What the request of an operation accepts; `None` where it is not built.
pub fn request_shape(op: CloudWatchOperation) -> Option<Shape> {
    keywatch_api::cloudwatch_operations!(keywatch_api::request_shapes, op, keywatch_iam::request_shape_of)
}

/// Decodes a request, runs its handler, encodes the answer.
pub async fn dispatch(
    op: CloudWatchOperation,
    wire: &Wire<'_>,
    call: &mut Call<'_>,
    service: &CloudWatch,
) -> Result<Vec<u8>, Fault> {
    // The one operation whose answer may be no text of the protocol: the picture itself.
    if op == CloudWatchOperation::GetMetricWidgetImage {
        let request = wire.decode()?;
        call.notes.note_request(&request);
        let is_raw = get_metric_widget_image::is_raw(&request);
        let answer = get_metric_widget_image::get_metric_widget_image(call, service, request)
            .await
            .map_err(Fault::from_error)?;
        return Ok(if is_raw { answer.metric_widget_image.0 } else { wire.encode(&answer) });
    }
    keywatch_api::cloudwatch_operations!(keywatch_api::dispatch, op, wire, call, service, unsupported)
}

/// AWS's answer for an operation it does not know.
fn unsupported(name: &'static str) -> Fault {
    Fault::new("UnknownOperationException", 400, format!("The operation {name} is not built in Keywatch."))
        .with_query_code("InvalidAction")
}

#[cfg(test)]
mod tests;
