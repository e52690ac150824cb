//! `keywatch serve`: opens everything in order, answers until it is told to stop, and stops in order.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::{AccountId, Clock, Region};
use keywatch_crypto::RootKeyring;
use keywatch_crypto::attestation::AttestationRoot;
use keywatch_history::{History, Keeper};
use keywatch_iam::credentials::Credentials;
use keywatch_iam::iam::Iam;
use keywatch_kms::evidence::mailed::KeyNames;
use keywatch_kms::{DueKeys, KeyUsageFollower, Kms, SeedError, Seeds};
use keywatch_monitor::alarms::reconcile::AlarmReconciler;
use keywatch_monitor::buckets::Bodies;
use keywatch_monitor::cloudwatch::CloudWatch;
use keywatch_monitor::engine::{Engine, EngineHandle, Follower, MovableClock};
use keywatch_monitor::events::{self, Events, EventsFollower, Invoker};
use keywatch_monitor::guard::GuardFollower;
use keywatch_monitor::logs::{Logs, LogsFollower};
use keywatch_monitor::metric_streams::MetricStreams;
use keywatch_monitor::metrics::follower::MetricsFollower;
use keywatch_monitor::metrics::live::LiveSeries;
use keywatch_monitor::notify::{self, Notify};
use keywatch_monitor::trail::import::source::{Parts, Sources};
use keywatch_monitor::trail::{FilesDelivery, KeyUses, Trails};
use keywatch_monitor::widget_image::mailed::Illustrator;
use keywatch_store::{Store, StoreError};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::app::App;
use crate::auth::authenticate::Authenticator;
use crate::auth::sigv4::SigningKeys;
use crate::clock::{StoredClock, TestClock, WorldClock, world_now};
use crate::config::{Config, ConfigError, ServeOptions, TestClockStart, Tls, read_toml};
use crate::data_dir::{self, DataDirError, ServerFile};
use crate::history::{self, Keeping};
use crate::key_tags::KeyTags;
use crate::latency::Gathering;
use crate::root_secrets::{self, RootKeyError};
use crate::telemetry::Telemetry;
use crate::telemetry::page::MetricsPort;
use crate::telemetry::push::Push;
use crate::wire::accept::{self, Front};
use crate::wire::tls::{self, TlsError};
use crate::{exit, logging};

/// Threads for what runs besides requests: followers, deliveries, accepting.
const BACKGROUND_THREADS: usize = 2;
/// Threads of the port for Prometheus.
const METRICS_WORKERS: usize = 1;

