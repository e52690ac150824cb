//! `Decapsulate`: the shared secret in a ciphertext. A changed ciphertext gives another secret, not an error (FIPS 203 §6.3); only
//! a wrong length is one.

use keywatch_api::kms::asymmetric::{DecapsulateRequest, DecapsulateResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{check_dry_run, current, inconsistent, secret_blob};
use crate::error::KmsError;
use crate::grant_token;
use crate::opened::Opened;

pub(crate) async fn decapsulate(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DecapsulateRequest,
) -> Result<DecapsulateResponse, KmsError> {
    let asked = Asked::plain("kms:Decapsulate");
    let open = reach(call, kms, &request.key_id, Reach::Use, &asked).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let material = current(&open, KeyUsage::EncapsulateDecapsulate, "Decapsulate")?;
    let Opened::Encapsulating(key) = &material.opened else { return Err(inconsistent(&open)) };
    let secret =
        key.decapsulate(&request.shared_secret_ciphertext_blob.0).map_err(|_| KmsError::InvalidCiphertext)?;
    check_dry_run(request.dry_run)?;
    Ok(DecapsulateResponse {
        key_id: open.arn.clone(),
        shared_secret: secret_blob(secret),
        encapsulation_algorithm: request.encapsulation_algorithm,
    })
}
