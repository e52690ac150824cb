//! RSA signatures: of trail digests (SHA-256) and of notifications (SNS signature versions 1 and 2).
//!
//! **Not here:** the strings that are signed (`keywatch-monitor`), certificates, asymmetric KMS keys.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rsa::pkcs1v15;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::{self, CryptoRng, RngCore};
use rsa::signature::{RandomizedSigner, SignatureEncoding};
use sha1::Sha1;

use crate::import::{CannotGenerate, NotAPrivateKey};
use crate::random::Random;
use crate::secret::SecretBytes;

/// An RSA-2048 pair that signs with PKCS#1 v1.5 padding (RFC 8017 §8.2).
///
/// Two libraries hold the same private key. SNS signature version 1 is SHA-1 with RSA, which is what most
/// subscribers still verify, and aws-lc-rs does not sign with SHA-1; the crate `rsa` does that, and only that.
///
/// RUSTSEC-2023-0071 says that the private operation of `rsa` does not take constant time, which an attacker who
/// can have chosen *ciphertexts* decrypted may exploit over a network. Here it only signs, a digest that we
/// compute of a text that we lay out, always with fresh blinding, and asynchronously to whoever caused it;
/// it never decrypts. Everything else (generation, SHA-256) is aws-lc.
pub struct SigningKeyPair {
    pair: RsaKeyPair,
    sha1: pkcs1v15::SigningKey<Sha1>,
}

/// Length of a signature in bytes.
pub const SIGNATURE_BYTES: usize = 256;

impl SigningKeyPair {
    /// A fresh pair. Takes tens of milliseconds or more: not on a thread that serves.
    pub fn generate() -> Result<Self, CannotGenerate> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| CannotGenerate)?;
        let pkcs8 = pkcs8_of(&pair);
        let sha1 = sha1_key(&pkcs8).map_err(|_| CannotGenerate)?;
        Ok(Self { pair, sha1 })
    }

    /// A pair that was sealed as [`SigningKeyPair::pkcs8_der`] gave it; 2048 bits only.
    pub fn from_pkcs8_der(pkcs8: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| NotAPrivateKey)?;
        if pair.public_modulus_len() != SIGNATURE_BYTES {
            return Err(NotAPrivateKey);
        }
        Ok(Self { sha1: sha1_key(pkcs8)?, pair })
    }

    /// The private key in PKCS#8 (RFC 5208), to be sealed, or to make a certificate with.
    pub fn pkcs8_der(&self) -> SecretBytes {
        pkcs8_of(&self.pair)
    }

    /// The public key as PKCS#1 `RSAPublicKey` (RFC 8017 A.1.1), as `cloudtrail:ListPublicKeys` answers it.
    pub fn public_pkcs1_der(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The public key as `SubjectPublicKeyInfo` (RFC 5280).
    pub fn public_spki_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().expect("an RSA key encodes");
        der.as_ref().to_vec()
    }

    /// Signs `message` with SHA-256.
    pub fn sign_sha256(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), message, &mut signature)
            .expect("a checked key signs any message");
        signature
    }

    /// Signs `message` with SHA-1, for SNS signature version 1. `random` blinds the private operation; it does not
    /// change the signature.
    pub fn sign_sha1(&self, message: &[u8], random: &mut dyn Random) -> [u8; SIGNATURE_BYTES] {
        let signature = self
            .sha1
            .try_sign_with_rng(&mut RandCore(random), message)
            .expect("a checked key signs any message");
        signature.to_bytes().as_ref().try_into().expect("signatures are as long as the modulus")
    }
}

impl fmt::Debug for SigningKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeyPair(..)")
    }
}

/// Whether `signature` is one over `message`, with SHA-256, by the key whose PKCS#1 `RSAPublicKey` is `public`.
pub fn verifies_sha256(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(message, signature).is_ok()
}

fn pkcs8_of(pair: &RsaKeyPair) -> SecretBytes {
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("an RSA key encodes");
    SecretBytes::new(der.as_ref().to_vec())
}

fn sha1_key(pkcs8: &SecretBytes) -> Result<pkcs1v15::SigningKey<Sha1>, NotAPrivateKey> {
    let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8.expose()).map_err(|_| NotAPrivateKey)?;
    Ok(pkcs1v15::SigningKey::new(key))
}

/// Our randomness in the shape that `rsa` asks for.
pub(crate) struct RandCore<'a>(pub(crate) &'a mut dyn Random);

impl RngCore for RandCore<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(out);
        Ok(())
    }
}

impl CryptoRng for RandCore<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RsaParameters};

    use crate::import::{WrappingKeyPair, WrappingKeySpec};
    use crate::random::SystemRandom;

    fn verifies(algorithm: &'static RsaParameters, public: &[u8], message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm, public).verify(message, signature).is_ok()
    }

    /// Signatures of one library are judged by the other: SHA-1 by aws-lc, SHA-256 by `rsa`.
    #[test]
    fn signatures_verify_and_survive_sealing() {
        let made = SigningKeyPair::generate().expect("a pair");
        let pair = SigningKeyPair::from_pkcs8_der(&made.pkcs8_der()).expect("the same pair");
        assert_eq!(pair.public_pkcs1_der(), made.public_pkcs1_der());
        let (public, message) = (pair.public_pkcs1_der(), b"Message\nhello\n");

        let sha256 = pair.sign_sha256(message);
        assert_eq!(sha256, made.sign_sha256(message), "PKCS#1 v1.5 is deterministic");
        assert!(verifies_sha256(&public, message, &sha256));
        assert!(!verifies_sha256(&public, b"other", &sha256));
        assert!(!verifies_sha256(b"no key", message, &sha256));
        let reference = rsa::RsaPrivateKey::from_pkcs8_der(pair.pkcs8_der().expose()).expect("a key");
        let digest = crate::digest::sha256(message);
        let prefix = hex::decode("3031300d060960864801650304020105000420").expect("hexadecimal");
        let padding = rsa::Pkcs1v15Sign { hash_len: Some(32), prefix: prefix.into() };
        assert_eq!(reference.to_public_key().verify(padding, &digest, &sha256), Ok(()));

        let sha1 = pair.sign_sha1(message, &mut SystemRandom);
        assert_eq!(sha1, made.sign_sha1(message, &mut SystemRandom), "blinding does not show");
        assert!(verifies(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &public, message, &sha1));
        assert!(!verifies(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, &public, b"other", &sha1));

        // The fixed beginning of an RSA-2048 SubjectPublicKeyInfo, then the PKCS#1 key (RFC 3279 §2.3.1).
        let spki = pair.public_spki_der();
        assert_eq!(hex::encode(&spki[..24]), "30820122300d06092a864886f70d01010105000382010f00");
        assert_eq!(spki[24..], public);
        assert_eq!(public.len(), 270);
    }

    #[test]
    fn other_keys_are_refused() {
        assert!(SigningKeyPair::from_pkcs8_der(&SecretBytes::new(vec![0x30; 40])).is_err());
        assert!(SigningKeyPair::from_pkcs8_der(&SecretBytes::new(Vec::new())).is_err());
        let larger = WrappingKeyPair::generate(WrappingKeySpec::Rsa3072).expect("a pair");
        assert!(SigningKeyPair::from_pkcs8_der(&larger.pkcs8_der()).is_err());
    }

    #[test]
    fn debug_shows_nothing() {
        let pair = SigningKeyPair::generate().expect("a pair");
        assert_eq!(format!("{pair:?}"), "SigningKeyPair(..)");
    }
}
