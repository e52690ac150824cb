//! HMAC (RFC 2104, FIPS 198-1) under the keys of `HMAC_224` to `HMAC_512`.

use std::fmt;

use aws_lc_rs::hmac;

use crate::random::Random;
use crate::secret::SecretBytes;

/// The hash of an HMAC key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Longest key from outside in bytes. Source: KMS developer guide, "Importing key material".
pub const MAC_KEY_BYTES_MAX: usize = 128;

/// The bytes are no key for the hash: fewer than a tag has, or more than [`MAC_KEY_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an HMAC key of this spec has {min} to {MAC_KEY_BYTES_MAX} bytes, not {bytes}")]
pub struct WrongMacKeyLength {
    pub min: usize,
    pub bytes: usize,
}

impl MacHash {
    pub const ALL: [Self; 4] = [Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Length of a tag, and of a key that is generated here, in bytes.
    pub fn tag_bytes(self) -> usize {
        self.algorithm().tag_len()
    }

    fn algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha224 => hmac::HMAC_SHA224,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// An HMAC key with its schedule computed once.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// The bytes of a fresh key.
    pub fn generate(hash: MacHash, random: &mut dyn Random) -> SecretBytes {
        let mut bytes = vec![0; hash.tag_bytes()];
        random.fill(&mut bytes);
        SecretBytes::new(bytes)
    }

    /// Opens a key that was generated or imported.
    pub fn open(hash: MacHash, bytes: &SecretBytes) -> Result<Self, WrongMacKeyLength> {
        let min = hash.tag_bytes();
        if !(min..=MAC_KEY_BYTES_MAX).contains(&bytes.len()) {
            return Err(WrongMacKeyLength { min, bytes: bytes.len() });
        }
        Ok(Self(hmac::Key::new(hash.algorithm(), bytes.expose())))
    }

    /// The tag of `message`, untruncated.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Whether `tag` is that of `message`, whole; in constant time.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn keys_have_the_lengths_of_their_spec() {
        for hash in MacHash::ALL {
            let min = hash.tag_bytes();
            assert_eq!(MacKey::generate(hash, &mut SystemRandom).len(), min);
            for (bytes, fits) in [(0, false), (min - 1, false), (min, true), (128, true), (129, false)] {
                let opened = MacKey::open(hash, &SecretBytes::new(vec![7; bytes]));
                assert_eq!(opened.is_ok(), fits, "{hash:?} {bytes}");
            }
        }
    }

    #[test]
    fn a_tag_is_compared_whole() {
        let key = MacKey::open(MacHash::Sha256, &SecretBytes::new(vec![7; 32])).expect("a key");
        let tag = key.sign(b"message");
        assert!(key.verify(b"message", &tag));
        assert!(!key.verify(b"messagE", &tag));
        assert!(!key.verify(b"message", &tag[..31]));
        assert!(!key.verify(b"message", &[]));
        assert_eq!(format!("{key:?}"), "MacKey(..)");
    }
}
