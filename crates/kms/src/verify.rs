//! `Verify`: says that a signature is valid, or fails.

use keywatch_api::kms::asymmetric::{VerifyRequest, VerifyResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{check_dry_run, current, inconsistent};
use crate::error::KmsError;
use crate::grant_token;
use crate::open_key::OpenKey;
use crate::opened::Opened;
use crate::signatures::{checked, condition_keys};
use crate::spec;

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
    current(&open, KeyUsage::SignVerify, "Verify")?;
    let (key_id, dry_run) = (open.arn.clone(), request.dry_run);
    checked(&open.key, algorithm, message_type, request.message.expose())?;
    let slow = spec::is_slow_to_verify(open.key.spec);
    if !kms.primitives().run_if(slow, move || verified(&open, &request)).await?? {
        return Err(KmsError::InvalidSignature);
    }
    check_dry_run(dry_run)?;
    Ok(VerifyResponse { key_id, signature_valid: true, signing_algorithm: algorithm })
}

fn verified(open: &OpenKey, request: &VerifyRequest) -> Result<bool, KmsError> {
    let material = current(open, KeyUsage::SignVerify, "Verify")?;
    let Opened::Signing(key) = &material.opened else { return Err(inconsistent(open)) };
    let (algorithm, message_type) = (request.signing_algorithm, request.message_type.0);
    let (signature, message) = checked(&open.key, algorithm, message_type, request.message.expose())?;
    Ok(key.verify(signature, message, &request.signature.0))
}
