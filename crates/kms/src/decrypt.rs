//! `Decrypt`: opens what `Encrypt`, `GenerateDataKey…` and `ReEncrypt` made, with the material the blob names.

use keywatch_api::Blob;
use keywatch_api::kms::ciphers::{DecryptRequest, DecryptResponse};
use keywatch_api::kms::sets::{DryRunModifier, EncryptionAlgorithm, KeyUsage};
use keywatch_iam::{AccessDenied, Call};

use crate::Kms;
use crate::access::{Asked, Found, Reach, find, find_at, own_place};
use crate::attestation::{self, RecipientKeys};
use crate::ciphers::{self, canonical, check_dry_run, current, parse};
use crate::conditions::CipherKeys;
use crate::error::KmsError;
use crate::grant_token;
use crate::open_key::OpenKey;

pub(crate) async fn decrypt(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DecryptRequest,
) -> Result<DecryptResponse, KmsError> {
    let attested = attestation::verified(kms, &request.recipient, call.now).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let context = canonical(&request.encryption_context)?;
    let blob = Source {
        blob: request.ciphertext_blob.as_ref(),
        key_id: request.key_id.as_deref(),
        key_member: "keyId",
        algorithm: request.encryption_algorithm.0,
        without_blob: without_blob(request.dry_run, &request.dry_run_modifiers),
    };
    let found = blob.locate(call, kms, "kms:Decrypt").await?;
    let own = CipherKeys { algorithm: blob.algorithm, same_key: None };
    let asked = Asked {
        action: "kms:Decrypt",
        context: request.encryption_context.as_ref(),
        more: &RecipientKeys { attested: attested.as_ref(), own: &own },
    };
    found.authorize(call, &asked).await?;
    let open = &found.open;
    let (plaintext, material) = match blob.bytes() {
        Some(bytes) => ciphers::decrypt(kms, open, "Decrypt", blob.algorithm, bytes, &context).await?,
        None => return Err(dry_run_without_blob(open, "Decrypt")),
    };
    call.notes.additional_event_data.clone_from(&material.noted);
    check_dry_run(request.dry_run)?;
    let key_material_id = material.shown_id().filter(|_| attested.is_none());
    let (plaintext, ciphertext_for_recipient) = attestation::delivered(call, attested.as_ref(), plaintext)?;
    Ok(DecryptResponse {
        key_id: open.arn.clone(),
        plaintext,
        encryption_algorithm: blob.algorithm,
        ciphertext_for_recipient,
        key_material_id,
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
    /// The blob, unless the caller wants to know without.
    pub(crate) fn bytes(&self) -> Option<&'r Blob> {
        self.blob.filter(|_| !self.without_blob)
    }

    /// The key that is to open the blob: the one the request names, else the one the blob names, which only the blobs of
    /// symmetric keys do.
    pub(crate) async fn locate(
        &self,
        call: &mut Call<'_>,
        kms: &Kms,
        action: &'static str,
    ) -> Result<Found, KmsError> {
        if self.blob.is_none() && !self.without_blob {
            return Err(KmsError::missing("ciphertextBlob"));
        }
        if let Some(key_id) = self.key_id {
            return find(call, kms, key_id, Reach::Use, action).await;
        }
        let symmetric = self.algorithm == EncryptionAlgorithm::SymmetricDefault;
        let Some(bytes) = self.bytes().filter(|_| symmetric) else {
            return Err(KmsError::missing(self.key_member));
        };
        let place = own_place(call, *parse(bytes)?.key_name());
        // Nobody learns from a blob whether a key of somebody else exists.
        find_at(call, kms, &place, action).await?.ok_or_else(|| {
            KmsError::AccessDenied(AccessDenied(
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.".to_owned(),
            ))
        })
    }
}

/// `IGNORE_CIPHERTEXT`, which only a dry run may ask for.
pub(crate) fn without_blob(dry_run: Option<bool>, modifiers: &Option<Vec<DryRunModifier>>) -> bool {
    let ignores = modifiers.as_ref().is_some_and(|list| list.contains(&DryRunModifier::IgnoreCiphertext));
    dry_run == Some(true) && ignores
}

/// How a dry run without a blob ends: it was allowed, so only the key can be against it.
pub(crate) fn dry_run_without_blob(open: &OpenKey, operation: &str) -> KmsError {
    current(open, KeyUsage::EncryptDecrypt, operation).err().unwrap_or(KmsError::DryRun)
}

#[cfg(test)]
mod tests;
