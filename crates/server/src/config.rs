//! What `serve` is told: flags, `KEYWATCH_…` variables and a TOML file become one checked [`Config`].
//!
//! Precedence: flag, then environment variable, then file, then default. Everything that can be judged without
//! opening anything is judged here, before anything starts. The file's members are the flags' names
//! (`data-dir = "/var/lib/keywatch"`, `dev = true`); an unknown member is an error.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use figment::Figment;
use figment::providers::{Format, Toml};
use jiff::{SignedDuration, Timestamp};
use keywatch_monitor::metric_streams::Destination;
use keywatch_monitor::trail::INTERVAL_DEFAULT;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::telemetry::push_options::PushOptions;

const LISTEN_DEFAULT: &str = "127.0.0.1:4599";
const ACCOUNT_DEFAULT: &str = "000000000000";
const REGION_DEFAULT: &str = "us-east-1";
const REGION_LENGTH_MAX: usize = 32;
const DELIVERY_INTERVALS: std::ops::RangeInclusive<SignedDuration> =
    SignedDuration::from_secs(1)..=SignedDuration::from_hours(1);
const LOOKUP_DAYS_DEFAULT: u32 = 90;
const HISTORY_RECENT_DEFAULT: u64 = 16_384;
const HISTORY_RECENT: std::ops::RangeInclusive<u64> = 16..=65_536;
/// A hundred years.
const DAYS_MAX: u32 = 36_600;

