//! `GenerateDataKeyPair`: a fresh key pair for the caller's own use, its private key in the clear and encrypted.

use keywatch_api::kms::asymmetric::{GenerateDataKeyPairRequest, GenerateDataKeyPairResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::ciphers::check_recipient;
use crate::data_key_pair::DataKeyPairWish;
use crate::error::KmsError;

pub(crate) async fn generate_data_key_pair(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    check_recipient(&request.recipient)?;
    let wish = DataKeyPairWish {
        action: "kms:GenerateDataKeyPair",
        key_id: &request.key_id,
        context: &request.encryption_context,
        key_pair_spec: request.key_pair_spec,
        grant_tokens: &request.grant_tokens,
        dry_run: request.dry_run,
    };
    let (answer, private) = wish.fulfil(call, kms).await?;
    Ok(GenerateDataKeyPairResponse { private_key_plaintext: Some(private), ..answer })
}

#[cfg(test)]
mod tests;
