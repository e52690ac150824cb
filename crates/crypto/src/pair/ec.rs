//! Pairs on the curves of NIST (FIPS 186-5, SP 800-186) and on secp256k1 (SEC 2), on which ECDSA and ECDH rest.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1,
    ECDSA_P256K1_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair,
};

use super::signing_key::Hash;
use crate::import::{CannotGenerate, NotAPrivateKey};
use crate::secret::SecretBytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
    Secp256k1,
}

impl Curve {
    /// ECDSA with the hash that AWS ties to the curve; signatures in ASN.1 (ANS X9.62).
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Self::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1_SIGNING,
        }
    }

    pub(super) fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1,
            Self::P384 => &ECDSA_P384_SHA384_ASN1,
            Self::P521 => &ECDSA_P521_SHA512_ASN1,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1,
        }
    }

    pub(super) fn hash(self) -> Hash {
        match self {
            Self::P256 | Self::Secp256k1 => Hash::Sha256,
            Self::P384 => Hash::Sha384,
            Self::P521 => Hash::Sha512,
        }
    }

    /// `None`: AWS agrees on no keys over secp256k1.
    pub(super) fn agreement(self) -> Option<&'static agreement::Algorithm> {
        match self {
            Self::P256 => Some(&ECDH_P256),
            Self::P384 => Some(&ECDH_P384),
            Self::P521 => Some(&ECDH_P521),
            Self::Secp256k1 => None,
        }
    }
}

pub(super) fn generate(curve: Curve) -> Result<SecretBytes, CannotGenerate> {
    let pair = EcdsaKeyPair::generate(curve.signing()).map_err(|_| CannotGenerate)?;
    stored(&pair).map_err(|_| CannotGenerate)
}

/// Takes keys with and without their public point, and gives them with it.
pub(super) fn normalised(curve: Curve, pkcs8: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    stored(&open(curve, pkcs8)?)
}

pub(super) fn public_der(curve: Curve, stored: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    let pair = open(curve, stored)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NotAPrivateKey)?;
    Ok(der.as_ref().to_vec())
}

pub(super) fn open(curve: Curve, pkcs8: &SecretBytes) -> Result<EcdsaKeyPair, NotAPrivateKey> {
    EcdsaKeyPair::from_pkcs8(curve.signing(), pkcs8.expose()).map_err(|_| NotAPrivateKey)
}

fn stored(pair: &EcdsaKeyPair) -> Result<SecretBytes, NotAPrivateKey> {
    let der = pair.to_pkcs8v1().map_err(|_| NotAPrivateKey)?;
    Ok(SecretBytes::new(der.as_ref().to_vec()))
}
