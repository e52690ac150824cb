//! Chains made here and spoiled: each fault is found, and nothing is found in a whole chain.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_crypto::digest::sha256;
use keywatch_crypto::signing::SigningKeyPair;
use md5::{Digest as _, Md5};

use super::*;
use crate::trail::digest::document::{
    ChainName, Digest, HASH_ALGORITHM, Link, ListedFile, Numbers, SIGNATURE_ALGORITHM, wire_time,
};

const FILES_PER_DIGEST: u64 = 2;
const RECORDS_PER_FILE: u64 = 10;

struct Maker {
    pair: SigningKeyPair,
    linked: bool,
}

impl Maker {
    fn new(linked: bool) -> Self {
        Self { pair: SigningKeyPair::generate().unwrap(), linked }
    }

    fn keys(&self) -> PublicKeys {
        let mut keys = PublicKeys::default();
        let value = BASE64.encode(self.pair.public_pkcs1_der());
        let list =
            serde_json::json!({ "PublicKeyList": [{ "Value": value, "Fingerprint": "not believed" }] });
        keys.add_list(list.to_string().as_bytes()).unwrap();
        keys
    }

    /// A chain of so many hours; the signatures of metadata are known or not.
    fn chain(&self, hours: u64, with_metadata: bool) -> Vec<DigestFile> {
        let name = ChainName {
            account: "111122223333".into(),
            region: "us-east-1".into(),
            trail: "t".into(),
            home_region: "us-east-1".into(),
        };
        let mut made: Vec<(DigestFile, String)> = Vec::new();
        for hour in 0..hours {
            let start = jiff::Timestamp::from_second(1_793_606_400 + hour as i64 * 3_600).unwrap();
            let end = start + jiff::SignedDuration::from_hours(1);
            let object = name.object(None, end);
            let before = made.last();
            let mut digest = Digest {
                aws_account_id: name.account.clone(),
                digest_start_time: wire_time(start),
                digest_end_time: wire_time(end),
                digest_s3_bucket: "b".into(),
                digest_s3_object: object.clone(),
                digest_public_key_fingerprint: hex::encode(Md5::digest(self.pair.public_pkcs1_der())),
                digest_signature_algorithm: SIGNATURE_ALGORITHM.into(),
                newest_event_time: None,
                oldest_event_time: None,
                previous_digest_s3_bucket: before.map(|_| "b".into()),
                previous_digest_s3_object: before.map(|(file, _)| file.digest.digest_s3_object.clone()),
                previous_digest_hash_value: before.map(|(file, _)| file.hash.clone()),
                previous_digest_hash_algorithm: before.map(|_| HASH_ALGORITHM.into()),
                previous_digest_signature: before.map(|(_, signature)| signature.clone()),
                log_files: (0..FILES_PER_DIGEST)
                    .map(|index| listed(hour * FILES_PER_DIGEST + index, self.linked))
                    .collect(),
                keywatch_link: None,
            };
            if self.linked {
                let mut link = Link {
                    digest: hour + 1,
                    files: (hour + 1) * FILES_PER_DIGEST,
                    records: (hour + 1) * FILES_PER_DIGEST * RECORDS_PER_FILE,
                    ends: false,
                    previous_head: before
                        .and_then(|(file, _)| file.digest.keywatch_link.clone())
                        .map(|link| link.head),
                    head: String::new(),
                    head_signature: String::new(),
                };
                link.head = digest.head(&link);
                link.head_signature = hex::encode(self.pair.sign_sha256(link.head.as_bytes()));
                digest.keywatch_link = Some(link);
            }
            let text = digest.to_json();
            let signature = hex::encode(self.pair.sign_sha256(digest.string_to_sign(&text).as_bytes()));
            let known = with_metadata.then(|| signature.clone());
            let hash = hex::encode(sha256(&text));
            made.push((
                DigestFile { path: format!("/x/{object}"), hash, digest, signature: known },
                signature,
            ));
        }
        made.into_iter().map(|(file, _)| file).collect()
    }
}

