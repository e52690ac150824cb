//! `cargo xtask bench patterns`: log filters over CloudTrail records beside a bare search, and event patterns by the number of rules,
//! measured by an example of their crate.

use clap::Args;

use super::measured::run_example;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Mebibytes of records that log filters look at
    #[arg(long, default_value_t = 64)]
    mebibytes: u32,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    run_example("keywatch-patterns", "match_rate", [options.mebibytes.to_string()])
}
