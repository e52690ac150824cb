//! `GenerateDataKeyPairWithoutPlaintext`: a fresh key pair whose private key is answered encrypted only.

use keywatch_api::kms::asymmetric::{
    GenerateDataKeyPairResponse, GenerateDataKeyPairWithoutPlaintextRequest,
};
use keywatch_iam::Call;

use crate::Kms;
use crate::data_key_pair::DataKeyPairWish;
use crate::error::KmsError;

pub(crate) async fn generate_data_key_pair_without_plaintext(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    let wish = DataKeyPairWish {
        action: "kms:GenerateDataKeyPairWithoutPlaintext",
        key_id: &request.key_id,
        context: &request.encryption_context,
        key_pair_spec: request.key_pair_spec,
        grant_tokens: &request.grant_tokens,
        attested: None,
        dry_run: request.dry_run,
    };
    Ok(wish.fulfil(call, kms).await?.0)
}