fn listed(index: u64, linked: bool) -> ListedFile {
    let first_record = index * RECORDS_PER_FILE + 1;
    ListedFile {
        s3_bucket: "b".into(),
        s3_object: format!("AWSLogs/{index}"),
        hash_value: "00".into(),
        hash_algorithm: HASH_ALGORITHM.into(),
        newest_event_time: None,
        oldest_event_time: None,
        keywatch_records: linked.then_some(Numbers {
            file: index + 1,
            first_record,
            last_record: first_record + RECORDS_PER_FILE - 1,
        }),
    }
}

fn faults(verdict: &Verdict) -> Vec<Fault> {
    verdict.findings.iter().map(|finding| finding.fault.clone()).collect()
}

/// Judges a chain of six digests after `spoil`.
#[track_caller]
fn check(maker: &Maker, with_metadata: bool, spoil: impl FnOnce(&mut Vec<DigestFile>), want: &[Fault]) {
    let mut chain = maker.chain(6, with_metadata);
    spoil(&mut chain);
    chain.reverse();
    assert_eq!(faults(&judge(chain, &maker.keys(), &[])), want);
}

#[test]
fn whole_chains_are_proven() {
    let maker = Maker::new(true);
    for with_metadata in [true, false] {
        let verdict = judge(maker.chain(6, with_metadata), &maker.keys(), &[]);
        assert_eq!(faults(&verdict), []);
        let chain = &verdict.chains[0];
        assert_eq!((chain.digests, chain.log_files, chain.records, chain.unproven), (6, 12, 120, 0));
        assert_eq!((verdict.heads[0].digest, verdict.heads[0].records), (6, 120));
    }
    let unsigned = judge(maker.chain(6, true), &PublicKeys::default(), &[]);
    assert_eq!((faults(&unsigned), unsigned.chains[0].unproven), (vec![], 6));
}

#[test]
fn missing_digests_are_counted() {
    let maker = Maker::new(true);
    let gap = |from, to| [Fault::DigestsMissing { from, to }];
    check(&maker, false, |chain| drop(chain.drain(2..4)), &gap(3, 4));
    check(&maker, true, |chain| drop(chain.remove(1)), &gap(2, 2));
    check(&maker, true, |chain| drop(chain.drain(..2)), &gap(1, 2));
}

#[test]
fn changes_are_found() {
    let maker = Maker::new(true);
    let forger = Maker::new(true);
    let object = maker.chain(3, true)[2].digest.digest_s3_object.clone();
    check(
        &maker,
        true,
        |chain| chain[2].path = "/x/AWSLogs/elsewhere/".to_owned() + file_name(&object),
        &[Fault::DigestMoved { from: object.clone() }],
    );
    check(&maker, true, |chain| chain.push(chain[3].clone()), &[Fault::DigestDoubled]);
    check(
        &maker,
        true,
        |chain| chain[2].hash = "11".into(),
        &[Fault::DigestSignature, Fault::PreviousChanged],
    );
    check(&maker, true, |chain| chain[2].digest.log_files[0].hash_value = "01".into(), &[Fault::HeadWrong]);
    check(&maker, true, |chain| chain[2].signature = Some("00".into()), &[Fault::DigestSignature]);
    let theirs = hex::encode(Md5::digest(forger.pair.public_pkcs1_der()));
    check(
        &maker,
        true,
        |chain| chain[5] = forger.chain(6, true).remove(5),
        &[Fault::UnknownKey { fingerprint: theirs }, Fault::PreviousChanged, Fault::HeadBroken],
    );
}

/// Whoever holds the key can sign anything, but not so that numbers still agree.
#[test]
fn gaps_in_numbers_are_found() {
    let maker = Maker::new(true);
    let resign = |file: &mut DigestFile| {
        let mut link = file.digest.keywatch_link.clone().unwrap();
        link.head = file.digest.head(&link);
        link.head_signature = hex::encode(maker.pair.sign_sha256(link.head.as_bytes()));
        file.digest.keywatch_link = Some(link);
        let text = file.digest.to_json();
        file.hash = hex::encode(sha256(&text));
        let signed = file.digest.string_to_sign(&text);
        file.signature = Some(hex::encode(maker.pair.sign_sha256(signed.as_bytes())));
    };
    let spoil = |chain: &mut Vec<DigestFile>| {
        chain[5].digest.log_files.remove(0);
        resign(&mut chain[5]);
    };
    check(&maker, true, spoil, &[Fault::RecordsMissing { from: 101, to: 110 }]);
    let spoil = |chain: &mut Vec<DigestFile>| {
        chain[5].digest.log_files.remove(1);
        resign(&mut chain[5]);
    };
    check(&maker, true, spoil, &[Fault::RecordsMissing { from: 111, to: 120 }]);
    let spoil = |chain: &mut Vec<DigestFile>| {
        chain[5].digest.log_files[1] = chain[5].digest.log_files[0].clone();
        resign(&mut chain[5]);
    };
    check(&maker, true, spoil, &[Fault::NumbersOverlap, Fault::RecordsMissing { from: 111, to: 120 }]);
}

