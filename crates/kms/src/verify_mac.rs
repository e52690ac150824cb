//! `VerifyMac`: says that an HMAC is valid, or fails.

use keywatch_api::kms::asymmetric::{VerifyMacRequest, VerifyMacResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::ciphers::{check_dry_run, current, inconsistent};
use crate::error::KmsError;
use crate::generate_mac::{check_algorithm, mac_key};
use crate::opened::Opened;

pub(crate) async fn verify_mac(
    call: &mut Call<'_>,
    kms: &Kms,
    request: VerifyMacRequest,
) -> Result<VerifyMacResponse, KmsError> {
    let algorithm = request.mac_algorithm;
    let open = mac_key(call, kms, "kms:VerifyMac", &request.key_id, algorithm, &request.grant_tokens).await?;
    let material = current(&open, KeyUsage::GenerateVerifyMac, "VerifyMac")?;
    check_algorithm(&open, algorithm)?;
    let Opened::Mac(key) = &material.opened else { return Err(inconsistent(&open)) };
    if !key.verify(request.message.expose(), &request.mac.0) {
        return Err(KmsError::InvalidMac);
    }
    check_dry_run(request.dry_run)?;
    Ok(VerifyMacResponse { key_id: open.arn.clone(), mac_valid: true, mac_algorithm: algorithm })
}
