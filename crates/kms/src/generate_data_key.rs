//! `GenerateDataKey`: a fresh key for the caller's own use, in the clear and encrypted.

use keywatch_api::SecretBlob;
use keywatch_api::kms::ciphers::{GenerateDataKeyRequest, GenerateDataKeyResponse};
use keywatch_api::kms::member::GrantToken;
use keywatch_api::kms::sets::{DataKeySpec, EncryptionAlgorithm};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::attestation::{self, Attested, RecipientKeys};
use crate::ciphers::{canonical, check_dry_run, current_symmetric, data_key, seal};
use crate::conditions::{CipherKeys, Context};
use crate::error::KmsError;
use crate::grant_token;

pub(crate) async fn generate_data_key(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, KmsError> {
    let attested = attestation::verified(kms, &request.recipient, call.now).await?;
    let wish = DataKeyWish {
        action: "kms:GenerateDataKey",
        key_id: &request.key_id,
        context: &request.encryption_context,
        number_of_bytes: request.number_of_bytes,
        key_spec: request.key_spec,
        grant_tokens: &request.grant_tokens,
        attested: attested.as_ref(),
        dry_run: request.dry_run,
    };
    let (answer, plaintext) = wish.fulfil(call, kms).await?;
    let (plaintext, ciphertext_for_recipient) = attestation::delivered(call, attested.as_ref(), plaintext)?;
    Ok(GenerateDataKeyResponse { plaintext, ciphertext_for_recipient, ..answer })
}

/// A wish for a data key, with or without its plaintext.
#[derive(Clone, Copy)]
pub(crate) struct DataKeyWish<'r> {
    pub(crate) action: &'static str,
    pub(crate) key_id: &'r str,
    pub(crate) context: &'r Context,
    pub(crate) number_of_bytes: Option<i32>,
    pub(crate) key_spec: Option<DataKeySpec>,
    pub(crate) grant_tokens: &'r Option<Vec<GrantToken>>,
    pub(crate) attested: Option<&'r Attested>,
    pub(crate) dry_run: Option<bool>,
}

impl DataKeyWish<'_> {
    /// The answer without its plaintext, and the plaintext.
    pub(crate) async fn fulfil(
        &self,
        call: &mut Call<'_>,
        kms: &Kms,
    ) -> Result<(GenerateDataKeyResponse, SecretBlob), KmsError> {
        let plaintext = data_key(self.number_of_bytes, self.key_spec)?;
        let context = canonical(self.context)?;
        let own = CipherKeys { algorithm: EncryptionAlgorithm::SymmetricDefault, same_key: None };
        let asked = Asked {
            action: self.action,
            context: self.context.as_ref(),
            more: &RecipientKeys { attested: self.attested, own: &own },
        };
        let open = reach(call, kms, self.key_id, Reach::Use, &asked).await?;
        grant_token::check(kms.keyring(), self.grant_tokens)?;
        let operation = self.action.strip_prefix("kms:").unwrap_or(self.action);
        let (material, symmetric) = current_symmetric(&open, operation)?;
        call.notes.additional_event_data.clone_from(&material.noted);
        check_dry_run(self.dry_run)?;
        let answer = GenerateDataKeyResponse {
            ciphertext_blob: seal(symmetric, &context, plaintext.expose())?,
            plaintext: None,
            ciphertext_for_recipient: None,
            key_id: open.arn.clone(),
            key_material_id: material.id.clone(),
        };
        Ok((answer, plaintext))
    }
}

#[cfg(test)]
mod tests;
