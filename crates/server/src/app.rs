//! The handles that a request may reach.

use std::sync::Arc;

use keywatch_api::Clock;
use keywatch_history::History;
use keywatch_iam::iam::Iam;
use keywatch_kms::Kms;
use keywatch_monitor::buckets::Bodies;
use keywatch_monitor::cloudwatch::CloudWatch;
use keywatch_monitor::engine::EngineHandle;
use keywatch_monitor::events::{Events, Invoker};
use keywatch_monitor::logs::Logs;
use keywatch_monitor::metric_streams::MetricStreams;
use keywatch_monitor::notify::Notify;
use keywatch_monitor::trail::Trails;
use keywatch_monitor::trail::import::source::Sources;
use keywatch_store::Store;

use crate::auth::authenticate::Authenticator;
use crate::clock::TestClock;
use crate::latency::Latencies;
use crate::telemetry::Telemetry;

/// What a running server is made of, apart from its listeners.
#[derive(Debug)]
pub struct App {
    /// The server's own base URL, for links in answers and mails.
    pub endpoint: String,
    pub store: Store,
    /// Bodies of the objects in buckets.
    pub bodies: Bodies,
    /// Records, wherever they lie.
    pub history: History,
    pub clock: Arc<dyn Clock>,
    /// The same clock when it is a test clock.
    pub test_clock: Option<Arc<TestClock>>,
    pub engine: EngineHandle,
    pub auth: Authenticator,
    pub iam: Iam,
    pub cloudwatch: CloudWatch,
    pub kms: Arc<Kms>,
    pub logs: Logs,
    pub events: Events,
    /// Calls API destinations.
    pub invoker: Invoker,
    pub trails: Trails,
    pub notify: Notify,
    pub sources: Sources,
    pub streams: MetricStreams,
    pub latencies: Arc<Latencies>,
    /// What is counted of all this.
    pub telemetry: Telemetry,
}

impl AsRef<Store> for App {
    fn as_ref(&self) -> &Store {
        &self.store
    }
}

impl AsRef<History> for App {
    fn as_ref(&self) -> &History {
        &self.history
    }
}

impl AsRef<Kms> for App {
    fn as_ref(&self) -> &Kms {
        &self.kms
    }
}

impl AsRef<CloudWatch> for App {
    fn as_ref(&self) -> &CloudWatch {
        &self.cloudwatch
    }
}

impl AsRef<Sources> for App {
    fn as_ref(&self) -> &Sources {
        &self.sources
    }
}