/// The options of `serve` as they were given, by flag, variable or file.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServeOptions {
    /// Directory of everything that is kept: state, trail, root key [default: $XDG_DATA_HOME/keywatch or
    /// ~/.local/share/keywatch]
    #[arg(long, value_name = "DIR", env = "KEYWATCH_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address and port to answer on; port 0 picks a free one [default: 127.0.0.1:4599]
    #[arg(long, value_name = "ADDRESS:PORT", env = "KEYWATCH_LISTEN")]
    pub listen: Option<String>,
    /// PostgreSQL that holds state and trail instead of the data directory (postgres://…)
    #[arg(long, value_name = "URL", env = "KEYWATCH_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where buckets live: file:///dir, s3://bucket/prefix or memory:// [default: objects/ in the data directory]
    #[arg(long, value_name = "URL", env = "KEYWATCH_OBJECT_STORE")]
    pub object_store: Option<String>,
    /// Account of the root user, 12 digits [default: 000000000000]
    #[arg(long, value_name = "ACCOUNT", env = "KEYWATCH_ACCOUNT")]
    pub account: Option<String>,
    /// Region that `keywatch env` names; every region is served [default: us-east-1]
    #[arg(long, value_name = "REGION", env = "KEYWATCH_REGION")]
    pub region: Option<String>,
    /// Stop the clock, so that only `keywatch clock advance` moves it; a new data directory starts at the given
    /// time, or at the present
    #[arg(long, value_name = "RFC3339", env = "KEYWATCH_TEST_CLOCK", num_args = 0..=1, default_missing_value = "now")]
    pub test_clock: Option<String>,
    /// Accept any credentials (development only; loopback only)
    #[arg(long, env = "KEYWATCH_DEV", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub dev: Option<bool>,
    /// SMTP server for mails (smtp://host:port); without it mails are kept for `keywatch outbox`
    #[arg(long, value_name = "URL", env = "KEYWATCH_SMTP", hide_env_values = true)]
    pub smtp: Option<String>,
    /// Let webhooks reach loopback and private addresses
    #[arg(long, env = "KEYWATCH_ALLOW_PRIVATE_TARGETS", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub allow_private_targets: Option<bool>,
    /// Certificate chain to serve TLS with (PEM)
    #[arg(long, value_name = "FILE", env = "KEYWATCH_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", env = "KEYWATCH_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Serve TLS with a certificate made on first start and kept in the data directory
    #[arg(long, env = "KEYWATCH_TLS_SELF_SIGNED", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub tls_self_signed: Option<bool>,
    /// File of the root key that seals everything secret [default: root.key in the data directory]
    #[arg(long, value_name = "FILE", env = "KEYWATCH_ROOT_KEY_FILE")]
    pub root_key_file: Option<PathBuf>,
    /// TOML file of keys to make when the server first starts with them, for tests
    #[arg(long, value_name = "FILE", env = "KEYWATCH_SEED")]
    pub seed: Option<PathBuf>,
    /// Certificate (PEM) at the root of enclaves' attestation documents; without it every Recipient is refused
    #[arg(long, value_name = "FILE", env = "KEYWATCH_ATTESTATION_ROOT")]
    pub attestation_root: Option<PathBuf>,
    /// Refuse KMS calls beyond the request rates that AWS publishes
    #[arg(long, env = "KEYWATCH_REQUEST_QUOTAS", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub request_quotas: Option<bool>,
    /// How often trails' log files are delivered, from 1s to 1h [default: 5m]
    #[arg(long, value_name = "DURATION", env = "KEYWATCH_DELIVERY_INTERVAL")]
    pub delivery_interval: Option<String>,
    /// Days that LookupEvents goes back; imported records are found however old they are [default: 90]
    #[arg(long, value_name = "DAYS", env = "KEYWATCH_LOOKUP_DAYS")]
    pub lookup_days: Option<u32>,
    /// Remove records from the history that are older than so many days [default: keep them for good]
    #[arg(long, value_name = "DAYS", env = "KEYWATCH_HISTORY_DAYS")]
    pub history_days: Option<u32>,
    /// Newest entries of the trail that stay in the database, and how many of the older ones leave it in one file [default: 16384]
    #[arg(long, value_name = "ENTRIES", env = "KEYWATCH_HISTORY_RECENT")]
    pub history_recent: Option<u64>,
    /// Address and port of its own for Prometheus' /metrics, told to whoever reaches it; without it the server's port tells this machine only
    #[arg(long, value_name = "ADDRESS:PORT", env = "KEYWATCH_METRICS_LISTEN")]
    pub metrics_listen: Option<String>,
    /// OpenTelemetry collector to push figures to (http://host:4318); the OTEL_EXPORTER_OTLP_… variables are heeded too
    #[arg(long, value_name = "URL", env = "KEYWATCH_OTLP_ENDPOINT", hide_env_values = true)]
    pub otlp_endpoint: Option<String>,
    /// Where a delivery stream of metric streams leads: NAME=s3://bucket/prefix (a bucket of this server) or
    /// NAME=https://[ACCESS-KEY@]host/path; may be given several times
    #[arg(
        long,
        value_name = "NAME=TARGET",
        env = "KEYWATCH_FIREHOSE",
        hide_env_values = true,
        value_delimiter = ' '
    )]
    pub firehose: Option<Vec<String>>,
    /// TOML file with any of these options
    #[arg(long, value_name = "FILE", env = "KEYWATCH_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// Checked settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub database_url: Option<DatabaseUrl>,
    /// Absent: the directory `objects` in the data directory.
    pub object_store: Option<String>,
    pub account: String,
    pub region: String,
    pub test_clock: Option<TestClockStart>,
    pub dev: bool,
    pub smtp: Option<String>,
    pub allow_private_targets: bool,
    pub tls: Tls,
    pub root_key_file: PathBuf,
    pub seed: Option<PathBuf>,
    pub attestation_root: Option<PathBuf>,
    pub request_quotas: bool,
    /// Between deliveries of log files.
    pub delivery_interval: SignedDuration,
    /// How far back `LookupEvents` shows our own records.
    pub lookup_age_max: SignedDuration,
    /// `None` keeps records for good.
    pub history_age_max: Option<SignedDuration>,
    /// Entries that stay in the log, and that leave it at once.
    pub history_recent: u64,
    /// Where metric streams lead.
    pub firehose: Vec<Destination>,
    /// A port that only tells figures.
    pub metrics_listen: Option<SocketAddr>,
    /// Where figures are pushed.
    pub push: Option<PushOptions>,
}

/// Address of a PostgreSQL server; it may hold a password, so it does not print.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrl(..)")
    }
}

/// Where a test clock starts in a new data directory; an old one continues where its clock stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestClockStart {
    Present,
    At(Timestamp),
}

/// How connections are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Off,
    SelfSigned,
    Files { cert: PathBuf, key: PathBuf },
}

