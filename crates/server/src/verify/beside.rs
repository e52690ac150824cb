//! What digests that lie beside log files say of them, for those who import the files.

use std::collections::HashSet;
use std::path::PathBuf;

use indicatif::ProgressBar;
use keywatch_logfiles::LogFile;
use keywatch_monitor::trail::verify::{Fault, Finding, is_same_place};

use super::check::check;
use super::evidence::{Evidence, EvidenceFile};

/// The judgement.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) digests: u64,
    /// Log files that are as a digest says.
    pub(crate) matching: u64,
    /// Log files that a digest names with another hash.
    pub(crate) refused: HashSet<PathBuf>,
    /// Digests and log files that are named and not there.
    pub(crate) missing: u64,
    /// Digests that no public key proves.
    pub(crate) unproven: u64,
    /// What else is wrong, with digests too.
    pub(crate) findings: Vec<Finding>,
}

/// Holds `files` against the digests among them; `None` without any. `public_keys` are answers of `ListPublicKeys`.
pub(crate) fn judge_beside(
    files: &[LogFile],
    public_keys: &[Vec<u8>],
    bar: &ProgressBar,
) -> Result<Option<Beside>, String> {
    let mut evidence = Evidence::default();
    for list in public_keys {
        evidence.keys.add_list(list)?;
    }
    for file in files {
        evidence.add(EvidenceFile {
            name: file.path.display().to_string(),
            bytes: file.bytes,
            pieces: vec![file.path.clone()],
            signature: None,
        });
    }
    if evidence.digests.is_empty() {
        return Ok(None);
    }
    let mut beside = Beside { digests: evidence.digests.len() as u64, ..Beside::default() };
    let mut outcome = check(&evidence, bar);
    let void: Vec<Finding> =
        outcome.findings.iter().filter(|finding| finding.fault.voids_digest()).cloned().collect();
    if !void.is_empty() {
        // What such digests name counts for nothing.
        evidence.digests.retain(|file| void.iter().all(|finding| finding.place != file.name));
        outcome = check(&evidence, bar);
    }
    beside.findings = void;
    beside.unproven = outcome.unproven;
    let mut wrong = 0;
    for finding in outcome.findings {
        match &finding.fault {
            Fault::LogChanged => {
                let same = evidence.logs.iter().filter(|file| is_same_place(&file.name, &finding.place));
                beside.refused.extend(same.flat_map(|file| file.pieces.iter().cloned()));
                wrong += 1;
            }
            fault if fault.is_absence() => {
                wrong += u64::from(*fault == Fault::LogMissing);
                beside.missing += 1;
            }
            Fault::LogUnreadable | Fault::LogMoved => {
                wrong += 1;
                beside.findings.push(finding);
            }
            // Reported above, or of no consequence for what is imported.
            fault if fault.voids_digest() => {}
            _ => beside.findings.push(finding),
        }
    }
    beside.matching = outcome.log_files.saturating_sub(wrong);
    Ok(Some(beside))
}
