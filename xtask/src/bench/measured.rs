//! What several benches are told: the program to measure, and the corpus it reads.

use super::corpus::{Corpus, corpus};
use clap::Args;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// The program to measure.
#[derive(Debug, Args)]
pub(super) struct Binary {
    /// Measure this binary instead of building one
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Binary {
    /// The one that was named, else the release binary, built now.
    pub(super) fn path(&self) -> io::Result<PathBuf> {
        if let Some(binary) = &self.binary {
            return Ok(binary.clone());
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo).args(["build", "--release", "--package", "keywatch"]).status()?;
        if !status.success() {
            return Err(io::Error::other("the release build failed"));
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        Ok(target.join("release/keywatch"))
    }
}

/// Runs a crate's example that measures and prints.
pub(super) fn run_example(
    package: &str,
    example: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--quiet", "--package", package, "--example", example, "--"]);
    let status = command.args(arguments).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err("the measurement failed".to_owned()) }
}

/// What is read, and how often.
#[derive(Debug, Args)]
pub(super) struct Measured {
    /// Seed of the corpus
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rounds, of which the best counts
    #[arg(long, default_value_t = 5)]
    pub(super) rounds: u32,
    /// Where the corpus is kept between runs
    #[arg(long, default_value = "target/bench")]
    pub(super) directory: PathBuf,
    #[command(flatten)]
    pub(super) binary: Binary,
}

impl Measured {
    /// The corpus with so many megabytes of text, and the directory it is in.
    pub(super) fn corpus(&self, megabytes: u64) -> io::Result<(PathBuf, Corpus)> {
        corpus(&self.directory, self.seed, megabytes)
    }
}
