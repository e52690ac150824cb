//! What mails show of an alarm: its metric until the change with the threshold, as `GetMetricWidgetImage` draws it, and who uses the
//! key it is about.
//! **Not here:** the mail (`crate::notify`), who knows about keys (a crate above this one).

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywatch_chart::{Chart, png};
use keywatch_iam::slow::Pool;
use keywatch_store::{Store, StoreError, decode};
use serde_json::json;

use super::{
    definition::Definition,
    get_metric_widget_image::{Asked, answered, draw_alarm},
};
use crate::{
    alarms::{
        alarm::Alarm,
        config::MetricRule,
        store::{ALARM, alarm_key},
    },
    cloudwatch::CloudWatchError,
    detectors::Trainer,
    entry::AlarmNotice,
    metrics::live::LiveSeries,
    notify::illustration::{Illustrate, Illustration},
};

const WIDTH: u32 = 592;
const HEIGHT: u32 = 280;
/// A picture shows at least the last hours before the change, and several times what the alarm looked at.
const SHOWN_MIN: SignedDuration = SignedDuration::from_hours(3);
const SHOWN_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
const LOOKS_SHOWN: i32 = 4;

/// What is known about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AboutKey {
    /// Without their `alias/`.
    pub aliases: Vec<String>,
    /// Who used it most on the day before, with the number of calls.
    pub users: Vec<(String, u64)>,
}

/// Knows about keys.
pub trait KeyFacts: fmt::Debug + Send + Sync {
    /// The key as an account knows it, at a time.
    fn about<'a>(&'a self, account: &'a str, key_arn: &'a str, at: Timestamp) -> BoxFuture<'a, AboutKey>;
}

/// Illustrates mails from the metrics of this server.
#[derive(Debug)]
pub struct Illustrator {
    store: Store,
    live: Arc<LiveSeries>,
    keys: Arc<dyn KeyFacts>,
    /// Painting takes milliseconds.
    painters: Pool,
    trainer: Trainer,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum NoPicture {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("its metric could not be read: {0:?}")]
    Metric(CloudWatchError),
    #[error("it could not be painted: {0}")]
    Painting(String),
}

impl Illustrator {
    pub fn new(store: Store, live: Arc<LiveSeries>, keys: Arc<dyn KeyFacts>) -> Self {
        Self { store, live, keys, painters: Pool::for_generation(), trainer: Trainer::new() }
    }

    /// The metric of an alarm; none of composite alarms and of alarms that are gone.
    async fn picture(&self, notice: &AlarmNotice) -> Result<Option<Vec<u8>>, NoPicture> {
        let key = alarm_key(&format!("{}/{}", notice.account, notice.region), &notice.name);
        let Some(row) = self.store.get(ALARM, &key).await? else { return Ok(None) };
        let alarm: Alarm = decode(&row.bytes)?;
        if alarm.config.metric().is_none() {
            return Ok(None);
        }
        self.live.catch_up(notice.at).await?;
        let chart = self.chart(&alarm, notice.at).await.map_err(NoPicture::Metric)?;
        match self.painters.run(move || png(&chart)).await {
            Ok(Ok(picture)) => Ok(Some(picture)),
            Ok(Err(error)) => Err(NoPicture::Painting(error.to_string())),
            Err(error) => Err(NoPicture::Painting(error.to_string())),
        }
    }

    async fn chart(&self, alarm: &Alarm, at: Timestamp) -> Result<Chart, CloudWatchError> {
        // The period that made the alarm change may still run.
        let end = at + alarm.config.metric().map_or(SignedDuration::ZERO, period);
        let widget = json!({
            "width": WIDTH,
            "height": HEIGHT,
            "start": (end - shown(alarm)).to_string(),
            "end": end.to_string(),
            "annotations": { "alarms": [alarm.arn()] },
        });
        let mut definition = Definition::read(&widget.to_string(), at)?;
        draw_alarm(&mut definition, alarm, at)?;
        let asked = Asked { store: &self.store, live: &self.live, trainer: &self.trainer };
        answered(&asked, (&alarm.account, &alarm.region), definition, at).await
    }
}

fn period(rule: &MetricRule) -> SignedDuration {
    SignedDuration::from_secs(rule.period().into())
}

/// How much of the past a picture shows.
fn shown(alarm: &Alarm) -> SignedDuration {
    let look =
        |rule: &MetricRule| period(rule).saturating_mul(rule.evaluation_periods.saturating_mul(LOOKS_SHOWN));
    alarm.config.metric().map_or(SHOWN_MIN, look).clamp(SHOWN_MIN, SHOWN_MAX)
}

impl Illustrate for Illustrator {
    fn illustrate<'a>(&'a self, notice: &'a AlarmNotice) -> BoxFuture<'a, Illustration> {
        Box::pin(async move {
            let about = async {
                match &notice.key_arn {
                    Some(key) => self.keys.about(&notice.account, key, notice.at).await,
                    None => AboutKey::default(),
                }
            };
            let (picture, AboutKey { aliases, users }) = tokio::join!(self.picture(notice), about);
            let picture = picture.unwrap_or_else(|error| {
                tracing::warn!(alarm = %notice.name, %error, "A mail goes without the picture of its alarm");
                None
            });
            Illustration { picture, aliases, users }
        })
    }
}
