//! `cargo xtask bench metrics`: the memory of many series, the busiest twenty keys among them, and points on their way into them, measured
//! by an example of the monitor's crate, beside Prometheus where it is installed.

use std::process::Command;

use clap::Args;

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
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "keywatch-monitor",
        "--example",
        "metrics_at_size",
        "--",
    ]);
    command.args([options.series, options.minutes, options.beside].map(|number| number.to_string()));
    let status = command.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("the measurement failed".to_owned()) }
}
