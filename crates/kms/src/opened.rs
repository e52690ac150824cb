//! # Material, opened for what its key is for
//! A key's spec says what its material is, its usage what is done with it: the two choose the form in which it is opened, and
//! make it, and take it from outside.
//!
//! **Not here:** sealing (`open_key`), which act a state permits (`lifecycle`).

use keywatch_api::kms::sets::{KeySpec, KeyUsage};
use keywatch_crypto::mac::MacKey;
use keywatch_crypto::pair::{self, AgreementKey, DecryptingKey, EncapsulationKey, PairSpec, SigningKey};
use keywatch_crypto::{KeyMaterial, KeyName, Random as _, SecretBytes, SystemRandom};
use keywatch_iam::slow::Pool;

use crate::error::KmsError;
use crate::key::{Key, PublicKey};
use crate::spec;

/// Opening costs microseconds for symmetric and HMAC keys, up to a millisecond for key pairs; opened keys are held.
#[derive(Debug)]
pub(crate) enum Opened {
    Symmetric(KeyMaterial),
    Mac(MacKey),
    Decrypting(DecryptingKey),
    Signing(SigningKey),
    Agreeing(AgreementKey),
    Encapsulating(Box<EncapsulationKey>),
}

impl Opened {
    /// Opens stored material of `key`; `None` when it is not what the key's spec and usage say.
    pub(crate) fn open(key: &Key, name: KeyName, stored: &SecretBytes) -> Option<Self> {
        if key.is_symmetric() {
            return KeyMaterial::from_secret(name, stored).ok().map(Self::Symmetric);
        }
        if let Some(hash) = spec::mac_hash(key.spec) {
            return MacKey::open(hash, stored).ok().map(Self::Mac);
        }
        let pair = spec::pair_spec(key.spec)?;
        match key.usage {
            KeyUsage::EncryptDecrypt => DecryptingKey::open(stored).ok().map(Self::Decrypting),
            KeyUsage::SignVerify => SigningKey::open(pair, stored).ok().map(Self::Signing),
            KeyUsage::KeyAgreement => AgreementKey::open(pair, stored).ok().map(Self::Agreeing),
            KeyUsage::EncapsulateDecapsulate => {
                EncapsulationKey::open(pair, stored).ok().map(|key| Self::Encapsulating(Box::new(key)))
            }
            KeyUsage::GenerateVerifyMac => None,
        }
    }
}

/// Fresh material for a key of that spec, in the form in which it is kept.
pub(crate) async fn generate(spec: KeySpec, pool: &Pool) -> Result<SecretBytes, KmsError> {
    match spec::pair_spec(spec) {
        Some(pair) => generate_pair(pair, pool).await,
        None => {
            let length = spec::mac_hash(spec).map_or(KeyMaterial::BYTES, |hash| hash.tag_bytes());
            let mut bytes = vec![0; length];
            SystemRandom.fill(&mut bytes);
            Ok(SecretBytes::new(bytes))
        }
    }
}

/// A fresh private key in its stored form; what takes long is done in the pool.
pub(crate) async fn generate_pair(pair: PairSpec, pool: &Pool) -> Result<SecretBytes, KmsError> {
    let generate = move || pair::generate(pair, &mut SystemRandom);
    let generated = pool.run_if(pair.is_slow_to_generate(), generate).await?;
    generated.map_err(|error| KmsError::internal(&error))
}

/// Material from outside for a key of that spec, in the form in which it is kept; otherwise why it is not valid.
/// Source: KMS developer guide, "Importing key material", "Requirements for imported key material".
pub(crate) fn from_outside(spec: KeySpec, material: SecretBytes) -> Result<SecretBytes, String> {
    if let Some(pair) = spec::pair_spec(spec) {
        return pair::from_pkcs8(pair, &material)
            .map_err(|_| format!("it is no private key of {spec} in PKCS#8"));
    }
    if let Some(hash) = spec::mac_hash(spec) {
        return match MacKey::open(hash, &material) {
            Ok(_) => Ok(material),
            Err(error) => Err(error.to_string()),
        };
    }
    if material.len() == KeyMaterial::BYTES {
        Ok(material)
    } else {
        Err(keywatch_crypto::WrongMaterialLength { bytes: material.len() }.to_string())
    }
}

/// The public key that goes with stored material; `None` for symmetric and HMAC keys.
pub(crate) fn public_key(spec: KeySpec, stored: &SecretBytes) -> Result<Option<PublicKey>, KmsError> {
    let Some(pair) = spec::pair_spec(spec) else { return Ok(None) };
    let der = pair::public_der(pair, stored).map_err(|error| KmsError::internal(&error))?;
    Ok(Some(PublicKey::new(&der)))
}
