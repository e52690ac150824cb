//! `Encrypt`: up to 4,096 bytes under a symmetric key's current material, or as much as OAEP takes under an RSA key.

use keywatch_api::kms::ciphers::{EncryptRequest, EncryptResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{self, canonical, check_dry_run};
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
        more: &CipherKeys { algorithm: request.encryption_algorithm.0, same_key: None },
    };
    let open = reach(call, kms, &request.key_id, Reach::Use, &asked).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let algorithm = request.encryption_algorithm.0;
    let (ciphertext_blob, material) =
        ciphers::encrypt(&open, "Encrypt", algorithm, &context, request.plaintext.expose())?;
    call.notes.additional_event_data.clone_from(&material.noted);
    check_dry_run(request.dry_run)?;
    Ok(EncryptResponse { ciphertext_blob, key_id: open.arn.clone(), encryption_algorithm: algorithm })
}

#[cfg(test)]
mod tests;
