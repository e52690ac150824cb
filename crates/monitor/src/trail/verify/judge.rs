//! The judgement over digests. Pure.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_crypto::signing::verifies_sha256;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::anchor::{Anchor, ChainAnchor};
use super::finding::{Fault, Finding};
use super::names::is_same_place;
use crate::trail::digest::document::{ChainName, Digest, Link, string_to_sign};

/// A digest that was found and could be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DigestFile {
    /// Where it lies: an object's key, or a path.
    pub path: String,
    /// SHA-256 of its text, in hexadecimal.
    pub hash: String,
    pub digest: Digest,
    /// The metadata `signature`, where it is known.
    pub signature: Option<String>,
}

/// Public keys by their fingerprints.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(HashMap<String, Vec<u8>>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyList {
    public_key_list: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    value: String,
}

impl PublicKeys {
    /// Adds a key in PKCS#1; its fingerprint is computed, not believed.
    pub fn add(&mut self, public: Vec<u8>) {
        self.0.insert(hex::encode(Md5::digest(&public)), public);
    }

    /// Adds what `aws cloudtrail list-public-keys --output json` printed.
    pub fn add_list(&mut self, json: &[u8]) -> Result<(), String> {
        let list: KeyList = serde_json::from_slice(json)
            .map_err(|error| format!("not an answer of ListPublicKeys: {error}"))?;
        for key in list.public_key_list {
            self.add(BASE64.decode(key.value).map_err(|_| "a key in it is not base64".to_owned())?);
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the key with this fingerprint is among them.
    pub fn knows(&self, fingerprint: &str) -> bool {
        self.0.contains_key(fingerprint)
    }

    /// The keys in PKCS#1.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.0.values().map(Vec::as_slice)
    }

    /// Whether a signature in hexadecimal holds; `None` for an unknown key.
    pub(super) fn verify(&self, fingerprint: &str, message: &[u8], signature: &str) -> Option<bool> {
        let public = self.0.get(fingerprint)?;
        Some(hex::decode(signature).is_ok_and(|signature| verifies_sha256(public, message, &signature)))
    }
}

/// A chain that was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainSummary {
    #[serde(flatten)]
    pub name: ChainName,
    pub digests: u64,
    pub log_files: u64,
    /// As numbered; 0 for digests of AWS.
    pub records: u64,
    pub since: String,
    pub until: String,
    /// Digests that neither a signature nor an anchor proves.
    pub unproven: u64,
}

/// The judgement.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub chains: Vec<ChainSummary>,
    pub findings: Vec<Finding>,
    /// The heads that were found, signed as the digests say.
    pub heads: Vec<ChainAnchor>,
    /// Where the digests lie that neither a signature nor an anchor proves.
    pub unproven: Vec<String>,
}

/// Judges digests in any order.
pub fn judge(digests: Vec<DigestFile>, keys: &PublicKeys, anchors: &[Anchor]) -> Verdict {
    let mut chains: BTreeMap<ChainName, Vec<DigestFile>> = BTreeMap::new();
    let mut verdict = Verdict::default();
    for file in digests {
        match file.digest.chain_name() {
            Some(name) => chains.entry(name).or_default().push(file),
            None => verdict.findings.push(Finding { place: file.path, fault: Fault::DigestUnreadable }),
        }
    }
    let anchored = |name: &ChainName| -> Vec<&ChainAnchor> {
        anchors.iter().flat_map(|anchor| &anchor.chains).filter(|chain| chain.name == *name).collect()
    };
    for anchor in anchors.iter().flat_map(|anchor| &anchor.chains) {
        if !chains.contains_key(&anchor.name) && anchor.digest > 0 {
            let fault = Fault::EndMissing { newest: 0, anchored: anchor.digest };
            verdict.findings.push(Finding { place: shown(&anchor.name), fault });
        }
    }
    for (name, mut files) in chains {
        files.sort_by(|one, other| order(one).cmp(&order(other)));
        let mut chain = Chain { name: &name, files: &files, keys, findings: Vec::new(), proven: Vec::new() };
        chain.judge(&anchored(&name));
        verdict.chains.push(chain.summary());
        verdict.heads.extend(chain.newest());
        verdict.unproven.extend(chain.unproven());
        verdict.findings.append(&mut chain.findings);
    }
    verdict
}

fn order(file: &DigestFile) -> (u64, &str) {
    (number(file).unwrap_or(0), &file.digest.digest_end_time)
}

fn number(file: &DigestFile) -> Option<u64> {
    file.digest.keywatch_link.as_ref().map(|link| link.digest)
}

