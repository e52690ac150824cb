//! `GetPublicKey`: the public half of an asymmetric key.

use keywatch_api::Blob;
use keywatch_api::kms::asymmetric::{GetPublicKeyRequest, GetPublicKeyResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::grant_token;
use crate::lifecycle::{Act, Refusal};
use crate::spec;

pub(crate) async fn get_public_key(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GetPublicKeyRequest,
) -> Result<GetPublicKeyResponse, KmsError> {
    let asked = Asked::plain("kms:GetPublicKey");
    let open = reach(call, kms, &request.key_id, Reach::Use, &asked).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let key = &open.key;
    let (spec, usage) = (key.spec, key.usage);
    if spec::pair_spec(spec).is_none() {
        return Err(KmsError::Unsupported(format!(
            "{} key spec is {spec} which is not valid for GetPublicKey.",
            open.arn
        )));
    }
    key.permit(Act::GetPublicKey)?;
    // There is none until the first import.
    let public_key = key.public_key.as_ref().ok_or_else(|| Refusal::PendingImport.of(key))?;
    let der = public_key.der().ok_or_else(|| KmsError::Internal("a public key is damaged".to_owned()))?;
    Ok(GetPublicKeyResponse {
        key_id: open.arn.clone(),
        public_key: Blob(der),
        customer_master_key_spec: spec,
        key_spec: spec,
        key_usage: usage,
        encryption_algorithms: spec::encryption_algorithms(spec, usage),
        signing_algorithms: spec::signing_algorithms(spec, usage),
        key_agreement_algorithms: spec::key_agreement_algorithms(usage),
        encapsulation_algorithms: spec::encapsulation_algorithms(usage),
    })
}

#[cfg(test)]
mod tests;
