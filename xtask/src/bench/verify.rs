//! `cargo xtask bench verify`: how fast a bucket's directory is proven.
//!
//! The corpus is the log files of `report`, with a digest for each twelve of them, signed and linked as the server does it. The binary
//! verifies it in full; the best of several rounds counts.

use super::measured::Measured;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::digest::sha256;
use keywatch_crypto::signing::SigningKeyPair;
use keywatch_monitor::trail::digest::document::{
    ChainName, Digest, HASH_ALGORITHM, Link, ListedFile, Numbers, SIGNATURE_ALGORITHM, wire_time,
};
use md5::{Digest as _, Md5};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RECORDS_PER_FILE: u64 = 3_000;
const FILES_PER_DIGEST: usize = 12;
const START: &str = "2026-10-01T00:00:00Z";
const BUCKET: &str = "bench";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Records to verify, in thousands
    #[arg(long, default_value_t = 1_000)]
    thousands: u64,
    #[command(flatten)]
    measured: Measured,
}

pub(crate) fn run(options: &Options) -> io::Result<()> {
    // A record of the corpus has some 1,580 bytes.
    let (logs, corpus) = options.measured.corpus(options.thousands * 1_600 / 1_000)?;
    let keys = options.measured.directory.join("verify-keys.json");
    let records = digest(&logs, &corpus.files, &keys)?;
    let binary = options.measured.binary.path()?;
    let mut best = Duration::MAX;
    for _ in 0..options.measured.rounds.max(1) {
        let start = Instant::now();
        let mut command = Command::new(&binary);
        command.args(["verify", "--format", "json", "--public-keys"]).arg(&keys).arg(&logs);
        let status = command.stdout(Stdio::null()).status()?;
        best = best.min(start.elapsed());
        if !status.success() {
            return Err(io::Error::other("the corpus was found invalid"));
        }
    }
    print(records, corpus.files.len(), corpus.text_bytes, best);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn print(records: u64, files: usize, text_bytes: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!("corpus           {records} records, {files} log files, {} MB text", text_bytes / 1_000_000);
    println!(
        "keywatch verify  {seconds:.2} s: {:.0} records/s, {:.0} MB/s text",
        records as f64 / seconds,
        text_bytes as f64 / 1e6 / seconds
    );
}

/// Writes the digests of all log files beside them, and the public key; gives the number of records.
fn digest(logs: &Path, files: &[PathBuf], keys: &Path) -> io::Result<u64> {
    let files: Vec<&PathBuf> =
        files.iter().filter(|file| !file.to_string_lossy().contains("Digest")).collect();
    let folder = logs.join("111122223333/CloudTrail-Digest");
    let _ = fs::remove_dir_all(&folder);
    let pair = SigningKeyPair::generate().map_err(|_| io::Error::other("no key"))?;
    let public = pair.public_pkcs1_der();
    let value = keywatch_api::Blob(public.clone());
    fs::write(keys, serde_json::to_vec(&serde_json::json!({ "PublicKeyList": [{ "Value": value }] }))?)?;
    let name = ChainName {
        account: "111122223333".into(),
        region: "us-east-1".into(),
        trail: "bench".into(),
        home_region: "us-east-1".into(),
    };
    let mut since: Timestamp = START.parse().map_err(io::Error::other)?;
    let mut before: Option<(Digest, String, String)> = None;
    let (mut number, mut records) = (0, 0);
    for (index, some) in files.chunks(FILES_PER_DIGEST).enumerate() {
        let end = since + SignedDuration::from_hours(1);
        let mut log_files = Vec::with_capacity(some.len());
        for file in some {
            number += 1;
            log_files.push(listed(logs, file, number, records)?);
            records += RECORDS_PER_FILE;
        }
        let previous = before.as_ref();
        let mut digest = Digest {
            aws_account_id: name.account.clone(),
            digest_start_time: wire_time(since),
            digest_end_time: wire_time(end),
            digest_s3_bucket: BUCKET.into(),
            digest_s3_object: name.object(None, end),
            digest_public_key_fingerprint: hex::encode(Md5::digest(&public)),
            digest_signature_algorithm: SIGNATURE_ALGORITHM.into(),
            newest_event_time: None,
            oldest_event_time: None,
            previous_digest_s3_bucket: previous.map(|_| BUCKET.into()),
            previous_digest_s3_object: previous.map(|(digest, ..)| digest.digest_s3_object.clone()),
            previous_digest_hash_value: previous.map(|(_, hash, _)| hash.clone()),
            previous_digest_hash_algorithm: previous.map(|_| HASH_ALGORITHM.into()),
            previous_digest_signature: previous.map(|(.., signature)| signature.clone()),
            log_files,
            keywatch_link: None,
        };
        let previous_head = previous.and_then(|(digest, ..)| digest.keywatch_link.as_ref());
        let mut link = Link {
            digest: index as u64 + 1,
            files: number,
            records,
            ends: false,
            previous_head: previous_head.map(|link| link.head.clone()),
            head: String::new(),
            head_signature: String::new(),
        };
        link.head = digest.head(&link);
        link.head_signature = hex::encode(pair.sign_sha256(link.head.as_bytes()));
        digest.keywatch_link = Some(link);
        let text = digest.to_json();
        let signature = hex::encode(pair.sign_sha256(digest.string_to_sign(&text).as_bytes()));
        write(&logs.join("..").join(&digest.digest_s3_object), &text)?;
        before = Some((digest, hex::encode(sha256(&text)), signature));
        since = end;
    }
    Ok(records)
}

fn listed(logs: &Path, file: &Path, number: u64, records: u64) -> io::Result<ListedFile> {
    let gzip = fs::read(file)?;
    let (_, size) = gzip.split_last_chunk().ok_or_else(|| io::Error::other("not gzip"))?;
    let mut text = vec![0; u32::from_le_bytes(*size) as usize];
    libdeflater::Decompressor::new().gzip_decompress(&gzip, &mut text).map_err(io::Error::other)?;
    let below = file.strip_prefix(logs).map_err(io::Error::other)?;
    Ok(ListedFile {
        s3_bucket: BUCKET.into(),
        s3_object: format!("AWSLogs/{}", below.display()),
        hash_value: hex::encode(sha256(&text)),
        hash_algorithm: HASH_ALGORITHM.into(),
        newest_event_time: None,
        oldest_event_time: None,
        keywatch_records: Some(Numbers {
            file: number,
            first_record: records + 1,
            last_record: records + RECORDS_PER_FILE,
        }),
    })
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut gzip = vec![0; compressor.gzip_compress_bound(text.len())];
    let length = compressor.gzip_compress(text, &mut gzip).map_err(io::Error::other)?;
    fs::create_dir_all(path.parent().ok_or_else(|| io::Error::other("no folder"))?)?;
    fs::write(path, &gzip[..length])
}
