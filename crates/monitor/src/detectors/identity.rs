//! What a model is of, told apart by a digest: one statistic of one metric, or an expression over such.
//!
//! The digest of an expression is made of the digests of its parts, so that it does not matter under which ids they were
//! asked for, nor whether a part has a query of its own.

use keywatch_crypto::digest::sha256_of;

const BYTES: usize = 16;

/// The same for the same metric and statistic, or for the same expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity([u8; BYTES]);

impl Identity {
    /// Of one statistic of a metric; dimensions are sorted by name. A unit only where the query names one.
    pub(crate) fn of_metric(
        namespace: &str,
        name: &str,
        dimensions: &[(String, String)],
        stat: &str,
        unit: Option<&str>,
    ) -> Self {
        let text = serde_json::json!([namespace, name, dimensions, stat, unit]).to_string();
        Self::of("metric", &[text.as_bytes()])
    }

    /// Of an operation on parts. Every part has a length of its own in front, so that no two lists look alike.
    pub(crate) fn of(operation: &str, parts: &[&[u8]]) -> Self {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_le_bytes()).collect();
        let mut all: Vec<&[u8]> = vec![operation.as_bytes(), &[0]];
        for (length, part) in lengths.iter().zip(parts) {
            all.extend([length.as_slice(), part]);
        }
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&sha256_of(&all)[..BYTES]);
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A number from 0 to `below`, spread evenly over identities.
    pub(super) fn share(&self, below: u64) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(first) % below.max(1)
    }

    /// 32 hexadecimal digits.
    pub(super) fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// What [`Self::hex`] wrote.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn parts_are_told_apart() {
        let of =
            |parts: &[&str]| Identity::of("x", &parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
        assert_eq!(Identity::from_hex(&of(&["a"]).hex()), Some(of(&["a"])));
        assert_eq!(Identity::from_hex("no"), None);
        assert!(of(&["a"]).share(10) < 10);
    }
}
