//! `cargo xtask bench history`: questions to a history of many records, measured by an example of the history's crate.

use std::path::PathBuf;
use std::process::Command;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records to make up
    #[arg(long, default_value_t = 200_000)]
    records: u64,
    /// Where they are kept between runs [default: a temporary directory]
    #[arg(long)]
    directory: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "run",
        "--release",
        "--quiet",
        "--package",
        "keywatch-history",
        "--example",
        "at_size",
        "--",
    ]);
    command.arg(options.records.to_string()).args(&options.directory);
    let status = command.status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("the measurement failed".to_owned()) }
}
