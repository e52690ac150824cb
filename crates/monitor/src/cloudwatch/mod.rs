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
    metric_streams::{
        MetricStreams, delete_metric_stream, get_metric_stream, list_metric_streams, put_metric_stream,
        start_metric_streams, stop_metric_streams,
    },
    metrics::{
        get_metric_data, get_metric_statistics, list_metrics,
        live::LiveSeries,
        put_metric_data, query,
        tags::{LendTags, Tags},
    },
    widget_image::get_metric_widget_image,
};

/// Queries wait this long for metric filters and the like to take in what was written before; then they answer with less.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(2);

/// What the handlers share.
#[derive(Debug)]
pub struct CloudWatch {
    pub(crate) live: Arc<LiveSeries>,
    engine: Option<EngineHandle>,
    /// What metric streams lead to.
    pub(crate) streams: Option<MetricStreams>,
    tags: Option<Arc<dyn LendTags>>,
    /// Painting takes milliseconds.
    pub(crate) painters: Pool,
    pub(crate) trainer: Trainer,
}

impl CloudWatch {
    /// Without an engine queries see records and points that are in the log, but nothing that other followers make of it.
    pub fn new(live: Arc<LiveSeries>, engine: Option<EngineHandle>) -> Self {
        Self {
            live,
            engine,
            streams: None,
            tags: None,
            painters: Pool::for_generation(),
            trainer: Trainer::new(),
        }
    }

    /// Metric streams can be put.
    pub fn with_streams(self, streams: MetricStreams) -> Self {
        Self { streams: Some(streams), ..self }
    }

    /// Metrics Insights may ask for the tags of resources.
    pub fn with_tags(self, tags: Arc<dyn LendTags>) -> Self {
        Self { tags: Some(tags), ..self }
    }

    /// The tags that queries of an account and Region ask for; none where they ask for none.
    pub(crate) async fn lent_tags(
        &self,
        account: &str,
        region: &str,
        queries: &[query::Checked<'_>],
    ) -> Result<Tags, CloudWatchError> {
        match &self.tags {
            Some(tags) if query::ask_tags(queries) => Ok(tags.lend(account, region).await?),
            _ => Ok(Tags::default()),
        }
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
