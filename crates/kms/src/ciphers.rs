//! What the operations that encrypt and decrypt share: contexts, the current material, opening a blob.

use keywatch_api::kms::ciphers::RecipientInfo;
use keywatch_api::kms::sets::{DataKeySpec, EncryptionAlgorithm};
use keywatch_api::{Blob, SecretBlob};
use keywatch_crypto::envelope::{self, Envelope};
use keywatch_crypto::{EncryptionContext, Random, SystemRandom};

use crate::conditions::Context;
use crate::error::KmsError;
use crate::lifecycle::Act;
use crate::open_key::{OpenKey, OpenMaterial};

/// The context in its canonical form.
pub(crate) fn canonical(context: &Context) -> Result<EncryptionContext, KmsError> {
    let Some(context) = context else { return Ok(EncryptionContext::empty()) };
    let pairs = context.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    EncryptionContext::from_pairs(pairs)
        .map_err(|error| KmsError::Validation(format!("The encryption context cannot be used: {error}.")))
}

/// Symmetric keys know one algorithm.
pub(crate) fn check_algorithm(algorithm: EncryptionAlgorithm) -> Result<(), KmsError> {
    if algorithm == EncryptionAlgorithm::SymmetricDefault {
        return Ok(());
    }
    Err(KmsError::InvalidKeyUsage(format!(
        "Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT."
    )))
}

/// Answers for attested enclaves are not built.
pub(crate) fn check_recipient(recipient: &Option<RecipientInfo>) -> Result<(), KmsError> {
    match recipient {
        Some(_) => Err(KmsError::Unsupported(
            "The Recipient parameter is not supported by this endpoint.".to_owned(),
        )),
        None => Ok(()),
    }
}

/// A dry run ends where its call would have succeeded.
pub(crate) fn check_dry_run(dry_run: Option<bool>) -> Result<(), KmsError> {
    if dry_run == Some(true) { Err(KmsError::DryRun) } else { Ok(()) }
}

/// The material that encrypts, of a key in a state for it.
pub(crate) fn current(open: &OpenKey) -> Result<&OpenMaterial, KmsError> {
    open.key.permit(Act::Use)?;
    open.current().ok_or_else(|| KmsError::Internal(format!("{} is enabled without material", open.arn)))
}

/// Encrypts under `material`.
pub(crate) fn seal(
    material: &OpenMaterial,
    context: &EncryptionContext,
    plaintext: &SecretBlob,
) -> Result<Blob, KmsError> {
    envelope::seal(&material.material, context, plaintext.expose(), &mut SystemRandom)
        .map(Blob)
        .map_err(|error| KmsError::internal(&error))
}

/// Takes a blob apart.
pub(crate) fn parse(blob: &Blob) -> Result<Envelope<'_>, KmsError> {
    envelope::parse(&blob.0).map_err(|_| KmsError::InvalidCiphertext)
}

/// Decrypts a blob with the material it names, of a key in a state for it.
pub(crate) fn unseal<'k>(
    open: &'k OpenKey,
    envelope: &Envelope<'_>,
    context: &EncryptionContext,
) -> Result<(SecretBlob, &'k OpenMaterial), KmsError> {
    open.key.permit(Act::Use)?;
    let material = open.material(envelope.material_id()).ok_or(KmsError::InvalidCiphertext)?;
    let secret = envelope.open(&material.material, context).map_err(|_| KmsError::InvalidCiphertext)?;
    let mut exposed = secret.into_exposed();
    Ok((SecretBlob::new(std::mem::take(&mut *exposed)), material))
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
