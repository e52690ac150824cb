//! `Verify`: says that a signature is valid, or fails.

use keywatch_api::kms::asymmetric::{VerifyRequest, VerifyResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{check_dry_run, current, inconsistent};
use crate::error::KmsError;
use crate::grant_token;
use crate::opened::Opened;
use crate::signatures::{checked, condition_keys};

pub(crate) async fn verify(
    call: &mut Call<'_>,
    kms: &Kms,
    request: VerifyRequest,
) -> Result<VerifyResponse, KmsError> {
    let algorithm = request.signing_algorithm;
    let message_type = request.message_type.0;
    let more = condition_keys(algorithm, message_type);
    let open = reach(call, kms, &request.key_id, Reach::Use, &Asked::with("kms:Verify", &more)).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let material = current(&open, KeyUsage::SignVerify, "Verify")?;
    let (signature, message) = checked(&open.key, algorithm, message_type, request.message.expose())?;
    let Opened::Signing(key) = &material.opened else { return Err(inconsistent(&open)) };
    if !key.verify(signature, message, &request.signature.0) {
        return Err(KmsError::InvalidSignature);
    }
    check_dry_run(request.dry_run)?;
    Ok(VerifyResponse { key_id: open.arn.clone(), signature_valid: true, signing_algorithm: algorithm })
}