/// What is wrong with the options, as one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the file {path}: {reason}")]
    File { path: String, reason: String },
    #[error("--{option} {value}: {reason}")]
    Option { option: &'static str, value: String, reason: String },
    #[error("{0}")]
    Together(&'static str),
    #[error("no data directory: give --data-dir, or set XDG_DATA_HOME or HOME")]
    NoDataDir,
}

impl Config {
    /// Joins flags and variables (`given`) with the file they name and the defaults, and checks the whole.
    pub fn resolve(given: ServeOptions) -> Result<Self, ConfigError> {
        let file = match &given.config {
            Some(path) => read_file(path)?,
            None => ServeOptions::default(),
        };
        Self::check(given.over(file), default_data_dir())
    }

    fn check(options: ServeOptions, default_data_dir: Option<PathBuf>) -> Result<Self, ConfigError> {
        let data_dir = options.data_dir.or(default_data_dir).ok_or(ConfigError::NoDataDir)?;
        let listen = parse_listen("listen", options.listen.as_deref().unwrap_or(LISTEN_DEFAULT))?;
        let account = parse_account(options.account.unwrap_or_else(|| ACCOUNT_DEFAULT.to_owned()))?;
        let dev = options.dev.unwrap_or(false);
        if dev && !listen.ip().is_loopback() {
            return Err(ConfigError::Together(
                "--dev accepts any credentials, so --listen must name a loopback address",
            ));
        }
        let tls = match (options.tls_cert, options.tls_key, options.tls_self_signed.unwrap_or(false)) {
            (None, None, false) => Tls::Off,
            (None, None, true) => Tls::SelfSigned,
            (Some(cert), Some(key), false) => Tls::Files { cert, key },
            (Some(_), Some(_), true) => {
                return Err(ConfigError::Together(
                    "--tls-self-signed makes its own certificate: drop --tls-cert",
                ));
            }
            _ => return Err(ConfigError::Together("--tls-cert and --tls-key belong together")),
        };
        Ok(Self {
            listen,
            dev,
            tls,
            database_url: options.database_url.map(parse_database_url).transpose()?,
            object_store: options.object_store.map(parse_object_store).transpose()?,
            account: account.clone(),
            region: parse_region(options.region.unwrap_or_else(|| REGION_DEFAULT.to_owned()))?,
            test_clock: options.test_clock.map(parse_test_clock).transpose()?.flatten(),
            smtp: options.smtp.map(parse_smtp).transpose()?,
            allow_private_targets: options.allow_private_targets.unwrap_or(false),
            root_key_file: options.root_key_file.unwrap_or_else(|| data_dir.join("root.key")),
            seed: options.seed,
            attestation_root: options.attestation_root,
            request_quotas: options.request_quotas.unwrap_or(false),
            delivery_interval: options
                .delivery_interval
                .map_or(Ok(INTERVAL_DEFAULT), |text| parse_delivery_interval(&text))?,
            lookup_age_max: parse_days("lookup-days", options.lookup_days.unwrap_or(LOOKUP_DAYS_DEFAULT))?,
            history_age_max: options.history_days.map(|days| parse_days("history-days", days)).transpose()?,
            firehose: parse_firehose(options.firehose.as_deref().unwrap_or_default(), &account)?,
            metrics_listen: options
                .metrics_listen
                .map(|text| parse_listen("metrics-listen", &text))
                .transpose()?,
            push: PushOptions::resolve(options.otlp_endpoint.as_deref(), |name| std::env::var(name).ok())?,
            history_recent: parse_history_recent(options.history_recent.unwrap_or(HISTORY_RECENT_DEFAULT))?,
            data_dir,
        })
    }
}

impl ServeOptions {
    /// These options, completed by those of `file`.
    fn over(self, file: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(file.data_dir),
            listen: self.listen.or(file.listen),
            database_url: self.database_url.or(file.database_url),
            object_store: self.object_store.or(file.object_store),
            account: self.account.or(file.account),
            region: self.region.or(file.region),
            test_clock: self.test_clock.or(file.test_clock),
            dev: self.dev.or(file.dev),
            smtp: self.smtp.or(file.smtp),
            allow_private_targets: self.allow_private_targets.or(file.allow_private_targets),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            tls_self_signed: self.tls_self_signed.or(file.tls_self_signed),
            root_key_file: self.root_key_file.or(file.root_key_file),
            seed: self.seed.or(file.seed),
            attestation_root: self.attestation_root.or(file.attestation_root),
            request_quotas: self.request_quotas.or(file.request_quotas),
            delivery_interval: self.delivery_interval.or(file.delivery_interval),
            lookup_days: self.lookup_days.or(file.lookup_days),
            history_days: self.history_days.or(file.history_days),
            history_recent: self.history_recent.or(file.history_recent),
            firehose: self.firehose.or(file.firehose),
            metrics_listen: self.metrics_listen.or(file.metrics_listen),
            otlp_endpoint: self.otlp_endpoint.or(file.otlp_endpoint),
            config: self.config,
        }
    }
}

