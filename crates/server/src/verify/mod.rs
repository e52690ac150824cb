//! `keywatch verify`: are the log files of trails what was delivered?
//!
//! **Evidence** is the digests and log files of a directory, or of the data directory of a server that does not run, which also
//! knows the public keys, the newest heads, and the log files that wait for their digest. Each log file that a digest lists is read
//! and hashed; the digests are judged by `keywatch_monitor::trail::verify`. **Invariant:** a directory is only read. **Not here:**
//! what can be wrong, and how it is found out.

mod beside;
mod check;
mod evidence;
mod options;
mod table;

pub(crate) use beside::{Beside, judge_beside};
pub use options::VerifyOptions;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use keywatch_monitor::trail::verify::Anchor;

use self::check::Outcome;
use self::evidence::Evidence;
use self::options::Format;
use crate::{exit, progress};

/// Runs the command: exit code 0 when everything is whole, 1 when something is wrong, 2 when nothing was verified.
pub fn run(options: &VerifyOptions) -> ExitCode {
    let code = match try_run(options) {
        Ok(outcome) if outcome.valid => exit::DONE,
        Ok(_) => exit::FAILED,
        Err(reason) => {
            exit::complain(&format!("verify: {reason}"));
            exit::USAGE
        }
    };
    code.into()
}

fn try_run(options: &VerifyOptions) -> Result<Outcome, String> {
    let mut evidence = Evidence::gather(&options.path)?;
    for path in &options.public_keys {
        let list = read(path)?;
        evidence.keys.add_list(&list).map_err(|reason| format!("{}: {reason}", path.display()))?;
    }
    for path in &options.anchor {
        let anchor = Anchor::parse(&read(path)?).map_err(|reason| format!("{}: {reason}", path.display()))?;
        evidence.anchors.push(anchor);
    }
    let expected = evidence.anchors.iter().any(|anchor| !anchor.chains.is_empty());
    if evidence.digests.is_empty() && !expected {
        return Err(format!("no digest in {}", options.path.display()));
    }
    let bar = progress::bar_of_bytes(evidence.bytes());
    let outcome = check::check(&evidence, &bar);
    bar.finish_and_clear();
    let text = match options.format {
        Format::Table => table::render(&outcome),
        Format::Json => json(&outcome)?,
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // A pager that was left has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(format!("cannot write to standard output: {error}"));
        }
        _ => {}
    }
    if let Some(path) = options.write_anchor.as_ref().filter(|_| outcome.valid) {
        write_anchor(path, &outcome)?;
    }
    Ok(outcome)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Findings have a text beside their members.
fn json(outcome: &Outcome) -> Result<String, String> {
    let mut value = serde_json::to_value(outcome).map_err(|error| error.to_string())?;
    if let Some(findings) = value["findings"].as_array_mut() {
        for (shown, finding) in findings.iter_mut().zip(&outcome.findings) {
            shown["message"] = finding.fault.to_string().into();
        }
    }
    Ok(format!("{value:#}\n"))
}

fn write_anchor(path: &Path, outcome: &Outcome) -> Result<(), String> {
    let anchor =
        serde_json::to_vec_pretty(&Anchor::new(outcome.heads.clone())).map_err(|error| error.to_string())?;
    std::fs::write(path, anchor).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
