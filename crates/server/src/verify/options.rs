//! The command line of `keywatch verify`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Prove that the log files of trails are whole
///
/// Reads the digests and log files of a bucket's directory, or of the data directory of a stopped server, and holds them against
/// each other: hashes, signatures, and the chain that links each digest to all before it. No server is needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  everything is there, unchanged and proven
  1  something is missing, changed or proven by nothing; the output names each
  2  nothing was verified: wrong usage, no such path, no digest in it, or a server holds the data directory

A directory proves nothing by itself, since whoever changes files may change digests: give the public keys, an anchor, or both.
  aws cloudtrail list-public-keys --start-time 2026-01-01 --output json > keys.json

Examples:
  keywatch verify /var/lib/keywatch
  aws s3 sync s3://audit ./audit && keywatch verify ./audit --public-keys keys.json --anchor last-week.json
  keywatch verify ./audit --public-keys keys.json --write-anchor this-week.json")]
pub struct VerifyOptions {
    /// Directory of a bucket's files, at any depth, or data directory of a server that does not run
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,
    /// Answer of `aws cloudtrail list-public-keys`; one for each Region
    #[arg(long, value_name = "FILE")]
    pub(super) public_keys: Vec<PathBuf>,
    /// Heads of chains that were kept earlier: shows whether the end is missing
    #[arg(long, value_name = "FILE")]
    pub(super) anchor: Vec<PathBuf>,
    /// Keep the newest heads for the next time, when nothing is wrong
    #[arg(long, value_name = "FILE")]
    pub(super) write_anchor: Option<PathBuf>,
    /// How to show the outcome: `table` for the terminal, `json` for programs
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}
