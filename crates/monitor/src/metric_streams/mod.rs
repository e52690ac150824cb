//! # Metric streams: points leave as they come
//! A **stream** of an account and Region picks metrics by its filters and sends what each had in a minute to a **delivery stream** of
//! Firehose, of which there are none here: the configuration says where each one leads (`destination`). The **follower** notes which
//! metrics the log's entries **touch**, reads their minutes from the series once those have ended, and stores **batches**. The
//! **deliverer** of each destination takes batches away once they have arrived.
//! **Invariants:** at least once, over crashes: the follower's position never passes an entry whose minute is not stored in a batch, and a
//! batch is there until its destination has it. A minute that gets late points is sent again, whole. Batches that wait are bounded.
//! **Not here:** what a record adds to which metric (`metrics::derive`).
//!
//! Source: CloudWatch User Guide, "Use metric streams"; Firehose Developer Guide, HTTP endpoint delivery.

mod batch;
mod bucket;
pub(crate) mod delete_metric_stream;
mod deliverer;
pub mod destination;
mod endpoint;
mod filter;
mod follower;
mod format;
pub(crate) mod get_metric_stream;
pub(crate) mod list_metric_streams;
pub(crate) mod put_metric_stream;
pub(crate) mod record;
pub(crate) mod start_metric_streams;
pub(crate) mod stop_metric_streams;
#[cfg(test)]
mod tests;
mod touched;

use std::sync::Arc;

use keywatch_api::Clock;
use keywatch_store::{Store, StoreError};
use tokio::sync::watch;

pub use self::destination::Destination;
pub use self::follower::StreamsFollower;
use crate::buckets::Bodies;
use crate::metrics::live::LiveSeries;

/// Streams and what they lead to; cheap to clone.
#[derive(Clone, Debug)]
pub struct MetricStreams {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    bodies: Bodies,
    client: reqwest::Client,
    lanes: Vec<Lane>,
    stop: watch::Sender<bool>,
}

/// A destination and what waits for it.
#[derive(Debug)]
struct Lane {
    destination: Destination,
    state: watch::Sender<LaneState>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LaneState {
    /// Batches that are stored.
    waiting: u64,
    /// The last attempt failed.
    failing: bool,
}

impl MetricStreams {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        bodies: Bodies,
        destinations: Vec<Destination>,
    ) -> Result<Self, reqwest::Error> {
        let lane = |destination| Lane { destination, state: watch::Sender::new(LaneState::default()) };
        let inner = Inner {
            store,
            clock,
            bodies,
            client: endpoint::client()?,
            lanes: destinations.into_iter().map(lane).collect(),
            stop: watch::Sender::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The follower that fills batches; it comes after the one that feeds the series.
    pub async fn follower(&self, live: Arc<LiveSeries>) -> Result<StreamsFollower, StoreError> {
        for lane in &self.inner.lanes {
            let waiting = batch::count(&self.inner.store, &lane.destination).await?;
            lane.state.send_modify(|state| state.waiting = waiting);
        }
        StreamsFollower::open(self.inner.clone(), live).await
    }

    /// Delivers batches until [`stop`](Self::stop).
    pub async fn run(&self) {
        let lanes = (0..self.inner.lanes.len()).map(|lane| deliverer::run(&self.inner, lane));
        futures_util::future::join_all(lanes).await;
    }

    /// Makes [`run`](Self::run) return after the attempts that are under way.
    pub fn stop(&self) {
        self.inner.stop.send_replace(true);
    }

    /// Whether the configuration says where a delivery stream leads.
    pub(crate) fn knows(&self, account: &str, name: &str) -> bool {
        self.inner.lane(account, name).is_some()
    }
}

impl Inner {
    fn lane(&self, account: &str, name: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.destination.account == account && lane.destination.name == name)
    }
}
