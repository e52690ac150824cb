//! Digests of a source: judged as `keywatch verify` judges them, each against the newest one before it; then what they name is
//! held against the log files.

use std::collections::{BTreeMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_api::WireTime;
use keywatch_store::Transaction;
use serde::{Deserialize, Serialize};

use super::http::JsonCall;
use super::intake::{Change, Fetched, Intake, Marks};
use super::listed;
use super::location::checked_url;
use super::poll::PollError;
use super::record::{CHAIN, ChainRecord, ProgressRecord, part_key};
use super::secret;
use crate::trail::digest::document::{ChainName, Digest};
use crate::trail::verify::{DigestFile, Fault, Finding, Inflater, PublicKeys, judge};

/// Around a digest's time, in which its key is asked for; as `aws cloudtrail validate-logs` does.
const KEY_SPAN: SignedDuration = SignedDuration::from_hours(2);
const PUBLIC_KEYS_MAX: usize = 1_000;

/// Digests that were read.
#[derive(Debug, Default)]
pub(super) struct Read {
    digests: Vec<(ChainName, DigestFile)>,
    unreadable: Vec<String>,
    /// Public keys that were asked for, PKCS#1 in base64.
    keys: Vec<String>,
}

/// Reads, judges and notes digests of any chains, in one commit with `marks`.
pub(super) async fn take(intake: &Intake<'_>, files: Vec<Fetched>, marks: Marks) -> Result<(), PollError> {
    let read = tokio::task::spawn_blocking(move || read_all(files)).await;
    let mut read = read.map_err(|_| PollError::Remote("reading a digest was broken off".into()))?;
    read.keys = fetch_keys(intake, &read.digests).await?;
    intake.commit(&marks, &Change::Digests(&read)).await
}

/// Notes what was read.
pub(super) async fn note(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    read: &Read,
) -> Result<(), PollError> {
    let room = PUBLIC_KEYS_MAX.saturating_sub(progress.fetched_keys.len());
    progress.fetched_keys.extend(read.keys.iter().take(room).cloned());
    for name in &read.unreadable {
        progress.digests_invalid += 1;
        progress.find(intake.now(), name, &Fault::DigestUnreadable.to_string());
    }
    let mut chains: BTreeMap<&ChainName, Vec<DigestFile>> = BTreeMap::new();
    for (name, digest) in &read.digests {
        chains.entry(name).or_default().push(digest.clone());
    }
    for (name, new) in chains {
        note_chain(intake, tx, progress, name, new).await?;
    }
    Ok(())
}

fn read_all(files: Vec<Fetched>) -> Read {
    let mut read = Read::default();
    let mut inflater = Inflater::default();
    for file in files {
        match read_one(&mut inflater, &file) {
            Some(digest) => read.digests.push(digest),
            None => read.unreadable.push(file.name),
        }
    }
    read
}

fn read_one(inflater: &mut Inflater, file: &Fetched) -> Option<(ChainName, DigestFile)> {
    let text = inflater.text(&file.body).ok()?;
    let digest = Digest::parse(text)?;
    let hash = hex::encode(keywatch_crypto::digest::sha256(text));
    let name = digest.chain_name()?;
    Some((name, DigestFile { path: file.name.clone(), hash, digest, signature: file.signature.clone() }))
}

async fn note_chain(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    name: &ChainName,
    mut new: Vec<DigestFile>,
) -> Result<(), PollError> {
    let row = part_key(
        &intake.source.id,
        &format!("{}/{}/{}/{}", name.account, name.region, name.home_region, name.trail),
    );
    let before = tx.get::<ChainRecord>(CHAIN, &row).await?.map(|record| record.newest);
    new.retain(|file| before.as_ref().is_none_or(|before| before.path != file.path));
    let Some(newest) = new.iter().max_by_key(|file| file.digest.digest_end_time.clone()).cloned() else {
        return Ok(());
    };
    let is_later =
        before.as_ref().is_none_or(|before| before.digest.digest_end_time < newest.digest.digest_end_time);
    let keys = keys_of(intake, progress);
    let judged: Vec<DigestFile> = before.into_iter().chain(new.iter().cloned()).collect();
    let verdict = judge(judged, &keys, &[]);
    let ours: HashSet<&str> = new.iter().map(|file| file.path.as_str()).collect();
    let findings: Vec<&Finding> =
        verdict.findings.iter().filter(|finding| ours.contains(finding.place.as_str())).collect();
    let unproven: HashSet<&str> = verdict.unproven.iter().map(String::as_str).collect();
    let invalid: HashSet<&str> = findings
        .iter()
        .filter(|finding| finding.fault.voids_digest())
        .map(|finding| finding.place.as_str())
        .collect();
    for finding in &findings {
        progress.digests_missing += missing(&finding.fault);
        progress.find(intake.now(), &finding.place, &finding.fault.to_string());
    }
    for file in &new {
        if invalid.contains(file.path.as_str()) {
            progress.digests_invalid += 1;
            continue;
        }
        if unproven.contains(file.path.as_str()) {
            progress.digests_unproven += 1;
        } else {
            progress.digests_valid += 1;
        }
        for named in &file.digest.log_files {
            listed::note_named(intake, tx, progress, name, named).await?;
        }
    }
    if is_later {
        tx.put(CHAIN, &row, &ChainRecord { newest })?;
    }
    Ok(())
}

fn missing(fault: &Fault) -> u64 {
    match fault {
        Fault::DigestMissing { .. } => 1,
        Fault::DigestsMissing { from, to } => (to + 1).saturating_sub(*from),
        _ => 0,
    }
}

fn keys_of(intake: &Intake<'_>, progress: &ProgressRecord) -> PublicKeys {
    let mut keys = PublicKeys::default();
    for value in intake.source.public_keys.iter().chain(&progress.fetched_keys) {
        if let Ok(bytes) = BASE64.decode(value) {
            keys.add(bytes);
        }
    }
    keys
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Ask {
    start_time: WireTime,
    end_time: WireTime,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    public_key_list: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    value: String,
}

/// Asks the source's CloudTrail for the keys that signed `digests`, where that is allowed and they are not known.
async fn fetch_keys(
    intake: &Intake<'_>,
    digests: &[(ChainName, DigestFile)],
) -> Result<Vec<String>, PollError> {
    let (Some(http), true) = (intake.http, intake.source.fetch_public_keys) else { return Ok(Vec::new()) };
    let Some(credential) = secret::open(&intake.inner.keyring, intake.source)? else { return Ok(Vec::new()) };
    let known = intake.progress().await?;
    let keys = keys_of(intake, &known);
    let mut spans: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
    for (name, DigestFile { digest, .. }) in digests {
        if keys.knows(&digest.digest_public_key_fingerprint) {
            continue;
        }
        if let (Ok(start), Ok(end)) = (digest.digest_start_time.parse(), digest.digest_end_time.parse()) {
            for region in [&name.region, &name.home_region] {
                let span = spans.entry(region.clone()).or_insert((start, end));
                *span = (span.0.min(start), span.1.max(end));
            }
        }
    }
    let mut fetched = Vec::new();
    for (region, (start, end)) in spans {
        let url = match &intake.source.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://cloudtrail.{region}.amazonaws.com"),
        };
        let Some(url) = checked_url(&url) else { continue };
        let call = JsonCall {
            target: "CloudTrail_20131101.ListPublicKeys",
            content_type: "application/x-amz-json-1.1",
            service: "cloudtrail",
            region: &region,
            credential: &credential,
        };
        let ask = Ask { start_time: WireTime(start), end_time: WireTime(end + KEY_SPAN) };
        let answer: Answer =
            http.call(&url, &call, &ask).await.map_err(|error| PollError::Remote(error.to_string()))?;
        fetched.extend(answer.public_key_list.into_iter().map(|key| key.value));
    }
    Ok(fetched)
}
