//! Measurements. Each prints its figures beside those of a simpler program on the same machine.

mod alarms;
mod bare;
mod corpus;
mod families;
mod history;
mod kms;
mod load;
mod measured;
mod metrics;
mod patterns;
mod peers;
mod random;
mod report;
mod verify;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measure something on this machine")]
enum Bench {
    /// `keywatch report` over CloudTrail log files, beside inflating the same files and doing nothing else, and beside
    /// ClickHouse and DuckDB
    Report(report::Options),
    /// `keywatch verify` over log files with digests
    Verify(verify::Options),
    /// The newest page, a key's and a principal's day in a history of many records
    History(history::Options),
    /// A million metrics in memory, the busiest among them, and points on their way in, beside Prometheus
    Metrics(metrics::Options),
    /// Log filters and event patterns, beside a bare search and by the number of rules
    Patterns(patterns::Options),
    /// A hundred thousand alarms: processor time of a minute, memory, restart
    Alarms(alarms::Options),
    /// Encrypt over HTTP with a durable record, beside a bare hyper server
    Kms(kms::Options),
    /// The bare server of `kms`, which starts it
    #[command(hide = true)]
    BareServer,
}

/// Runs what the arguments name, or everything with its defaults.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    if arguments.is_empty() {
        return run(&["kms"])
            .and_then(|()| run(&["report"]))
            .and_then(|()| run(&["verify"]))
            .and_then(|()| run(&["history"]))
            .and_then(|()| run(&["metrics"]))
            .and_then(|()| run(&["patterns"]))
            .and_then(|()| run(&["alarms"]));
    }
    let arguments = std::iter::once(&"bench").chain(arguments);
    match Bench::try_parse_from(arguments).map_err(|error| error.to_string())? {
        Bench::Report(options) => report::run(&options).map_err(|error| error.to_string()),
        Bench::Verify(options) => verify::run(&options).map_err(|error| error.to_string()),
        Bench::History(options) => history::run(&options),
        Bench::Metrics(options) => metrics::run(&options),
        Bench::Patterns(options) => patterns::run(&options),
        Bench::Alarms(options) => alarms::run(&options),
        Bench::Kms(options) => kms::run(&options),
        Bench::BareServer => bare::run(),
    }
}
