//! `DeriveSharedSecret`: ECDH with the owner of another public key. The secret is raw: callers derive keys from it.

use keywatch_api::kms::asymmetric::{DeriveSharedSecretRequest, DeriveSharedSecretResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::attestation::{self, RecipientKeys};
use crate::ciphers::{check_dry_run, current, inconsistent, secret_blob};
use crate::error::KmsError;
use crate::grant_token;
use crate::opened::Opened;

const ACTION: &str = "kms:DeriveSharedSecret";

pub(crate) async fn derive_shared_secret(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse, KmsError> {
    let attested = attestation::verified(kms, &request.recipient, call.now).await?;
    let algorithm = request.key_agreement_algorithm;
    let more = KeyList::default().with("kms:KeyAgreementAlgorithm", Values::one(algorithm.as_str()));
    let more = RecipientKeys { attested: attested.as_ref(), own: &more };
    let open = reach(call, kms, &request.key_id, Reach::Use, &Asked::with(ACTION, &more)).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let material = current(&open, KeyUsage::KeyAgreement, "DeriveSharedSecret")?;
    let Opened::Agreeing(key) = &material.opened else { return Err(inconsistent(&open)) };
    // AWS says no more than that.
    let secret = key.agree(&request.public_key.0).map_err(|_| KmsError::Validation(String::new()))?;
    check_dry_run(request.dry_run)?;
    let (shared_secret, ciphertext_for_recipient) =
        attestation::delivered(call, attested.as_ref(), secret_blob(secret))?;
    Ok(DeriveSharedSecretResponse {
        key_id: open.arn.clone(),
        shared_secret,
        ciphertext_for_recipient,
        key_agreement_algorithm: algorithm,
        key_origin: open.key.origin,
    })
}

#[cfg(test)]
mod tests;
