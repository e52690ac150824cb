//! `cargo xtask bench metrics`: the memory of many series, the busiest twenty keys among them, and points on their way into them, measured
//! by an example of the monitor's crate, beside Prometheus where it is installed.

use clap::Args;

use super::measured::run_example;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Series of key × operation, each with a point a minute
    #[arg(long, default_value_t = 1_000_000)]
    series: u64,
    /// Minutes of points
    #[arg(long, default_value_t = 180)]
    minutes: u64,
    /// Series that Prometheus gets too
    #[arg(long, default_value_t = 100_000)]
    beside: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let numbers = [options.series, options.minutes, options.beside].map(|number| number.to_string());
    run_example("keywatch-monitor", "metrics_at_size", numbers)
}