/// `$XDG_DATA_HOME/keywatch`, else `~/.local/share/keywatch` (XDG Base Directory Specification).
pub fn default_data_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("keywatch"))
}

fn read_file(path: &Path) -> Result<ServeOptions, ConfigError> {
    read_toml(path)
}

/// Reads a file of TOML whose every member is known.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let failed = |reason: String| ConfigError::File { path: path.display().to_string(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Figment::from(Toml::string(&text)).extract().map_err(|error| {
        // One fact is enough for one line; figment lists them all.
        failed(
            error
                .into_iter()
                .next()
                .map_or_else(|| "not a configuration".to_owned(), |first| first.to_string()),
        )
    })
}

fn wrong(option: &'static str, value: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Option { option, value: value.to_owned(), reason: reason.into() }
}

fn parse_listen(option: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    let text =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| wrong(option, &text, "expected ADDRESS:PORT, for example 127.0.0.1:4599"))
}

fn parse_database_url(url: String) -> Result<DatabaseUrl, ConfigError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(DatabaseUrl(url));
    }
    // The value may hold a password, so it is not repeated.
    Err(wrong("database-url", "…", "expected postgres://user@host/database"))
}

fn parse_object_store(url: String) -> Result<String, ConfigError> {
    let known = ["file://", "s3://", "memory://"].iter().any(|scheme| url.starts_with(scheme));
    if known {
        Ok(url)
    } else {
        Err(wrong("object-store", &url, "expected file:///dir, s3://bucket/prefix or memory://"))
    }
}

fn parse_account(text: String) -> Result<String, ConfigError> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(text);
    }
    Err(wrong("account", &text, "expected 12 digits"))
}

fn parse_region(text: String) -> Result<String, ConfigError> {
    if is_region(&text) { Ok(text) } else { Err(wrong("region", &text, "expected a name such as us-east-1")) }
}

/// Whether a text may name a region: lower-case letters, digits and inner hyphens. Every such region is served.
pub fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= REGION_LENGTH_MAX
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// `false` and the empty text switch the clock back to the system's, so that a variable can override a file.
fn parse_test_clock(text: String) -> Result<Option<TestClockStart>, ConfigError> {
    match text.as_str() {
        "" | "false" => Ok(None),
        "now" | "true" => Ok(Some(TestClockStart::Present)),
        _ => text
            .parse::<Timestamp>()
            .map(|time| Some(TestClockStart::At(time)))
            .map_err(|_| wrong("test-clock", &text, "expected a time such as 2026-01-31T12:00:00Z")),
    }
}

fn parse_delivery_interval(text: &str) -> Result<SignedDuration, ConfigError> {
    let interval =
        text.parse::<SignedDuration>().ok().filter(|interval| DELIVERY_INTERVALS.contains(interval));
    interval.ok_or_else(|| wrong("delivery-interval", text, "expected a duration from 1s to 1h, such as 5m"))
}

fn parse_days(option: &'static str, days: u32) -> Result<SignedDuration, ConfigError> {
    if (1..=DAYS_MAX).contains(&days) {
        return Ok(SignedDuration::from_hours(i64::from(days) * 24));
    }
    Err(wrong(option, &days.to_string(), format!("expected 1 to {DAYS_MAX} days")))
}

fn parse_history_recent(entries: u64) -> Result<u64, ConfigError> {
    if HISTORY_RECENT.contains(&entries) {
        return Ok(entries);
    }
    let (least, most) = HISTORY_RECENT.into_inner();
    Err(wrong("history-recent", &entries.to_string(), format!("expected {least} to {most} entries")))
}

