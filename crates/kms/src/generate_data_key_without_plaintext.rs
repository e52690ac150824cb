//! `GenerateDataKeyWithoutPlaintext`: a fresh key, encrypted, for whoever will need it later.

use keywatch_api::kms::ciphers::{GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextRequest};
use keywatch_iam::Call;

use crate::Kms;
use crate::error::KmsError;
use crate::generate_data_key::DataKeyWish;

pub(crate) async fn generate_data_key_without_plaintext(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyResponse, KmsError> {
    let wish = DataKeyWish {
        action: "kms:GenerateDataKeyWithoutPlaintext",
        key_id: &request.key_id,
        context: &request.encryption_context,
        number_of_bytes: request.number_of_bytes,
        key_spec: request.key_spec,
        grant_tokens: &request.grant_tokens,
        attested: None,
        dry_run: request.dry_run,
    };
    let (answer, _) = wish.fulfil(call, kms).await?;
    Ok(answer)
}