#[test]
fn an_anchor_shows_a_missing_end_and_proves_what_is_before() {
    let maker = Maker::new(true);
    let anchor = Anchor::new(judge(maker.chain(5, true), &maker.keys(), &[]).heads);
    let text = serde_json::to_vec(&anchor).unwrap();
    let anchor = Anchor::parse(&text).unwrap();
    let with = |chain, keys: &PublicKeys| judge(chain, keys, std::slice::from_ref(&anchor));
    let none = PublicKeys::default();
    assert_eq!(faults(&with(maker.chain(6, true), &maker.keys())), []);
    let later = with(maker.chain(6, false), &none);
    assert_eq!(
        (faults(&later), later.chains[0].unproven),
        (vec![], 1),
        "only the sixth is newer than the anchor"
    );
    let cut = |newest| [Fault::EndMissing { newest, anchored: 5 }];
    assert_eq!(faults(&with(maker.chain(3, true), &maker.keys())), cut(3));
    assert_eq!(faults(&with(Vec::new(), &maker.keys())), cut(0));
    let other = Maker::new(true);
    assert_eq!(faults(&with(other.chain(6, true), &none)), [Fault::AnchorDiffers { digest: 5 }]);
    let mut forged = anchor.clone();
    forged.chains[0].head = "00".repeat(32);
    assert_eq!(faults(&judge(maker.chain(6, true), &maker.keys(), &[forged])), [Fault::AnchorSignature]);
    assert!(Anchor::parse(b"{}").is_err());
}

/// Digests without links: what they name must be there.
#[test]
fn digests_of_aws_are_judged_by_its_rules() {
    let maker = Maker::new(false);
    let chain = maker.chain(6, false);
    let missing = chain[3].digest.digest_s3_object.clone();
    let verdict = judge(chain, &maker.keys(), &[]);
    assert_eq!(
        (faults(&verdict), verdict.chains[0].unproven),
        (vec![], 1),
        "nothing holds the newest signature"
    );
    check(&maker, true, |chain| drop(chain.drain(2..4)), &[Fault::DigestMissing { object: missing }]);
    check(&maker, true, |chain| chain[2].signature = Some("00".into()), &[Fault::DigestSignature]);
}

#[test]
fn names_tell_time_and_place() {
    let log = "111122223333_CloudTrail_us-east-1_20261102T0805Z_0123456789abcdef.json.gz";
    assert!(is_log_name(log) && !is_digest_name(log));
    assert!(!is_log_name("notes.json.gz") && !is_log_name("1_CloudTrail_x.json.gz"));
    assert!(is_same_place("/a/b/AWSLogs/1/x.gz", "prefix/AWSLogs/1/x.gz"));
    assert!(!is_same_place("/a/AWSLogs/2/x.gz", "AWSLogs/1/x.gz"));
    assert!(is_same_place("/flat/x.gz", "AWSLogs/1/x.gz"));
    let mut coverage = Coverage::default();
    let mut digest = Maker::new(false).chain(1, true).remove(0).digest;
    digest.digest_start_time = "2026-11-02T08:05:00Z".into();
    digest.digest_end_time = "2026-11-02T08:06:00Z".into();
    coverage.add(&digest);
    assert!(coverage.covers(log));
    assert!(!coverage.covers(&log.replace("T0805Z", "T0806Z")));
    assert!(!coverage.covers(&log.replace("us-east-1", "eu-west-1")));
    assert!(!coverage.covers("x"));
}
