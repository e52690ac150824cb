//! `cargo xtask bench history`: questions to a history of many records, measured by an example of the history's crate.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::measured::run_example;

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
    let records = OsString::from(options.records.to_string());
    let directory = options.directory.clone().map(PathBuf::into_os_string);
    run_example("keywatch-history", "at_size", [Some(records), directory].into_iter().flatten())
}
