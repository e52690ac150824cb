//! Measurements. Each prints its figures beside those of a simpler program on the same machine.

mod corpus;
mod random;
mod report;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measure something on this machine")]
enum Bench {
    /// `keywatch report` over CloudTrail log files, beside inflating the same files and doing nothing else
    Report(report::Options),
}

/// Runs what the arguments name, or everything with its defaults.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let arguments = if arguments.is_empty() { &["report"] } else { arguments };
    let arguments = std::iter::once(&"bench").chain(arguments);
    match Bench::try_parse_from(arguments).map_err(|error| error.to_string())? {
        Bench::Report(options) => report::run(&options).map_err(|error| error.to_string()),
    }
}