/// `trail in us-east-1 of 000000000000`
fn shown(name: &ChainName) -> String {
    format!("{} in {} of {}", name.trail, name.region, name.account)
}

struct Chain<'a> {
    name: &'a ChainName,
    files: &'a [DigestFile],
    keys: &'a PublicKeys,
    findings: Vec<Finding>,
    /// Of each digest, whether something proves it.
    proven: Vec<bool>,
}

impl Chain<'_> {
    fn judge(&mut self, anchors: &[&ChainAnchor]) {
        for index in 0..self.files.len() {
            let proven = self.one(index);
            self.proven.push(proven);
            match index.checked_sub(1) {
                Some(before) => self.follows(before, index),
                None => self.begins(),
            }
        }
        for anchor in anchors {
            self.holds(anchor);
        }
    }

    fn find(&mut self, index: usize, fault: Fault) {
        self.findings.push(Finding { place: self.files[index].path.clone(), fault });
    }

    /// One digest by itself; gives whether its signature proves it.
    fn one(&mut self, index: usize) -> bool {
        let file = &self.files[index];
        let digest = &file.digest;
        if !is_same_place(&file.path, &digest.digest_s3_object) {
            self.find(index, Fault::DigestMoved { from: digest.digest_s3_object.clone() });
        }
        let link = digest.keywatch_link.as_ref();
        if link.is_some_and(|link| digest.head(link) != link.head) {
            self.find(index, Fault::HeadWrong);
            return false;
        }
        if self.keys.is_empty() {
            return false;
        }
        let fingerprint = &digest.digest_public_key_fingerprint;
        let previous = digest.previous_digest_signature.as_deref().unwrap_or("null");
        let (end, bucket, object) =
            (&digest.digest_end_time, &digest.digest_s3_bucket, &digest.digest_s3_object);
        let signed = string_to_sign(end, bucket, object, &file.hash, previous);
        // A copy that lost its metadata has its signature in the digest that follows.
        let next = self.files.get(index + 1).map(|next| &next.digest);
        let next = next.filter(|next| next.previous_digest_s3_object.as_ref() == Some(object));
        let signature =
            file.signature.as_ref().or(next.and_then(|next| next.previous_digest_signature.as_ref()));
        let whole = signature.map(|signature| self.keys.verify(fingerprint, signed.as_bytes(), signature));
        let head = link.map(|link| self.keys.verify(fingerprint, link.head.as_bytes(), &link.head_signature));
        match (whole, head) {
            (Some(None), _) | (_, Some(None)) => {
                self.find(index, Fault::UnknownKey { fingerprint: fingerprint.clone() });
                false
            }
            (Some(Some(false)), _) | (_, Some(Some(false))) => {
                self.find(index, Fault::DigestSignature);
                false
            }
            (None, None) => false,
            _ => true,
        }
    }

    fn begins(&mut self) {
        let first = &self.files[0];
        match (number(first), &first.digest.previous_digest_s3_object) {
            (Some(1), _) | (None, None) => {}
            (Some(number), _) => {
                self.find(0, Fault::DigestsMissing { from: 1, to: number.saturating_sub(1) })
            }
            (None, Some(object)) => self.find(0, Fault::DigestMissing { object: object.clone() }),
        }
        if let Some(link) = &first.digest.keywatch_link
            && link.digest == 1
        {
            self.numbers(0, (0, 0));
        }
    }

    /// A digest against the one before it.
    fn follows(&mut self, before: usize, index: usize) {
        let (previous, file) = (&self.files[before], &self.files[index]);
        if previous.digest.digest_s3_object == file.digest.digest_s3_object {
            self.find(index, Fault::DigestDoubled);
            return;
        }
        let links = previous.digest.keywatch_link.as_ref().zip(file.digest.keywatch_link.as_ref());
        let names = file.digest.previous_digest_s3_object.as_ref();
        let is_next = match (links, names) {
            (Some((one, two)), _) => two.digest == one.digest + 1,
            (None, Some(object)) => *object == previous.digest.digest_s3_object,
            (None, None) => false,
        };
        if is_next {
            self.agrees(before, index, links);
        } else if let Some((one, two)) = links {
            let (from, to) = (one.digest + 1, two.digest.saturating_sub(1));
            self.find(
                index,
                if from <= to { Fault::DigestsMissing { from, to } } else { Fault::DigestDoubled },
            );
            // Numbers inside the digest must still agree with each other.
            if let Some(numbers) = file.digest.log_files.first().and_then(|file| file.keywatch_records) {
                self.numbers(index, (numbers.file.saturating_sub(1), numbers.first_record.saturating_sub(1)));
            }
        } else if let Some(object) = names {
            self.find(index, Fault::DigestMissing { object: object.clone() });
        }
    }

    /// A digest and its direct predecessor.
    fn agrees(&mut self, before: usize, index: usize, links: Option<(&Link, &Link)>) {
        let (previous, file) = (&self.files[before], &self.files[index]);
        let digest = &file.digest;
        if digest.previous_digest_s3_object.is_some() {
            let same_place =
                digest.previous_digest_s3_object.as_ref() == Some(&previous.digest.digest_s3_object);
            let same_hash = digest.previous_digest_hash_value.as_ref() == Some(&previous.hash);
            if !(same_place && same_hash) {
                self.find(index, Fault::PreviousChanged);
            }
        }
        if let Some((one, two)) = links {
            if two.previous_head.as_ref() != Some(&one.head) {
                self.find(index, Fault::HeadBroken);
            }
            self.numbers(index, (one.files, one.records));
        }
    }

    /// The numbers of files and records go on after `files` and `records`, and end where the link says.
    fn numbers(&mut self, index: usize, (mut files, mut records): (u64, u64)) {
        let digest = &self.files[index].digest;
        let mut faults = Vec::new();
        for numbers in digest.log_files.iter().filter_map(|file| file.keywatch_records) {
            if numbers.first_record > records + 1 {
                faults.push(Fault::RecordsMissing { from: records + 1, to: numbers.first_record - 1 });
            } else if numbers.first_record <= records
                || numbers.last_record < numbers.first_record
                || numbers.file != files + 1
            {
                faults.push(Fault::NumbersOverlap);
            }
            (files, records) = (numbers.file, numbers.last_record);
        }
        if let Some(link) = &digest.keywatch_link {
            if link.records > records {
                faults.push(Fault::RecordsMissing { from: records + 1, to: link.records });
            } else if (link.files, link.records) != (files, records) {
                faults.push(Fault::NumbersOverlap);
            }
        }
        for fault in faults {
            self.find(index, fault);
        }
    }

    fn holds(&mut self, anchor: &ChainAnchor) {
        let place = shown(self.name);
        if anchor.is_signed(self.keys) == Some(false) {
            self.findings.push(Finding { place, fault: Fault::AnchorSignature });
            return;
        }
        let newest = self.files.iter().filter_map(number).max().unwrap_or(0);
        if newest < anchor.digest {
            let fault = Fault::EndMissing { newest, anchored: anchor.digest };
            self.findings.push(Finding { place, fault });
            return;
        }
        let Some(at) = self.files.iter().position(|file| number(file) == Some(anchor.digest)) else { return };
        if self.files[at].digest.keywatch_link.as_ref().is_some_and(|link| link.head == anchor.head) {
            // Heads follow from heads: what is before is proven too, unless something above was found.
            if self.findings.is_empty() {
                self.proven[..=at].fill(true);
            }
        } else {
            self.find(at, Fault::AnchorDiffers { digest: anchor.digest });
        }
    }

    fn summary(&self) -> ChainSummary {
        let (first, last) = (&self.files[0].digest, &self.files[self.files.len() - 1].digest);
        let numbers = self
            .files
            .iter()
            .flat_map(|file| &file.digest.log_files)
            .filter_map(|file| file.keywatch_records);
        ChainSummary {
            name: self.name.clone(),
            digests: self.files.len() as u64,
            log_files: self.files.iter().map(|file| file.digest.log_files.len() as u64).sum(),
            records: numbers
                .map(|numbers| (numbers.last_record + 1).saturating_sub(numbers.first_record))
                .sum(),
            since: first.digest_start_time.clone(),
            until: last.digest_end_time.clone(),
            unproven: self.proven.iter().filter(|proven| !**proven).count() as u64,
        }
    }

    fn unproven(&self) -> impl Iterator<Item = String> {
        let proven = self.files.iter().zip(&self.proven);
        proven.filter(|(_, proven)| !**proven).map(|(file, _)| file.path.clone())
    }

    /// The newest head, as an anchor.
    fn newest(&self) -> Option<ChainAnchor> {
        let digest = &self.files.last()?.digest;
        let link = digest.keywatch_link.as_ref()?;
        Some(ChainAnchor {
            name: self.name.clone(),
            digest: link.digest,
            records: link.records,
            head: link.head.clone(),
            head_signature: Some(link.head_signature.clone()),
            public_key_fingerprint: Some(digest.digest_public_key_fingerprint.clone()),
        })
    }
}
