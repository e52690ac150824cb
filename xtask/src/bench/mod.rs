//! Measurements. Each prints its figures beside those of a simpler program on the same machine.

mod bare;
mod corpus;
mod families;
mod history;
mod kms;
mod load;
mod random;
mod report;
mod verify;

use std::io;
use std::path::PathBuf;
use std::process::Command;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", about = "Measure something on this machine")]
enum Bench {
    /// `keywatch report` over CloudTrail log files, beside inflating the same files and doing nothing else
    Report(report::Options),
    /// `keywatch verify` over log files with digests
    Verify(verify::Options),
    /// The newest page, a key's and a principal's day in a history of many records
    History(history::Options),
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
            .and_then(|()| run(&["history"]));
    }
    let arguments = std::iter::once(&"bench").chain(arguments);
    match Bench::try_parse_from(arguments).map_err(|error| error.to_string())? {
        Bench::Report(options) => report::run(&options).map_err(|error| error.to_string()),
        Bench::Verify(options) => verify::run(&options).map_err(|error| error.to_string()),
        Bench::History(options) => history::run(&options),
        Bench::Kms(options) => kms::run(&options),
        Bench::BareServer => bare::run(),
    }
}

/// Builds the release binary and returns its path.
fn release_binary() -> io::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).args(["build", "--release", "--package", "keywatch"]).status()?;
    if !status.success() {
        return Err(io::Error::other("the release build failed"));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(target.join("release/keywatch"))
}
