//! Reads digests and log files with all processors, and joins what was found with the judgement over the digests.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;
use keywatch_crypto::digest::sha256;
use keywatch_monitor::trail::digest::document::{Digest, ListedFile};
use keywatch_monitor::trail::verify::{
    ChainAnchor, ChainSummary, Coverage, DigestFile, Fault, Finding, Inflater, file_name, is_same_place,
    judge,
};
use serde::Serialize;

use super::evidence::{Evidence, EvidenceFile};

/// More threads than this only wait for the disk.
const THREADS_MAX: usize = 64;

/// The outcome.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) valid: bool,
    pub(super) digests: u64,
    /// Log files that digests list.
    pub(super) log_files: u64,
    pub(super) records: u64,
    pub(super) text_bytes: u64,
    /// Digests that neither a signature nor an anchor proves.
    pub(super) unproven: u64,
    /// Log files that wait for their digest, as the store says.
    pub(super) waiting: u64,
    /// Log files of times that no digest covers.
    pub(super) uncovered: u64,
    pub(super) chains: Vec<ChainSummary>,
    pub(super) findings: Vec<Finding>,
    #[serde(skip)]
    pub(super) heads: Vec<ChainAnchor>,
}

/// Checks everything.
pub(super) fn check(evidence: &Evidence, bar: &ProgressBar) -> Outcome {
    let mut outcome = Outcome::default();
    let read = in_parallel(&evidence.digests, |inflater, file| {
        bar.inc(file.bytes);
        read_digest(inflater, file)
    });
    let mut digests = Vec::with_capacity(read.len());
    for digest in read {
        match digest {
            Ok(digest) => digests.push(digest),
            Err(finding) => outcome.findings.push(finding),
        }
    }
    check_logs(evidence, &digests, bar, &mut outcome);
    outcome.digests = evidence.digests.len() as u64;
    let verdict = judge(digests, &evidence.keys, &evidence.anchors);
    outcome.findings.extend(verdict.findings);
    outcome.findings.sort();
    outcome.findings.dedup();
    outcome.records = verdict.chains.iter().map(|chain| chain.records).sum();
    outcome.unproven = verdict.chains.iter().map(|chain| chain.unproven).sum();
    outcome.chains = verdict.chains;
    outcome.heads = verdict.heads;
    outcome.valid = outcome.findings.is_empty() && outcome.unproven == 0;
    outcome
}

fn read_digest(inflater: &mut Inflater, file: &EvidenceFile) -> Result<DigestFile, Finding> {
    let unreadable = || Finding { place: file.name.clone(), fault: Fault::DigestUnreadable };
    let bytes = file.read().ok_or_else(unreadable)?;
    let text = inflater.text(&bytes).map_err(|_| unreadable())?;
    Ok(DigestFile {
        path: file.name.clone(),
        hash: hex::encode(sha256(text)),
        digest: Digest::parse(text).ok_or_else(unreadable)?,
        signature: file.signature.clone(),
    })
}

fn check_logs(evidence: &Evidence, digests: &[DigestFile], bar: &ProgressBar, outcome: &mut Outcome) {
    let mut by_name: HashMap<&str, Vec<&EvidenceFile>> = HashMap::with_capacity(evidence.logs.len());
    for file in &evidence.logs {
        by_name.entry(file_name(&file.name)).or_default().push(file);
    }
    let of_digests = digests.iter().flat_map(|digest| &digest.digest.log_files);
    let listed: Vec<&ListedFile> = of_digests.chain(&evidence.waiting).collect();
    let text_bytes = AtomicU64::new(0);
    let faults = in_parallel(&listed, |inflater, listed| {
        let candidates = by_name.get(file_name(&listed.s3_object)).map_or(&[][..], Vec::as_slice);
        let Some(file) = nearest(candidates, listed) else { return Some(Fault::LogMissing) };
        bar.inc(file.bytes);
        if !is_same_place(&file.name, &listed.s3_object) {
            return Some(Fault::LogMoved);
        }
        let Some(bytes) = file.read() else { return Some(Fault::LogUnreadable) };
        match inflater.hash(&bytes) {
            Ok((hash, length)) => {
                text_bytes.fetch_add(length as u64, Ordering::Relaxed);
                (hash != listed.hash_value).then_some(Fault::LogChanged)
            }
            Err(_) => Some(Fault::LogUnreadable),
        }
    });
    for (listed, fault) in listed.iter().zip(faults) {
        outcome.findings.extend(fault.map(|fault| Finding { place: listed.s3_object.clone(), fault }));
    }
    let mut coverage = Coverage::default();
    digests.iter().for_each(|digest| coverage.add(&digest.digest));
    let names: HashSet<&str> = listed.iter().map(|listed| file_name(&listed.s3_object)).collect();
    for file in evidence.logs.iter().filter(|file| !names.contains(file_name(&file.name))) {
        if coverage.covers(file_name(&file.name)) {
            outcome.findings.push(Finding { place: file.name.clone(), fault: Fault::LogUnlisted });
        } else {
            outcome.uncovered += 1;
        }
    }
    outcome.log_files = (listed.len() - evidence.waiting.len()) as u64;
    outcome.waiting = evidence.waiting.len() as u64;
    outcome.text_bytes = text_bytes.into_inner();
}

/// Of files with one name the one that lies as the digest says, bucket and all if that can be told.
fn nearest<'f>(candidates: &[&'f EvidenceFile], listed: &ListedFile) -> Option<&'f EvidenceFile> {
    let whole = format!("{}/{}", listed.s3_bucket, listed.s3_object);
    let ends = |text: &str| candidates.iter().find(|file| file.name.ends_with(text));
    let same = || candidates.iter().find(|file| is_same_place(&file.name, &listed.s3_object));
    ends(&whole).or_else(|| ends(&listed.s3_object)).or_else(same).or(candidates.first()).copied()
}

/// Results in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&mut Inflater, &T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads =
        thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX).min(items.len()).max(1);
    let run = || {
        let mut inflater = Inflater::default();
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(&mut inflater, item)));
        }
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let join = |thread: thread::ScopedJoinHandle<'_, Vec<(usize, R)>>| match thread.join() {
            Ok(part) => part,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        std::iter::once(own).chain(others.into_iter().map(join)).flatten().collect()
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
