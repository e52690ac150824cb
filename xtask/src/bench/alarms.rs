//! `cargo xtask bench alarms`: what a minute of many alarms costs, quiet and with thousands of changes at once, measured by an example of the
//! monitor's crate.

use clap::Args;

use super::measured::run_example;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Alarms of every kind
    #[arg(long, default_value_t = 100_000)]
    alarms: u64,
    /// Minutes without a change
    #[arg(long, default_value_t = 5)]
    minutes: u64,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let numbers = [options.alarms, options.minutes].map(|number| number.to_string());
    run_example("keywatch-monitor", "alarms_at_size", numbers)
}
