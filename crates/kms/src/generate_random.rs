//! `GenerateRandom`: random bytes, from no key.

use keywatch_api::kms::ciphers::{GenerateRandomRequest, GenerateRandomResponse};
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;

use crate::Kms;
use crate::access::authorize_own;
use crate::attestation::{self, RecipientKeys};
use crate::ciphers::random_bytes;
use crate::error::KmsError;

pub(crate) async fn generate_random(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, KmsError> {
    // The record shows nothing of the request.
    call.notes.request_parameters = None;
    let attested = attestation::verified(kms, &request.recipient, call.now).await?;
    let more = RecipientKeys { attested: attested.as_ref(), own: &NoKeys };
    authorize_own(call, "kms:GenerateRandom", "*", &more)?;
    if let Some(id) = &request.custom_key_store_id {
        return Err(KmsError::CustomKeyStoreNotFound(format!("Custom key store '{id}' was not found.")));
    }
    let length = request.number_of_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let length = length.ok_or_else(|| KmsError::Validation("NumberOfBytes is required.".to_owned()))?;
    let (plaintext, ciphertext_for_recipient) =
        attestation::delivered(call, attested.as_ref(), random_bytes(length))?;
    Ok(GenerateRandomResponse { plaintext, ciphertext_for_recipient })
}
