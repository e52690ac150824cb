//! `GenerateDataKeyPair`: a fresh key pair for the caller's own use, its private key in the clear and encrypted.

use keywatch_api::kms::asymmetric::{GenerateDataKeyPairRequest, GenerateDataKeyPairResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::attestation;
use crate::data_key_pair::DataKeyPairWish;
use crate::error::KmsError;

pub(crate) async fn generate_data_key_pair(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    let attested = attestation::verified(kms, &request.recipient, call.now).await?;
    let wish = DataKeyPairWish {
        action: "kms:GenerateDataKeyPair",
        key_id: &request.key_id,
        context: &request.encryption_context,
        key_pair_spec: request.key_pair_spec,
        grant_tokens: &request.grant_tokens,
        attested: attested.as_ref(),
        dry_run: request.dry_run,
    };
    let (answer, private) = wish.fulfil(call, kms).await?;
    let (private_key_plaintext, ciphertext_for_recipient) =
        attestation::delivered(call, attested.as_ref(), private)?;
    Ok(GenerateDataKeyPairResponse { private_key_plaintext, ciphertext_for_recipient, ..answer })
}

#[cfg(test)]
mod tests;