/// The destinations of delivery streams, none named twice.
fn parse_firehose(texts: &[String], account: &str) -> Result<Vec<Destination>, ConfigError> {
    let mut destinations: Vec<Destination> = Vec::with_capacity(texts.len());
    for text in texts {
        // The target may hold an access key, so it is not repeated.
        let name = text.split('=').next().unwrap_or_default();
        let refused = |reason: &str| wrong("firehose", name, reason);
        let new = Destination::parse(text, account).map_err(refused)?;
        if destinations.iter().any(|known| (&known.account, &known.name) == (&new.account, &new.name)) {
            return Err(refused("a delivery stream leads to one place"));
        }
        destinations.push(new);
    }
    Ok(destinations)
}

fn parse_smtp(url: String) -> Result<String, ConfigError> {
    let known =
        ["smtp://", "smtps://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
    // The value may hold a password, so it is not repeated.
    if known { Ok(url) } else { Err(wrong("smtp", "…", "expected smtp://host:port")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked() {
        check(|_| {}, "");
        check(|o| o.listen = Some("[::1]:0".into()), "");
        check(|o| o.listen = Some("localhost:0".into()), "");
        check(
            |o| o.listen = Some("4599".into()),
            "--listen 4599: expected ADDRESS:PORT, for example 127.0.0.1:4599",
        );
        check(|o| o.account = Some("12".into()), "--account 12: expected 12 digits");
        check(|o| o.region = Some("US".into()), "--region US: expected a name such as us-east-1");
        check(|o| o.test_clock = Some("2026-01-31T12:00:00Z".into()), "");
        check(
            |o| o.test_clock = Some("soon".into()),
            "--test-clock soon: expected a time such as 2026-01-31T12:00:00Z",
        );
        check(
            |o| o.database_url = Some("mysql://secret@db".into()),
            "--database-url …: expected postgres://user@host/database",
        );
        check(|o| o.delivery_interval = Some("1s".into()), "");
        check(
            |o| o.delivery_interval = Some("2h".into()),
            "--delivery-interval 2h: expected a duration from 1s to 1h, such as 5m",
        );
        check(|o| (o.lookup_days, o.history_days) = (Some(400), Some(36_600)), "");
        check(|o| o.history_days = Some(0), "--history-days 0: expected 1 to 36600 days");
        check(|o| o.history_recent = Some(8), "--history-recent 8: expected 16 to 65536 entries");
        check(
            |o| o.firehose = Some(vec!["a=s3://b".into(), "a=https://key@h/".into()]),
            "--firehose a: a delivery stream leads to one place",
        );
        check(
            |o| o.firehose = Some(vec!["a=key".into()]),
            "--firehose a: expected s3://bucket/prefix or https://host/path",
        );
        check(|o| o.smtp = Some("mail.example".into()), "--smtp …: expected smtp://host:port");
        check(
            |o| (o.dev, o.listen) = (Some(true), Some("0.0.0.0:1".into())),
            "--dev accepts any credentials, so --listen must name a loopback address",
        );
        check(|o| o.tls_cert = Some("a".into()), "--tls-cert and --tls-key belong together");

        fn check(change: impl FnOnce(&mut ServeOptions), want: &str) {
            let mut options = ServeOptions::default();
            change(&mut options);
            let outcome = Config::check(options, Some("/data".into()));
            assert_eq!(outcome.map_or_else(|error| error.to_string(), |_| String::new()), want);
        }
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("keywatch.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nregion = \"eu-west-1\"\ndev = true\n")
            .expect("written");
        let given = ServeOptions {
            listen: Some("127.0.0.1:2".into()),
            data_dir: Some("/data".into()),
            config: Some(path),
            ..Default::default()
        };
        let config = Config::resolve(given).expect("a good configuration");
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.region, "eu-west-1");
        assert!(config.dev);
        assert_eq!(config.account, "000000000000");
    }

    #[test]
    fn an_unknown_member_of_the_file_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("keywatch.toml");
        std::fs::write(&path, "lissten = \"127.0.0.1:1\"\n").expect("written");
        let error =
            Config::resolve(ServeOptions { config: Some(path), ..Default::default() }).expect_err("refused");
        assert!(error.to_string().contains("lissten"), "{error}");
    }
}
