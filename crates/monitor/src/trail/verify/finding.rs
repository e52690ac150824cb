//! What can be wrong.

use serde::Serialize;

/// Something that does not agree, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The object's key, or the chain (`trail in region of account`) where no one object is meant.
    pub place: String,
    #[serde(flatten)]
    pub fault: Fault,
}

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Fault {
    #[error("the digest cannot be read")]
    DigestUnreadable,
    #[error("the digest has been moved from {from}")]
    DigestMoved { from: String },
    #[error("the digest is there twice")]
    DigestDoubled,
    #[error("the signature of the digest is wrong")]
    DigestSignature,
    #[error("the digest is signed with an unknown key, {fingerprint}")]
    UnknownKey { fingerprint: String },
    #[error("the digest before is missing: {object}")]
    DigestMissing { object: String },
    #[error("{} missing", range("digest", "digests", *.from, *.to))]
    DigestsMissing { from: u64, to: u64 },
    #[error("the digest before has changed: its hash is another one")]
    PreviousChanged,
    #[error("the head of the digest does not follow from what it lists")]
    HeadWrong,
    #[error("the digest does not follow the one before: that had another head")]
    HeadBroken,
    #[error("{} missing: nothing lists them", range("record", "records", *.from, *.to))]
    RecordsMissing { from: u64, to: u64 },
    #[error("the numbers of files or records overlap")]
    NumbersOverlap,
    #[error("the end is missing: the newest digest is {newest}, and {anchored} is known")]
    EndMissing { newest: u64, anchored: u64 },
    #[error("digest {digest} is another one than the anchor knows")]
    AnchorDiffers { digest: u64 },
    #[error("the signature of the anchor is wrong")]
    AnchorSignature,
    #[error("the log file is missing")]
    LogMissing,
    #[error("the log file has changed: its hash is another one")]
    LogChanged,
    #[error("the log file cannot be read")]
    LogUnreadable,
    #[error("the log file lies elsewhere than the digest says")]
    LogMoved,
    #[error("no digest lists the log file, although one covers its time")]
    LogUnlisted,
}

impl Fault {
    /// Whether a digest with this fault says nothing of log files any more.
    pub fn voids_digest(&self) -> bool {
        matches!(
            self,
            Self::DigestUnreadable
                | Self::DigestMoved { .. }
                | Self::DigestSignature
                | Self::UnknownKey { .. }
                | Self::HeadWrong
        )
    }

    /// Whether only something is not there, as in a copy of a part of a bucket.
    pub fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::DigestMissing { .. }
                | Self::DigestsMissing { .. }
                | Self::RecordsMissing { .. }
                | Self::EndMissing { .. }
                | Self::LogMissing
        )
    }
}

fn range(one: &str, many: &str, from: u64, to: u64) -> String {
    if from == to { format!("{one} {from} is") } else { format!("{many} {from} to {to} are") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_well() {
        assert_eq!(Fault::DigestsMissing { from: 2, to: 2 }.to_string(), "digest 2 is missing");
        assert_eq!(Fault::DigestsMissing { from: 2, to: 4 }.to_string(), "digests 2 to 4 are missing");
        let finding = Finding { place: "k".into(), fault: Fault::EndMissing { newest: 1, anchored: 2 } };
        let json = serde_json::to_string(&finding).unwrap();
        assert_eq!(json, r#"{"place":"k","fault":"endMissing","newest":1,"anchored":2}"#);
    }
}
