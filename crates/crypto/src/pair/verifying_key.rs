//! One public key of any spec that signs, parsed once.

use std::fmt;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};

use super::ec::Curve;
use super::ed25519::Ed25519Public;
use super::ml_dsa::MlDsaPublic;
use super::signing_key::{Hash, Message, SignatureAlgorithm, imported};
use super::{Family, PairSpec};
use crate::import::NotAPrivateKey;

pub(super) struct VerifyingKey(Inner);

enum Inner {
    /// Parsed for each signature, since the parsing is tied to one of six algorithms and costs little beside the rest.
    Rsa(Box<[u8]>),
    Ec {
        curve: Curve,
        public: ParsedPublicKey,
    },
    Ed25519(Box<Ed25519Public>),
    MlDsa(MlDsaPublic),
}

impl VerifyingKey {
    /// Opens a public key: of RSA in PKCS#1 or as `SubjectPublicKeyInfo`, on a curve as a point or the same, else its raw bytes.
    pub(super) fn open(spec: PairSpec, public: &[u8]) -> Result<Self, NotAPrivateKey> {
        let inner = match spec.family() {
            Family::Rsa(_) => Some(Inner::Rsa(public.into())),
            Family::Ec(curve) => {
                let public = ParsedPublicKey::new(curve.verification(), public);
                public.ok().map(|public| Inner::Ec { curve, public })
            }
            Family::Ed25519 => Ed25519Public::open(public).map(|key| Inner::Ed25519(Box::new(key))),
            Family::MlDsa(set) => MlDsaPublic::open(set, public).map(Inner::MlDsa),
            Family::MlKem(_) => None,
        };
        inner.map(Self).ok_or(NotAPrivateKey)
    }

    /// Whether `signature` is one of this key over that message.
    pub(super) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> bool {
        use SignatureAlgorithm as A;
        match (&self.0, algorithm, message) {
            (Inner::Rsa(public), A::RsaPss(hash), message) => {
                verify_rsa(public, pss(hash), hash, message, signature)
            }
            (Inner::Rsa(public), A::RsaPkcs1(hash), message) => {
                verify_rsa(public, pkcs1(hash), hash, message, signature)
            }
            (Inner::Ec { public, .. }, A::Ecdsa, Message::Raw(message)) => {
                public.verify_sig(message, signature).is_ok()
            }
            (Inner::Ec { curve, public }, A::Ecdsa, Message::Digest(bytes)) => imported(curve.hash(), bytes)
                .is_some_and(|digest| public.verify_digest_sig(&digest, signature).is_ok()),
            (Inner::Ed25519(key), A::Ed25519, Message::Raw(message)) => key.verify(message, signature),
            (Inner::Ed25519(key), A::Ed25519Ph, Message::Digest(message)) => {
                key.verify_prehashed(message, signature)
            }
            (Inner::MlDsa(key), A::MlDsa, Message::Raw(message)) => key.verify(message, signature),
            (Inner::MlDsa(key), A::MlDsa, Message::Mu(mu)) => {
                mu.try_into().is_ok_and(|mu| key.verify_mu(mu, signature))
            }
            _ => false,
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(..)")
    }
}

fn verify_rsa(
    public: &[u8],
    parameters: &'static RsaParameters,
    hash: Hash,
    message: Message<'_>,
    signature: &[u8],
) -> bool {
    let public = UnparsedPublicKey::new(parameters, public);
    match message {
        Message::Raw(message) => public.verify(message, signature).is_ok(),
        Message::Digest(bytes) => {
            imported(hash, bytes).is_some_and(|digest| public.verify_digest(&digest, signature).is_ok())
        }
        Message::Mu(_) => false,
    }
}

fn pss(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha256 => &RSA_PSS_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PSS_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PSS_2048_8192_SHA512,
    }
}

fn pkcs1(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    }
}
