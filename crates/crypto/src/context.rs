//! The encryption context in canonical form: what authenticated data an envelope carries besides its header.
//!
//! **Invariants:** equal maps give equal bytes whatever their order; different maps give different bytes; an empty
//! context and an absent one are the same, and empty.
//! **Not here:** conditions on contexts (`keywatch-iam`), their form on the wire.

/// A context as bytes. Not secret: AWS logs it in clear, and so do we.
///
/// The bytes are, for n pairs sorted by the bytes of their keys: n, then for each pair the key's length, the key,
/// the value's length, the value; numbers are 32 bits, big-endian. Nothing at all for n = 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext {
    canonical: Vec<u8>,
}

/// Longest canonical form we take, in bytes. AWS publishes 8,192 as what an external key store must take.
pub const CONTEXT_BYTES_MAX: usize = 64 * 1024;

/// Pairs that are no context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedContext {
    /// A map cannot hold one key twice.
    #[error("the encryption context names a key twice")]
    DuplicateKey,
    #[error("the encryption context is longer than {CONTEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl EncryptionContext {
    /// No context.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The context of these pairs, in whatever order they come.
    pub fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, MalformedContext> {
        let mut pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        if pairs.is_empty() {
            return Ok(Self::empty());
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(MalformedContext::DuplicateKey);
        }
        let length = pairs.iter().fold(LENGTH_BYTES, |sum, (key, value)| {
            sum.saturating_add(2 * LENGTH_BYTES).saturating_add(key.len()).saturating_add(value.len())
        });
        if length > CONTEXT_BYTES_MAX {
            return Err(MalformedContext::TooLong);
        }
        let mut canonical = Vec::with_capacity(length);
        push_length(&mut canonical, pairs.len());
        for (key, value) in pairs {
            push_text(&mut canonical, key);
            push_text(&mut canonical, value);
        }
        Ok(Self { canonical })
    }

    /// The canonical bytes; empty for an empty context.
    pub fn as_bytes(&self) -> &[u8] {
        &self.canonical
    }

    pub fn is_empty(&self) -> bool {
        self.canonical.is_empty()
    }
}

const LENGTH_BYTES: usize = 4;

/// Appends the length of `text` and `text`. The caller bounds the whole far below 2^32.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &str) {
    push_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("lengths are bounded by the caller");
    out.extend_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], want: &str) {
        let context = EncryptionContext::from_pairs(pairs.iter().copied()).expect("a context");
        assert_eq!(hex::encode(context.as_bytes()), want);
        let reversed = EncryptionContext::from_pairs(pairs.iter().rev().copied()).expect("a context");
        assert_eq!(context, reversed);
    }

    #[test]
    fn the_canonical_form_is_fixed() {
        check(&[], "");
        check(&[("", "")], "000000010000000000000000");
        check(&[("a", "b")], "0000000100000001610000000162");
        check(&[("é", "1"), ("Z", "2")], "00000002000000015a000000013200000002c3a90000000131");
    }

    #[test]
    fn one_key_twice_is_no_map() {
        let twice = EncryptionContext::from_pairs([("a", "1"), ("b", "2"), ("a", "1")]);
        assert_eq!(twice, Err(MalformedContext::DuplicateKey));
    }

    #[test]
    fn the_length_is_bounded() {
        let fits = "x".repeat(CONTEXT_BYTES_MAX - 12);
        assert!(EncryptionContext::from_pairs([("", fits.as_str())]).is_ok());
        let over = "x".repeat(CONTEXT_BYTES_MAX - 11);
        assert_eq!(EncryptionContext::from_pairs([("", over.as_str())]), Err(MalformedContext::TooLong));
    }

    fn context_of(map: &BTreeMap<String, String>) -> EncryptionContext {
        EncryptionContext::from_pairs(map.iter().map(|(k, v)| (k.as_str(), v.as_str()))).expect("a context")
    }

    proptest! {
        // A small alphabet makes neighbours such as ("ab", "") and ("a", "b") likely.
        #[test]
        fn different_maps_have_different_bytes(
            left in prop::collection::btree_map("[ab\0]{0,3}", "[ab\0]{0,3}", 0..4),
            right in prop::collection::btree_map("[ab\0]{0,3}", "[ab\0]{0,3}", 0..4),
        ) {
            prop_assert_eq!(left == right, context_of(&left) == context_of(&right));
        }
    }
}
