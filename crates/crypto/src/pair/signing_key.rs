//! One signing key of any spec: which algorithm over which form of message.

use std::fmt;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};

use super::ec::{self, Curve};
use super::ed25519::Ed25519Key;
use super::ml_dsa::MlDsaKey;
use super::verifying_key::VerifyingKey;
use super::{Family, PairSpec, rsa};
use crate::import::NotAPrivateKey;
use crate::random::Random;
use crate::secret::SecretBytes;

/// Hashes under signatures (FIPS 180-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Length of a digest in bytes.
    pub fn digest_bytes(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// How to sign. The curve of an ECDSA key fixes its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RFC 8017 §8.1, MGF1 over the same hash, salt as long as the hash.
    RsaPss(Hash),
    /// RFC 8017 §8.2.
    RsaPkcs1(Hash),
    Ecdsa,
    Ed25519,
    Ed25519Ph,
    MlDsa,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub enum Message<'m> {
    /// A whole message.
    Raw(&'m [u8]),
    /// The digest of one: not for Ed25519 and ML-DSA. For Ed25519ph it is the message, and hashed once more.
    Digest(&'m [u8]),
    /// ML-DSA's mu (FIPS 204, algorithm 7, line 6): 64 bytes.
    Mu(&'m [u8]),
}

/// The key, the algorithm and the form or length of the message do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that cannot be signed so by such a key")]
pub struct NotSignable;

/// A pair opened for signing and verifying.
pub struct SigningKey {
    private: Private,
    public: VerifyingKey,
}

enum Private {
    Rsa(RsaKeyPair),
    Ec { curve: Curve, pair: EcdsaKeyPair },
    Ed25519(Box<Ed25519Key>),
    MlDsa(Box<MlDsaKey>),
}

impl SigningKey {
    /// Opens a stored private key; `spec` must be one that signs.
    pub fn open(spec: PairSpec, stored: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let private = match spec.family() {
            Family::Rsa(size) => Private::Rsa(rsa::open(size, stored)?),
            Family::Ec(curve) => Private::Ec { curve, pair: ec::open(curve, stored)? },
            Family::Ed25519 => Private::Ed25519(Box::new(Ed25519Key::open(stored)?)),
            Family::MlDsa(set) => Private::MlDsa(Box::new(MlDsaKey::open(set, stored)?)),
            Family::MlKem(_) => return Err(NotAPrivateKey),
        };
        let public = match &private {
            Private::Rsa(pair) => pair.public_key().as_ref(),
            Private::Ec { pair, .. } => pair.public_key().as_ref(),
            Private::Ed25519(key) => key.public(),
            Private::MlDsa(key) => key.public(),
        };
        Ok(Self { public: VerifyingKey::open(spec, public)?, private })
    }

    /// Signs. RSA and the larger parameter sets of ML-DSA take up to some milliseconds.
    pub fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: Message<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, NotSignable> {
        use SignatureAlgorithm as A;
        let signature = match (&self.private, algorithm, message) {
            (Private::Rsa(pair), A::RsaPss(hash), message) => sign_rsa(pair, pss(hash), hash, message),
            (Private::Rsa(pair), A::RsaPkcs1(hash), message) => sign_rsa(pair, pkcs1(hash), hash, message),
            (Private::Ec { pair, .. }, A::Ecdsa, Message::Raw(message)) => {
                pair.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
            }
            (Private::Ec { curve, pair }, A::Ecdsa, Message::Digest(bytes)) => imported(curve.hash(), bytes)
                .and_then(|digest| pair.sign_digest(&digest).ok())
                .map(|signature| signature.as_ref().to_vec()),
            (Private::Ed25519(key), A::Ed25519, Message::Raw(message)) => key.sign(message),
            (Private::Ed25519(key), A::Ed25519Ph, Message::Digest(message)) => key.sign_prehashed(message),
            (Private::MlDsa(key), A::MlDsa, Message::Raw(message)) => key.sign(message),
            (Private::MlDsa(key), A::MlDsa, Message::Mu(mu)) => {
                mu.try_into().ok().and_then(|mu| key.sign_mu(mu, random))
            }
            _ => None,
        };
        signature.ok_or(NotSignable)
    }

    /// Whether `signature` is one of this key over that message.
    pub fn verify(&self, algorithm: SignatureAlgorithm, message: Message<'_>, signature: &[u8]) -> bool {
        self.public.verify(algorithm, message, signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// A digest that was computed elsewhere; `None` when it does not have the length of `hash`.
pub(super) fn imported(hash: Hash, bytes: &[u8]) -> Option<Digest> {
    Digest::import_less_safe(bytes, hash.algorithm()).ok()
}

fn sign_rsa(
    pair: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
    hash: Hash,
    message: Message<'_>,
) -> Option<Vec<u8>> {
    let mut signature = vec![0; pair.public_modulus_len()];
    match message {
        Message::Raw(message) => pair.sign(encoding, &SystemRandom::new(), message, &mut signature).ok()?,
        Message::Digest(bytes) => {
            pair.sign_digest(encoding, &imported(hash, bytes)?, &mut signature).ok()?;
        }
        Message::Mu(_) => return None,
    }
    Some(signature)
}

fn pss(hash: Hash) -> &'static dyn RsaEncoding {
    match hash {
        Hash::Sha256 => &RSA_PSS_SHA256,
        Hash::Sha384 => &RSA_PSS_SHA384,
        Hash::Sha512 => &RSA_PSS_SHA512,
    }
}

fn pkcs1(hash: Hash) -> &'static dyn RsaEncoding {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_SHA256,
        Hash::Sha384 => &RSA_PKCS1_SHA384,
        Hash::Sha512 => &RSA_PKCS1_SHA512,
    }
}