/// Runs the server; returns when it was told to stop, or could not start.
pub fn run(options: ServeOptions) -> ExitCode {
    let outcome = Config::resolve(options).map_err(StartError::from).and_then(|config| {
        logging::start(config.dev).map_err(StartError::Log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(BACKGROUND_THREADS)
            .thread_name("background")
            .enable_all()
            .build()
            .map_err(StartError::Io)?;
        runtime.block_on(serve(config))
    });
    match outcome {
        Ok(()) => exit::DONE.into(),
        Err(error) => {
            exit::complain(&exit::chain(&error));
            exit::USAGE.into()
        }
    }
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Log(String),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    RootKey(#[from] RootKeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    ObjectStore(#[from] keywatch_monitor::buckets::OpenError),
    #[error(transparent)]
    HistoryPlace(#[from] keywatch_history::OpenError),
    #[error(transparent)]
    History(#[from] keywatch_history::HistoryError),
    #[error("cannot use the attestation root {path}: {reason}")]
    AttestationRoot { path: String, reason: String },
    #[error("the seed file: {0}")]
    Seed(#[from] SeedError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Events(#[from] events::NoClient),
    #[error(transparent)]
    Notify(#[from] notify::OptionsError),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
    #[error("cannot set up an HTTP client")]
    Push(#[source] reqwest::Error),
    #[error("cannot start")]
    Io(#[source] std::io::Error),
    #[error("{0}")]
    Name(String),
}

async fn serve(config: Config) -> Result<(), StartError> {
    // Before anybody can be told that the server is there, it can be told to stop.
    let mut stop = StopSignals::listen().map_err(StartError::Io)?;
    data_dir::prepare(&config.data_dir)?;
    // The port is taken before the store is opened: a mistake in the address is cheap to answer.
    let listener = bind(config.listen)?;
    let address = listener.local_addr().map_err(StartError::Io)?;
    let metrics_listener = config.metrics_listen.map(bind).transpose()?;
    let tls = tls::server_config(&config.tls, &config.data_dir, config.listen)?;
    let store = open_store(&config).await?;
    let endpoint = endpoint(address, tls.is_some());
    let (app, engine, keeper) = build(&config, store.clone(), endpoint.clone()).await?;
    let keeping = Keeping::start(keeper, app.clock.clone());
    let engine = tokio::spawn(engine.run());
    let gathering = Gathering::start(app.latencies.clone(), store.clone(), app.clock.clone());
    let invoker = app.invoker.clone();
    let calls = tokio::spawn(async move { invoker.run().await });
    let notify = app.notify.clone();
    let deliveries = tokio::spawn(async move { notify.run().await });
    let streams = app.streams.clone();
    let streaming = tokio::spawn(async move { streams.run().await });
    let sources = app.sources.clone();
    let polls = tokio::spawn(async move { sources.run().await });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let front = Front::start(listener, tls, app.clone(), workers).map_err(StartError::Io)?;
    let metrics_front = metrics_listener
        .map(|listener| Front::start(listener, None, Arc::new(MetricsPort(app.clone())), METRICS_WORKERS))
        .transpose()
        .map_err(StartError::Io)?;
    let push = config.push.clone().map(|options| Push::start(app.clone(), options));
    let push = push.transpose().map_err(StartError::Push)?;
    announce(&config, &endpoint)?;

    stop.wait().await;
    info!("Stopping: no new connections, answers under way are finished");
    if let Err(error) = data_dir::remove_server(&config.data_dir) {
        warn!(%error, "The endpoint file could not be removed");
    }
    app.notify.end_waiting();
    front.stop().await;
    gathering.stop().await;
    if let Some(push) = push {
        push.stop().await;
    }
    if let Some(front) = metrics_front {
        front.stop().await;
    }
    app.engine.stop().await;
    if let Err(error) = engine.await {
        warn!(%error, "The engine did not end in order");
    }
    app.sources.stop();
    if let Err(error) = polls.await {
        warn!(%error, "Polls of import sources did not end in order");
    }
    app.streams.stop();
    if let Err(error) = streaming.await {
        warn!(%error, "Metric streams did not end in order");
    }
    app.invoker.stop();
    if let Err(error) = calls.await {
        warn!(%error, "Calls of API destinations did not end in order");
    }
    app.notify.stop();
    if let Err(error) = deliveries.await {
        warn!(%error, "Deliveries did not end in order");
    }
    keeping.stop().await;
    store.close().await;
    info!("Stopped");
    Ok(())
}

fn bind(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    accept::bind(address).map_err(|cause| StartError::Listen { address, cause })
}

async fn open_store(config: &Config) -> Result<Store, StartError> {
    match &config.database_url {
        Some(url) => Ok(Store::open_postgres(url.as_str()).await?),
        None => Ok(Store::open_embedded(&config.data_dir).await?),
    }
}

async fn build(
    config: &Config,
    store: Store,
    endpoint: String,
) -> Result<(Arc<App>, Engine, Keeper), StartError> {
    let account: AccountId = config.account.parse().map_err(|error| StartError::Name(format!("{error}")))?;
    let region: Region = config.region.parse().map_err(|error| StartError::Name(format!("{error}")))?;
    let keyring = Arc::new(root_secrets::open_keyring(&config.root_key_file, &store).await?);
    let access_key = root_secrets::open_access_key(&config.data_dir, &account)?;
    let test_clock = open_test_clock(config.test_clock, &store).await?;
    let clock: Arc<dyn Clock> = match &test_clock {
        Some(clock) => clock.clone(),
        None => Arc::new(WorldClock),
    };
    let bodies = open_bodies(config, &store).await?;
    let kms = Arc::new(open_kms(config, &keyring)?);
    plant_seeds(config, &store, &kms, (&account, &region), clock.now()).await?;
    let movable = test_clock.clone().map(|clock| clock as Arc<dyn MovableClock>);
    let series = LiveSeries::load(&store).await?;
    let history = history::open(config, &store)?;
    let options = notify_options(config, &store, &series, &history, endpoint.clone());
    let notify = Notify::new(store.clone(), clock.clone(), keyring.clone(), options)?;
    let streams = MetricStreams::new(store.clone(), clock.clone(), bodies.clone(), config.firehose.clone())
        .map_err(StartError::Push)?;
    let interval = config.delivery_interval;
    let files = FilesDelivery::open(store.clone(), bodies.clone(), keyring.clone(), interval).await?;
    let sources = Sources::new(Parts {
        store: store.clone(),
        history: history.clone(),
        clock: clock.clone(),
        keyring: keyring.clone(),
        allow_private_targets: config.allow_private_targets,
        account: account.clone(),
    });
    let invoker = Invoker::new(store.clone(), clock.clone(), keyring.clone(), config.allow_private_targets)?;
    let events = EventsFollower::open(store.clone()).await?.calling(invoker.clone());
    let mut followers =
        followers(&store, &kms, &series, (&notify, &streams), files, events, clock.now()).await?;
    followers.push(Box::new(sources.follower()));
    let keeper = history::keeper(config, &history, &followers);
    keeper.recover().await?;
    let (engine, handle): (Engine, EngineHandle) =
        Engine::new(store.clone(), clock.clone(), movable, followers);
    let app = App {
        endpoint,
        clock,
        test_clock,
        cloudwatch: CloudWatch::new(series, Some(handle.clone()))
            .with_streams(streams.clone())
            .with_tags(Arc::new(KeyTags(store.clone()))),
        logs: Logs::new(handle.clone()),
        events: Events::new(keyring.clone()),
        invoker,
        engine: handle,
        auth: authenticator(config, &store, &keyring, access_key, account, region),
        iam: Iam::new(keyring),
        kms,
        trails: Trails::new(history.clone(), config.lookup_age_max),
        history,
        notify,
        sources,
        streams,
        latencies: Arc::default(),
        telemetry: Telemetry::new(world_now()),
        bodies,
        store,
    };
    Ok((Arc::new(app), engine, keeper))
}

/// How notifications leave, and who draws what mails about alarms show.
fn notify_options(
    config: &Config,
    store: &Store,
    series: &Arc<LiveSeries>,
    history: &History,
    endpoint: String,
) -> notify::Options {
    let keys = Arc::new(KeyNames { store: store.clone(), history: history.clone() });
    notify::Options {
        endpoint,
        smtp: config.smtp.clone(),
        allow_private_targets: config.allow_private_targets,
        illustrator: Some(Arc::new(Illustrator::new(store.clone(), series.clone(), keys))),
    }
}

fn open_kms(config: &Config, keyring: &Arc<RootKeyring>) -> Result<Kms, StartError> {
    let mut kms = Kms::new(keyring.clone());
    if config.request_quotas {
        kms = kms.with_request_quotas();
    }
    let Some(path) = &config.attestation_root else { return Ok(kms) };
    let refused = |reason: String| StartError::AttestationRoot { path: path.display().to_string(), reason };
    let root = CertificateDer::from_pem_file(path).map_err(|error| refused(error.to_string()))?;
    let root = AttestationRoot::from_der(root.to_vec()).map_err(|error| refused(error.to_string()))?;
    Ok(kms.with_attestation_root(root))
}

/// Makes the keys of the seed file that are not there yet.
async fn plant_seeds(
    config: &Config,
    store: &Store,
    kms: &Kms,
    home: (&AccountId, &Region),
    now: Timestamp,
) -> Result<(), StartError> {
    let Some(path) = &config.seed else { return Ok(()) };
    let seeds: Seeds = read_toml(path)?;
    let planted = seeds.plant(store, kms, home, now).await?;
    info!(planted, "The seed file made {planted} keys");
    Ok(())
}

/// Where objects' bodies lie; what a crash left there is removed.
async fn open_bodies(config: &Config, store: &Store) -> Result<Bodies, StartError> {
    let bodies = match &config.object_store {
        Some(url) => Bodies::open(url)?,
        None => Bodies::open_directory(&config.data_dir.join("objects"))?,
    };
    bodies.remove_loose(store).await?;
    Ok(bodies)
}

/// All that follows the trail or falls due by the clock, in the order of the spine.
async fn followers(
    store: &Store,
    kms: &Arc<Kms>,
    series: &Arc<LiveSeries>,
    (notify, streams): (&Notify, &MetricStreams),
    files: FilesDelivery,
    events: EventsFollower,
    now: Timestamp,
) -> Result<Vec<Box<dyn Follower>>, StoreError> {
    Ok(vec![
        Box::new(DueKeys::new(store.clone(), kms.clone())),
        Box::new(KeyUsageFollower::open(store.clone(), kms.clone()).await?),
        Box::new(files),
        Box::new(KeyUses::open(store.clone()).await?),
        Box::new(LogsFollower::open(store.clone()).await?),
        Box::new(MetricsFollower::new(store.clone(), series.clone(), now)),
        Box::new(streams.follower(series.clone()).await?),
        Box::new(AlarmReconciler::new(store.clone(), series.clone())),
        Box::new(GuardFollower::open(store.clone(), series.clone()).await?),
        Box::new(events),
        Box::new(notify.follower().await?),
    ])
}

fn authenticator(
    config: &Config,
    store: &Store,
    keyring: &Arc<RootKeyring>,
    access_key: keywatch_iam::credentials::RootAccessKey,
    account: AccountId,
    region: Region,
) -> Authenticator {
    Authenticator {
        credentials: Credentials::new(store.clone(), keyring.clone(), access_key),
        signing_keys: SigningKeys::default(),
        account,
        region,
        dev: config.dev,
    }
}

/// A stored time wins over the one asked for, since what is stored happened before it.
async fn open_test_clock(
    start: Option<TestClockStart>,
    store: &Store,
) -> Result<Option<Arc<TestClock>>, StartError> {
    let Some(start) = start else { return Ok(None) };
    let asked = match start {
        TestClockStart::Present => world_now(),
        TestClockStart::At(time) => time,
    };
    let time = match StoredClock::read(store).await? {
        Some(stored) => {
            info!(%stored, "The test clock continues at {stored}");
            stored
        }
        None => {
            StoredClock::keep(store, asked).await?;
            asked
        }
    };
    Ok(Some(Arc::new(TestClock::at(time))))
}

/// The URL under which clients of this machine reach the server.
fn endpoint(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    let reachable = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), address.port())
        }
        _ => address,
    };
    format!("{scheme}://{reachable}")
}

/// Leaves word for the client commands, and says on standard output that the server answers.
#[expect(clippy::print_stdout, reason = "other programs wait for this line")]
fn announce(config: &Config, endpoint: &str) -> Result<(), StartError> {
    let server = ServerFile {
        endpoint: endpoint.to_owned(),
        region: config.region.clone(),
        ca_bundle: (config.tls == Tls::SelfSigned).then(|| config.data_dir.join(tls::CERTIFICATE_FILE)),
    };
    data_dir::write_server(&config.data_dir, &server)?;
    info!(endpoint, "Keywatch {} answers at {endpoint}", env!("CARGO_PKG_VERSION"));
    println!("keywatch ready: {endpoint}");
    Ok(())
}

/// The signals that ask a server to stop.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_can_be_reached_from_here() {
        check("127.0.0.1:1", false, "http://127.0.0.1:1");
        check("0.0.0.0:1", true, "https://127.0.0.1:1");
        check("[::]:1", false, "http://[::1]:1");
        check("10.0.0.1:1", false, "http://10.0.0.1:1");

        fn check(address: &str, tls: bool, want: &str) {
            assert_eq!(endpoint(address.parse().expect("an address"), tls), want);
        }
    }
}
