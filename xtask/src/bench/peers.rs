//! ClickHouse and DuckDB asked the report's question over the same files, by a Python script that has both as libraries.

use serde_json::Value;
use std::io;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bench/report_peers.py");
/// The names of the Python packages.
pub(super) const PEERS: [&str; 2] = ["chdb", "duckdb"];

/// The quickest formulation of one engine.
#[derive(Debug, Clone)]
pub(super) struct Best {
    pub(super) formulation: String,
    /// Of the query alone.
    pub(super) seconds: f64,
    /// KMS records it counted.
    pub(super) records: u64,
}

impl Best {
    /// Asks an engine once, in each formulation. `None` when Python does not have it.
    pub(super) fn of(python: &Path, engine: &str, logs: &Path, threads: usize) -> io::Result<Option<Self>> {
        let import = Command::new(python).args(["-c", &format!("import {engine}")]).output();
        if !import.is_ok_and(|import| import.status.success()) {
            return Ok(None);
        }
        let output =
            Command::new(python).arg(SCRIPT).arg(engine).arg(logs).arg(threads.to_string()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("{engine}: {}", String::from_utf8_lossy(&output.stderr))));
        }
        let answers = String::from_utf8_lossy(&output.stdout);
        let answers = answers.lines().map(Self::parse).collect::<Option<Vec<_>>>();
        let answers = answers.ok_or_else(|| io::Error::other(format!("{engine} answers something else")))?;
        Ok(answers.into_iter().min_by(|one, other| one.seconds.total_cmp(&other.seconds)))
    }

    fn parse(line: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(line).ok()?;
        Some(Self {
            formulation: answer["formulation"].as_str()?.to_owned(),
            seconds: answer["seconds"].as_f64()?,
            records: answer["records"].as_u64()?,
        })
    }

    /// The quicker of two rounds.
    pub(super) fn least(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.seconds < self.seconds => other,
            _ => self,
        }
    }
}
