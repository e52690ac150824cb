//! What the operations that encrypt and decrypt share: contexts, the material in use, sealing and opening a blob.

use std::sync::Arc;

use keywatch_api::kms::sets::{DataKeySpec, EncryptionAlgorithm, KeySpec, KeyUsage};
use keywatch_api::{Blob, SecretBlob};
use keywatch_crypto::envelope::{self, Envelope};
use keywatch_crypto::pair::OaepHash;
use keywatch_crypto::{EncryptionContext, KeyMaterial, Random, SecretBytes, SystemRandom};

use crate::Kms;
use crate::conditions::Context;
use crate::error::KmsError;
use crate::lifecycle::Act;
use crate::open_key::{OpenKey, OpenMaterial};
use crate::opened::Opened;
use crate::spec;

/// The context in its canonical form.
pub(crate) fn canonical(context: &Context) -> Result<EncryptionContext, KmsError> {
    let Some(context) = context else { return Ok(EncryptionContext::empty()) };
    let pairs = context.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    EncryptionContext::from_pairs(pairs)
        .map_err(|error| KmsError::Validation(format!("The encryption context cannot be used: {error}.")))
}

/// The algorithm must be one of the key's; contexts are for symmetric keys.
fn check_algorithm(
    open: &OpenKey,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
) -> Result<(), KmsError> {
    let (spec, usage) = (open.key.spec, open.key.usage);
    let known = spec::encryption_algorithms(spec, usage).unwrap_or_default();
    if !known.contains(&algorithm) {
        return Err(incompatible(algorithm.as_str(), spec));
    }
    if !open.key.is_symmetric() && !context.is_empty() {
        return Err(KmsError::Validation(format!(
            "An encryption context is not valid for a key with KeySpec {spec}."
        )));
    }
    Ok(())
}

/// The refusal of an algorithm that the key's spec does not know.
pub(crate) fn incompatible(algorithm: &str, spec: KeySpec) -> KmsError {
    KmsError::InvalidKeyUsage(format!("Algorithm {algorithm} is incompatible with key spec {spec}."))
}

/// A dry run ends where its call would have succeeded.
pub(crate) fn check_dry_run(dry_run: Option<bool>) -> Result<(), KmsError> {
    if dry_run == Some(true) { Err(KmsError::DryRun) } else { Ok(()) }
}

/// The material in use of a key whose state and usage permit `operation`.
pub(crate) fn current<'k>(
    open: &'k OpenKey,
    usage: KeyUsage,
    operation: &str,
) -> Result<&'k OpenMaterial, KmsError> {
    check_use(open, usage, operation)?;
    open.current().ok_or_else(|| inconsistent(open))
}

fn check_use(open: &OpenKey, usage: KeyUsage, operation: &str) -> Result<(), KmsError> {
    open.key.permit(Act::Use)?;
    if open.key.usage != usage {
        return Err(KmsError::InvalidKeyUsage(format!(
            "{} key usage is {} which is not valid for {operation}.",
            open.arn, open.key.usage
        )));
    }
    Ok(())
}

/// A key whose material is not there although its state says so, or not of its spec.
pub(crate) fn inconsistent(open: &OpenKey) -> KmsError {
    KmsError::Internal(format!("{} is enabled without material of its spec", open.arn))
}

/// The material of a symmetric key in use: for data keys and data key pairs.
pub(crate) fn current_symmetric<'k>(
    open: &'k OpenKey,
    operation: &str,
) -> Result<(&'k OpenMaterial, &'k KeyMaterial), KmsError> {
    let material = current(open, KeyUsage::EncryptDecrypt, operation)?;
    match &material.opened {
        Opened::Symmetric(symmetric) => Ok((material, symmetric)),
        _ => Err(KmsError::InvalidKeyUsage(format!(
            "{} key spec is {} which is not valid for {operation}.",
            open.arn, open.key.spec
        ))),
    }
}

/// Encrypts with the material in use.
pub(crate) fn encrypt<'k>(
    open: &'k OpenKey,
    operation: &str,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<(Blob, &'k OpenMaterial), KmsError> {
    let material = current(open, KeyUsage::EncryptDecrypt, operation)?;
    check_algorithm(open, algorithm, context)?;
    let blob = match (&material.opened, oaep_hash(algorithm)) {
        (Opened::Symmetric(symmetric), _) => seal(symmetric, context, plaintext)?,
        (Opened::Decrypting(pair), Some(hash)) => {
            pair.encrypt(hash, plaintext).map(Blob).map_err(|error| {
                KmsError::Validation(format!(
                    "Algorithm {algorithm} and key spec {} cannot encrypt data larger than {} bytes.",
                    open.key.spec, error.bytes_max
                ))
            })?
        }
        _ => return Err(inconsistent(open)),
    };
    Ok((blob, material))
}

