//! ML-KEM (FIPS 203). Keys are kept as their seed (d ‖ z), from which `ml-kem` makes them; aws-lc-rs takes no seeds. It
//! encapsulates, and in tests judges what `ml-kem` decapsulates.

use std::fmt;

use aws_lc_rs::kem::{self, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::pkcs8::{EncodePrivateKey, EncodePublicKey};
use ml_kem::{DecapsulationKey512, DecapsulationKey768, DecapsulationKey1024, Seed};
use zeroize::Zeroizing;

use crate::import::NotAPrivateKey;
use crate::secret::SecretBytes;

pub(super) const SEED_BYTES: usize = 64;

/// A parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MlKemSet {
    MlKem512,
    MlKem768,
    MlKem1024,
}

impl MlKemSet {
    fn algorithm(self) -> &'static kem::Algorithm {
        match self {
            Self::MlKem512 => &ML_KEM_512,
            Self::MlKem768 => &ML_KEM_768,
            Self::MlKem1024 => &ML_KEM_1024,
        }
    }
}

/// Boxed, for a key takes tens of kilobytes.
enum Private {
    MlKem512(Box<DecapsulationKey512>),
    MlKem768(Box<DecapsulationKey768>),
    MlKem1024(Box<DecapsulationKey1024>),
}

/// Runs `$act` with the key of whichever set.
macro_rules! with_key {
    ($private:expr, $key:ident => $act:expr) => {
        match $private {
            Private::MlKem512($key) => $act,
            Private::MlKem768($key) => $act,
            Private::MlKem1024($key) => $act,
        }
    };
}

impl Private {
    fn open(set: MlKemSet, seed: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let seed = Zeroizing::new(Seed::try_from(seed.expose()).map_err(|_| NotAPrivateKey)?);
        Ok(match set {
            MlKemSet::MlKem512 => Self::MlKem512(Box::new(DecapsulationKey512::from_seed(*seed))),
            MlKemSet::MlKem768 => Self::MlKem768(Box::new(DecapsulationKey768::from_seed(*seed))),
            MlKemSet::MlKem1024 => Self::MlKem1024(Box::new(DecapsulationKey1024::from_seed(*seed))),
        })
    }

    fn public(&self) -> Vec<u8> {
        with_key!(self, key => key.encapsulation_key().to_bytes().to_vec())
    }
}

pub(super) fn public_der(set: MlKemSet, seed: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    let private = Private::open(set, seed)?;
    let der = with_key!(&private, key => key.encapsulation_key().to_public_key_der());
    Ok(der.map_err(|_| NotAPrivateKey)?.into_vec())
}

pub(super) fn pkcs8_der(set: MlKemSet, seed: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    let private = Private::open(set, seed)?;
    let der = with_key!(&private, key => key.to_pkcs8_der()).map_err(|_| NotAPrivateKey)?;
    Ok(SecretBytes::new(der.as_bytes().to_vec()))
}

/// An ML-KEM pair opened for encapsulation and decapsulation.
pub struct EncapsulationKey {
    private: Private,
    public: kem::EncapsulationKey,
}

/// A ciphertext of another length than the parameter set's; nothing else about a ciphertext is ever refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not have the length of its parameter set")]
pub struct WrongCiphertextLength;

impl EncapsulationKey {
    /// Opens a stored private key; `spec` must be one of ML-KEM's.
    pub fn open(spec: super::PairSpec, stored: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let super::Family::MlKem(set) = spec.family() else { return Err(NotAPrivateKey) };
        let private = Private::open(set, stored)?;
        let public = kem::EncapsulationKey::new(set.algorithm(), &private.public());
        Ok(Self { private, public: public.map_err(|_| NotAPrivateKey)? })
    }

    /// A fresh shared secret of 32 bytes and the ciphertext that carries it; `None` when the random generator fails.
    pub fn encapsulate(&self) -> Option<(Vec<u8>, SecretBytes)> {
        let (ciphertext, secret) = self.public.encapsulate().ok()?;
        Some((ciphertext.as_ref().to_vec(), SecretBytes::new(secret.as_ref().to_vec())))
    }

    /// The shared secret in `ciphertext`. A changed ciphertext gives another secret that nobody can predict (implicit rejection,
    /// FIPS 203 §6.3), and no error.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, WrongCiphertextLength> {
        let secret = with_key!(&self.private, key => {
            key.decapsulate(ciphertext.try_into().map_err(|_| WrongCiphertextLength)?)
        });
        let secret = Zeroizing::new(secret);
        Ok(SecretBytes::new(secret.to_vec()))
    }
}

impl fmt::Debug for EncapsulationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncapsulationKey(..)")
    }
}
