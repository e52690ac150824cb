//! The anchor file: heads of chains, kept where whoever can change the bucket cannot.

use serde::{Deserialize, Serialize};

use super::judge::PublicKeys;
use crate::trail::digest::document::ChainName;

/// `{"version":1,"chains":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anchor {
    pub version: u8,
    pub chains: Vec<ChainAnchor>,
}

/// The newest digest of a chain when the anchor was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainAnchor {
    #[serde(flatten)]
    pub name: ChainName,
    pub digest: u64,
    pub records: u64,
    pub head: String,
    /// By the key of the fingerprint, over the head's hexadecimal text; absent in what a store knows of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_signature: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_fingerprint: Option<String>,
}

impl Anchor {
    pub const VERSION: u8 = 1;

    pub fn new(chains: Vec<ChainAnchor>) -> Self {
        Self { version: Self::VERSION, chains }
    }

    /// Reads an anchor file; the error says what is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let anchor: Self = serde_json::from_slice(text).map_err(|error| format!("not an anchor: {error}"))?;
        if anchor.version == Self::VERSION {
            Ok(anchor)
        } else {
            Err("an anchor of an unknown version".into())
        }
    }
}

impl ChainAnchor {
    /// Whether its signature holds; `None` where that cannot be told.
    pub(super) fn is_signed(&self, keys: &PublicKeys) -> Option<bool> {
        let (signature, fingerprint) = (self.head_signature.as_ref()?, self.public_key_fingerprint.as_ref()?);
        keys.verify(fingerprint, self.head.as_bytes(), signature)
    }
}
