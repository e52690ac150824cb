//! Streams as rows.

use jiff::Timestamp;
use keywatch_api::Arn;
use keywatch_api::cloudwatch::alarms::Tag;
use keywatch_api::cloudwatch::streams::{
    MetricStreamFilter, MetricStreamOutputFormat, MetricStreamState, MetricStreamStatisticsConfiguration,
};
use keywatch_store::{Kind, Scan, StoreError, Transaction, Versioned};
use serde::{Deserialize, Serialize};

use crate::cloudwatch::CloudWatchError;

/// Key = account / Region / name.
pub const STREAM: Kind = Kind("cloudwatch.metric-stream");
/// Streams of one account and Region.
pub const STREAMS_MAX: usize = 100;

/// A stream as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    pub account: String,
    pub region: String,
    pub name: String,
    pub include: Option<Vec<MetricStreamFilter>>,
    pub exclude: Option<Vec<MetricStreamFilter>>,
    pub firehose_arn: String,
    pub role_arn: String,
    pub state: MetricStreamState,
    pub format: MetricStreamOutputFormat,
    pub statistics: Option<Vec<MetricStreamStatisticsConfiguration>>,
    pub include_linked: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub tags: Vec<Tag>,
}

impl Versioned for StreamRecord {
    const MARKER: &'static str = "cloudwatch.metric-stream/1";
}

impl StreamRecord {
    pub fn arn(&self) -> String {
        arn(&self.account, &self.region, &self.name)
    }

    /// The name of its delivery stream.
    pub fn firehose(&self) -> &str {
        self.firehose_arn.rsplit('/').next().unwrap_or_default()
    }
}

/// `arn:aws:cloudwatch:us-east-1:111122223333:metric-stream/name`
pub fn arn(account: &str, region: &str, name: &str) -> String {
    Arn::new("cloudwatch", region, account, format!("metric-stream/{name}")).to_string()
}

/// `000000000000/us-east-1/name`
pub fn key(partition: &str, name: &str) -> String {
    format!("{partition}/{name}")
}

/// The streams of an account and Region by their names.
pub(super) async fn streams(
    tx: &mut Transaction<'_>,
    partition: &str,
) -> Result<Vec<StreamRecord>, StoreError> {
    let prefix = key(partition, "");
    let scan = Scan { prefix: &prefix, after: None, limit: STREAMS_MAX };
    Ok(tx.scan::<StreamRecord>(STREAM, scan).await?.into_iter().map(|(_, stream)| stream).collect())
}

/// Refuses names that AWS's pattern leaves out.
pub(super) fn check_name(name: &str) -> Result<(), CloudWatchError> {
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Ok(());
    }
    let text = format!(
        "The value {name} for parameter Name is invalid. It may contain letters, digits, hyphens and underscores."
    );
    Err(CloudWatchError::InvalidParameterValue(text))
}

/// The lines of `StartMetricStreams` and `StopMetricStreams`: streams that are not there are passed over.
pub(super) async fn set_state(
    call: &mut keywatch_iam::Call<'_>,
    action: &str,
    names: &[String],
    state: MetricStreamState,
) -> Result<(), CloudWatchError> {
    let (account, region) = (call.account().to_string(), call.region.to_string());
    for name in names {
        call.authorize_own(action, &arn(&account, &region, name))?;
    }
    let (partition, now) = (call.partition(), call.now);
    for name in names {
        let key = key(partition.as_str(), name);
        if let Some(stream) = call.tx.get::<StreamRecord>(STREAM, &key).await?
            && stream.state != state
        {
            call.tx.put(STREAM, &key, &StreamRecord { state, updated: now, ..stream })?;
        }
    }
    Ok(())
}
