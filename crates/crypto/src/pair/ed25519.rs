//! Ed25519 and Ed25519ph (RFC 8032). The former is aws-lc's; the latter `ed25519-dalek`'s, since aws-lc-rs does not offer it.

use aws_lc_rs::encoding::{AsBigEndian, AsDer, Curve25519SeedBin, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use ed25519_dalek::{Digest as _, Sha512};
use zeroize::Zeroizing;

use crate::import::{CannotGenerate, NotAPrivateKey};
use crate::random::Random;
use crate::secret::SecretBytes;

const SEED_BYTES: usize = 32;

pub(super) fn generate(random: &mut dyn Random) -> Result<SecretBytes, CannotGenerate> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    random.fill(&mut seed[..]);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_| CannotGenerate)?;
    stored(&pair).map_err(|_| CannotGenerate)
}

/// Takes both versions of PKCS#8 (RFC 8410 §7: with and without the public key) and gives the one without.
pub(super) fn normalised(pkcs8: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    stored(&open(pkcs8)?)
}

pub(super) fn public_der(stored: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    let pair = open(stored)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NotAPrivateKey)?;
    Ok(der.as_ref().to_vec())
}

fn open(pkcs8: &SecretBytes) -> Result<Ed25519KeyPair, NotAPrivateKey> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8.expose()).map_err(|_| NotAPrivateKey)
}

fn stored(pair: &Ed25519KeyPair) -> Result<SecretBytes, NotAPrivateKey> {
    let der = pair.to_pkcs8v1().map_err(|_| NotAPrivateKey)?;
    Ok(SecretBytes::new(der.as_ref().to_vec()))
}

/// One private key in the hands of both libraries.
pub(super) struct Ed25519Key {
    pair: Ed25519KeyPair,
    prehashing: ed25519_dalek::SigningKey,
}

impl Ed25519Key {
    pub(super) fn open(stored: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let pair = open(stored)?;
        let seed = pair.seed().map_err(|_| NotAPrivateKey)?;
        let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(|_| NotAPrivateKey)?;
        let seed: &[u8; SEED_BYTES] = seed.as_ref().try_into().map_err(|_| NotAPrivateKey)?;
        let prehashing = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self { pair, prehashing })
    }

    pub(super) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.pair.try_sign(message).ok()?.as_ref().to_vec())
    }

    /// Ed25519ph of `message` with the empty context: SHA-512 of it is what is signed.
    pub(super) fn sign_prehashed(&self, message: &[u8]) -> Option<Vec<u8>> {
        let digest = Sha512::new_with_prefix(message);
        Some(self.prehashing.sign_prehashed(digest, None).ok()?.to_bytes().to_vec())
    }
}

/// One public key in the hands of both libraries.
pub(super) struct Ed25519Public {
    public: ParsedPublicKey,
    prehashing: ed25519_dalek::VerifyingKey,
}

impl Ed25519Public {
    /// From the 32 bytes of RFC 8032 §5.1.5.
    pub(super) fn open(public: &[u8]) -> Option<Self> {
        let prehashing = ed25519_dalek::VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
        Some(Self { public: ParsedPublicKey::new(&ED25519, public).ok()?, prehashing })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    pub(super) fn verify_prehashed(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = ed25519_dalek::Signature::from_slice(signature) else { return false };
        let digest = Sha512::new_with_prefix(message);
        self.prehashing.verify_prehashed_strict(digest, None, &signature).is_ok()
    }
}
