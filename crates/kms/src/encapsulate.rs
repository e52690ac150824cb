//! `Encapsulate`: a fresh shared secret, and the ciphertext from which the key's owner gets it back.

use keywatch_api::Blob;
use keywatch_api::kms::asymmetric::{EncapsulateRequest, EncapsulateResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{check_dry_run, current, inconsistent, secret_blob};
use crate::error::KmsError;
use crate::grant_token;
use crate::opened::Opened;

pub(crate) async fn encapsulate(
    call: &mut Call<'_>,
    kms: &Kms,
    request: EncapsulateRequest,
) -> Result<EncapsulateResponse, KmsError> {
    let asked = Asked::plain("kms:Encapsulate");
    let open = reach(call, kms, &request.key_id, Reach::Use, &asked).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let material = current(&open, KeyUsage::EncapsulateDecapsulate, "Encapsulate")?;
    check_dry_run(request.dry_run)?;
    let Opened::Encapsulating(key) = &material.opened else { return Err(inconsistent(&open)) };
    let (ciphertext, secret) =
        key.encapsulate().ok_or_else(|| KmsError::Internal("nothing was encapsulated".to_owned()))?;
    Ok(EncapsulateResponse {
        key_id: open.arn.clone(),
        shared_secret: secret_blob(secret),
        shared_secret_ciphertext_blob: Blob(ciphertext),
        encapsulation_algorithm: request.encapsulation_algorithm,
    })
}

#[cfg(test)]
mod tests;
