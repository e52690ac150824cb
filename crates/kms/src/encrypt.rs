//! `Encrypt`: up to 4,096 bytes under a key's current material.

use keywatch_api::kms::ciphers::{EncryptRequest, EncryptResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{canonical, check_algorithm, check_dry_run, current, seal};
use crate::conditions::CipherKeys;
use crate::error::KmsError;
use crate::grant_token;

pub(crate) async fn encrypt(
    call: &mut Call<'_>,
    kms: &Kms,
    request: EncryptRequest,
) -> Result<EncryptResponse, KmsError> {
    let context = canonical(&request.encryption_context)?;
    let asked = Asked {
        action: "kms:Encrypt",
        context: request.encryption_context.as_ref(),
        more: &CipherKeys { same_key: None },
    };
    let open = reach(call, kms, &request.key_id, Reach::Use, &asked).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    check_algorithm(request.encryption_algorithm.0)?;
    let material = current(&open)?;
    call.notes.additional_event_data = Some(material.noted.clone());
    check_dry_run(request.dry_run)?;
    let ciphertext_blob = seal(material, &context, &request.plaintext)?;
    Ok(EncryptResponse {
        ciphertext_blob,
        key_id: open.arn.clone(),
        encryption_algorithm: request.encryption_algorithm.0,
    })
}

#[cfg(test)]
mod tests;
