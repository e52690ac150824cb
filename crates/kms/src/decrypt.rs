//! `Decrypt`: opens what `Encrypt`, `GenerateDataKey…` and `ReEncrypt` made, with the material the blob names.

use keywatch_api::kms::ciphers::{DecryptRequest, DecryptResponse};
use keywatch_api::kms::sets::DryRunModifier;
use keywatch_api::{Blob, kms::sets::EncryptionAlgorithm};
use keywatch_crypto::EncryptionContext;
use keywatch_crypto::envelope::Envelope;
use keywatch_iam::{AccessDenied, Call};

use crate::Kms;
use crate::access::{Asked, Found, Reach, find, find_at, own_place};
use crate::ciphers::{canonical, check_algorithm, check_dry_run, check_recipient, parse, unseal};
use crate::conditions::CipherKeys;
use crate::error::KmsError;
use crate::grant_token;
use crate::lifecycle::Act;

pub(crate) async fn decrypt(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DecryptRequest,
) -> Result<DecryptResponse, KmsError> {
    check_recipient(&request.recipient)?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let context = canonical(&request.encryption_context)?;
    let blob = Source {
        blob: request.ciphertext_blob.as_ref(),
        key_id: request.key_id.as_deref(),
        key_member: "keyId",
        algorithm: request.encryption_algorithm.0,
        without_blob: without_blob(request.dry_run, &request.dry_run_modifiers),
    };
    let (found, envelope) = blob.locate(call, kms, "kms:Decrypt").await?;
    let asked = Asked {
        action: "kms:Decrypt",
        context: request.encryption_context.as_ref(),
        more: &CipherKeys { same_key: None },
    };
    found.authorize(call, &asked).await?;
    let Some(envelope) = envelope else { return Err(dry_run_without_blob(&found)) };
    check_same_key(&found, &envelope)?;
    decrypted(call, &found, &envelope, &context, request.dry_run)
}

fn decrypted(
    call: &mut Call<'_>,
    found: &Found,
    envelope: &Envelope<'_>,
    context: &EncryptionContext,
    dry_run: Option<bool>,
) -> Result<DecryptResponse, KmsError> {
    let (plaintext, material) = unseal(&found.open, envelope, context)?;
    call.notes.additional_event_data = Some(material.noted.clone());
    check_dry_run(dry_run)?;
    Ok(DecryptResponse {
        key_id: found.open.arn.clone(),
        plaintext,
        encryption_algorithm: EncryptionAlgorithm::SymmetricDefault,
        key_material_id: material.id.clone(),
    })
}

/// What a request says about the blob it wants opened; `ReEncrypt` has one too.
#[derive(Clone, Copy)]
pub(crate) struct Source<'r> {
    pub(crate) blob: Option<&'r Blob>,
    pub(crate) key_id: Option<&'r str>,
    /// How the request calls `key_id`.
    pub(crate) key_member: &'static str,
    pub(crate) algorithm: EncryptionAlgorithm,
    /// The caller wants to know without a blob.
    pub(crate) without_blob: bool,
}

impl<'r> Source<'r> {
    /// The key that is to open the blob: the one the request names, else the one the blob names.
    pub(crate) async fn locate(
        &self,
        call: &mut Call<'_>,
        kms: &Kms,
        action: &'static str,
    ) -> Result<(Found, Option<Envelope<'r>>), KmsError> {
        let envelope = match self.blob {
            Some(_) if self.without_blob => None,
            Some(blob) => {
                check_algorithm(self.algorithm)?;
                Some(parse(blob)?)
            }
            None if self.without_blob => None,
            None => return Err(KmsError::missing("ciphertextBlob")),
        };
        if let Some(key_id) = self.key_id {
            return Ok((find(call, kms, key_id, Reach::Use, action).await?, envelope));
        }
        let Some(envelope) = envelope else { return Err(KmsError::missing(self.key_member)) };
        let place = own_place(call, *envelope.key_name());
        match find_at(call, kms, &place, action).await? {
            Some(found) => Ok((found, Some(envelope))),
            // Nobody learns from a blob whether a key of somebody else exists.
            None => Err(KmsError::AccessDenied(AccessDenied(
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.".to_owned(),
            ))),
        }
    }
}

/// `IGNORE_CIPHERTEXT`, which only a dry run may ask for.
pub(crate) fn without_blob(dry_run: Option<bool>, modifiers: &Option<Vec<DryRunModifier>>) -> bool {
    let ignores = modifiers.as_ref().is_some_and(|list| list.contains(&DryRunModifier::IgnoreCiphertext));
    dry_run == Some(true) && ignores
}

/// How a dry run without a blob ends: it was allowed, so only the key's state can be against it.
pub(crate) fn dry_run_without_blob(found: &Found) -> KmsError {
    found.open.key.permit(Act::Use).err().unwrap_or(KmsError::DryRun)
}

/// The key that the request names must be the one that encrypted.
pub(crate) fn check_same_key(found: &Found, envelope: &Envelope<'_>) -> Result<(), KmsError> {
    let same = envelope.key_name().to_string() == found.open.key.id;
    if same { Ok(()) } else { Err(KmsError::IncorrectKey) }
}

#[cfg(test)]
mod tests;