/// Encrypts under symmetric material.
pub(crate) fn seal(
    material: &KeyMaterial,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Blob, KmsError> {
    envelope::seal(material, context, plaintext, &mut SystemRandom)
        .map(Blob)
        .map_err(|error| KmsError::internal(&error))
}

fn oaep_hash(algorithm: EncryptionAlgorithm) -> Option<OaepHash> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Some(OaepHash::Sha1),
        EncryptionAlgorithm::RsaesOaepSha256 => Some(OaepHash::Sha256),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => None,
    }
}

/// Takes a blob apart.
pub(crate) fn parse(blob: &Blob) -> Result<Envelope<'_>, KmsError> {
    envelope::parse(&blob.0).map_err(|_| KmsError::InvalidCiphertext)
}

/// Decrypts: with the material the blob names, or with the key pair.
pub(crate) async fn decrypt<'k>(
    kms: &Kms,
    open: &'k Arc<OpenKey>,
    operation: &str,
    algorithm: EncryptionAlgorithm,
    blob: &Blob,
    context: &EncryptionContext,
) -> Result<(SecretBlob, &'k OpenMaterial), KmsError> {
    check_use(open, KeyUsage::EncryptDecrypt, operation)?;
    check_algorithm(open, algorithm, context)?;
    let Some(hash) = oaep_hash(algorithm) else {
        return unseal(open, &parse(blob)?, context);
    };
    let material = open.current().ok_or_else(|| inconsistent(open))?;
    let slow = spec::is_slow_in_private(open.key.spec);
    let decrypting = {
        let (open, blob) = (open.clone(), blob.0.clone());
        move || decrypted(&open, hash, &blob)
    };
    Ok((kms.primitives().run_if(slow, decrypting).await??, material))
}

/// Decrypts with the key pair in use.
fn decrypted(open: &OpenKey, hash: OaepHash, blob: &[u8]) -> Result<SecretBlob, KmsError> {
    let material = open.current().ok_or_else(|| inconsistent(open))?;
    let Opened::Decrypting(pair) = &material.opened else { return Err(inconsistent(open)) };
    pair.decrypt(hash, blob).map(secret_blob).map_err(|_| KmsError::InvalidCiphertext)
}

fn unseal<'k>(
    open: &'k OpenKey,
    envelope: &Envelope<'_>,
    context: &EncryptionContext,
) -> Result<(SecretBlob, &'k OpenMaterial), KmsError> {
    // The key that the request names must be the one that encrypted.
    if envelope.key_name().to_string() != open.key.id {
        return Err(KmsError::IncorrectKey);
    }
    let material = open.material(envelope.material_id()).ok_or(KmsError::InvalidCiphertext)?;
    let Opened::Symmetric(symmetric) = &material.opened else { return Err(inconsistent(open)) };
    let secret = envelope.open(symmetric, context).map_err(|_| KmsError::InvalidCiphertext)?;
    Ok((secret_blob(secret), material))
}

/// Hands a secret on to the answer.
pub(crate) fn secret_blob(secret: SecretBytes) -> SecretBlob {
    let mut exposed = secret.into_exposed();
    SecretBlob::new(std::mem::take(&mut *exposed))
}

/// A fresh data key, as long as the request says.
pub(crate) fn data_key(
    number_of_bytes: Option<i32>,
    spec: Option<DataKeySpec>,
) -> Result<SecretBlob, KmsError> {
    let length = match (number_of_bytes, spec) {
        (Some(bytes), None) => usize::try_from(bytes).unwrap_or_default(),
        (None, Some(DataKeySpec::Aes256)) => 32,
        (None, Some(DataKeySpec::Aes128)) => 16,
        (None, None) | (Some(_), Some(_)) => {
            return Err(KmsError::Validation(
                "Please specify either number of bytes or key spec.".to_owned(),
            ));
        }
    };
    Ok(random_bytes(length))
}

/// `length` random bytes.
pub(crate) fn random_bytes(length: usize) -> SecretBlob {
    let mut bytes = vec![0; length];
    SystemRandom.fill(&mut bytes);
    SecretBlob::new(bytes)
}

#[cfg(test)]
mod tests;
