//! # Key pairs: the material of asymmetric KMS keys, and of data key pairs
//! A **spec** says what kind of pair it is. Its private key is kept in its **stored form**: PKCS#8 (RFC 5208) for RSA and the
//! elliptic curves, the seed of FIPS 203 and 204 for ML-KEM and ML-DSA. A stored private key is opened for one use: a
//! [`SigningKey`], a [`DecryptingKey`], an [`AgreementKey`] or an [`EncapsulationKey`].
//!
//! aws-lc does the work. Where its safe interface lacks something, RustCrypto's crates do: Ed25519ph (`ed25519-dalek`), ML-DSA
//! over an external mu (`ml-dsa`), and everything about ML-KEM that begins with a seed (`ml-kem`).
//!
//! **Invariants:** a stored form has one spelling for each private key, so the same key imported twice is recognised; opening never
//! changes it. **Not here:** SM2, which belongs to the Regions of China; what a KMS key may be used for (`keywatch-kms`).

mod agreement;
mod ec;
mod ed25519;
mod ml_dsa;
mod ml_kem;
mod rsa;
mod signing_key;
mod verifying_key;

pub use agreement::{AgreementKey, NoSharedSecret};
pub use ml_kem::{EncapsulationKey, WrongCiphertextLength};
pub use rsa::{CannotDecrypt, DecryptingKey, OaepHash, TooMuchPlaintext};
pub use signing_key::{Hash, Message, NotSignable, SignatureAlgorithm, SigningKey};

use aws_lc_rs::rsa::KeySize;

use crate::import::{CannotGenerate, NotAPrivateKey};
use crate::random::Random;
use crate::secret::SecretBytes;
use ec::Curve;
use ml_dsa::MlDsaSet;
use ml_kem::MlKemSet;

/// The kinds of key pairs: `KeySpec` and `DataKeyPairSpec` without what is symmetric and without SM2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PairSpec {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Secp256k1,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
    MlKem512,
    MlKem768,
    MlKem1024,
}

/// Which library family a spec belongs to.
#[derive(Clone, Copy)]
enum Family {
    Rsa(KeySize),
    Ec(Curve),
    Ed25519,
    MlDsa(MlDsaSet),
    MlKem(MlKemSet),
}

impl PairSpec {
    pub const ALL: [Self; 14] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::P521,
        Self::Secp256k1,
        Self::Ed25519,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
        Self::MlKem512,
        Self::MlKem768,
        Self::MlKem1024,
    ];

    fn family(self) -> Family {
        match self {
            Self::Rsa2048 => Family::Rsa(KeySize::Rsa2048),
            Self::Rsa3072 => Family::Rsa(KeySize::Rsa3072),
            Self::Rsa4096 => Family::Rsa(KeySize::Rsa4096),
            Self::P256 => Family::Ec(Curve::P256),
            Self::P384 => Family::Ec(Curve::P384),
            Self::P521 => Family::Ec(Curve::P521),
            Self::Secp256k1 => Family::Ec(Curve::Secp256k1),
            Self::Ed25519 => Family::Ed25519,
            Self::MlDsa44 => Family::MlDsa(MlDsaSet::MlDsa44),
            Self::MlDsa65 => Family::MlDsa(MlDsaSet::MlDsa65),
            Self::MlDsa87 => Family::MlDsa(MlDsaSet::MlDsa87),
            Self::MlKem512 => Family::MlKem(MlKemSet::MlKem512),
            Self::MlKem768 => Family::MlKem(MlKemSet::MlKem768),
            Self::MlKem1024 => Family::MlKem(MlKemSet::MlKem1024),
        }
    }

    /// Whether making such a pair takes so long (from tens of milliseconds to seconds) that it must not be done on a thread
    /// that serves.
    pub fn is_slow_to_generate(self) -> bool {
        matches!(self.family(), Family::Rsa(_))
    }

    /// Whether signing or decrypting takes from half a millisecond to some milliseconds, too long for a thread that serves.
    pub fn is_slow_in_private(self) -> bool {
        matches!(self, Self::Rsa3072 | Self::Rsa4096)
    }

    /// Whether verifying a signature takes half a millisecond and more.
    pub fn is_slow_to_verify(self) -> bool {
        self == Self::P521
    }
}

/// A fresh private key in its stored form.
pub fn generate(spec: PairSpec, random: &mut dyn Random) -> Result<SecretBytes, CannotGenerate> {
    match spec.family() {
        Family::Rsa(size) => rsa::generate(size),
        Family::Ec(curve) => ec::generate(curve),
        Family::Ed25519 => ed25519::generate(random),
        Family::MlDsa(_) => Ok(seed(ml_dsa::SEED_BYTES, random)),
        Family::MlKem(_) => Ok(seed(ml_kem::SEED_BYTES, random)),
    }
}

/// The stored form of a private key in PKCS#8 that comes from outside; only of the specs whose stored form is PKCS#8, which are
/// those that AWS imports.
pub fn from_pkcs8(spec: PairSpec, pkcs8: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    match spec.family() {
        Family::Rsa(size) => rsa::normalised(size, pkcs8),
        Family::Ec(curve) => ec::normalised(curve, pkcs8),
        Family::Ed25519 => ed25519::normalised(pkcs8),
        Family::MlDsa(_) | Family::MlKem(_) => Err(NotAPrivateKey),
    }
}

/// The public key as `SubjectPublicKeyInfo` in DER (RFC 5280).
pub fn public_der(spec: PairSpec, stored: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    match spec.family() {
        Family::Rsa(size) => rsa::public_der(size, stored),
        Family::Ec(curve) => ec::public_der(curve, stored),
        Family::Ed25519 => ed25519::public_der(stored),
        Family::MlDsa(set) => ml_dsa::public_der(set, stored),
        Family::MlKem(set) => ml_kem::public_der(set, stored),
    }
}

/// The private key in PKCS#8, as `GenerateDataKeyPair` answers it; of ML-DSA and ML-KEM in the form that holds the seed alone
/// (RFC 9881 §6, RFC 9935 §6).
pub fn pkcs8_der(spec: PairSpec, stored: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    match spec.family() {
        Family::Rsa(_) | Family::Ec(_) | Family::Ed25519 => Ok(SecretBytes::new(stored.expose().to_vec())),
        Family::MlDsa(set) => ml_dsa::pkcs8_der(set, stored),
        Family::MlKem(set) => ml_kem::pkcs8_der(set, stored),
    }
}

fn seed(length: usize, random: &mut dyn Random) -> SecretBytes {
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    SecretBytes::new(bytes)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof_tests;
