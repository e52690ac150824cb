//! `ReEncrypt`: from one key, material or context to another, without the plaintext leaving. Needs `kms:ReEncryptFrom` on the
//! source and `kms:ReEncryptTo` on the destination.

use keywatch_api::kms::ciphers::{ReEncryptRequest, ReEncryptResponse};
use keywatch_api::kms::sets::KeyUsage;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Found, Reach, find};
use crate::ciphers::{self, canonical, check_dry_run, current};
use crate::conditions::CipherKeys;
use crate::decrypt::{Source, dry_run_without_blob, without_blob};
use crate::error::KmsError;
use crate::grant_token;

pub(crate) async fn re_encrypt(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ReEncryptRequest,
) -> Result<ReEncryptResponse, KmsError> {
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    let source_context = canonical(&request.source_encryption_context)?;
    let destination_context = canonical(&request.destination_encryption_context)?;
    let blob = Source {
        blob: request.ciphertext_blob.as_ref(),
        key_id: request.source_key_id.as_deref(),
        key_member: "sourceKeyId",
        algorithm: request.source_encryption_algorithm.0,
        without_blob: without_blob(request.dry_run, &request.dry_run_modifiers),
    };
    let source = blob.locate(call, kms, "kms:ReEncryptFrom").await?;
    let destination = find(call, kms, &request.destination_key_id, Reach::Use, "kms:ReEncryptTo").await?;
    authorize(call, &source, &destination, &request).await?;
    let (from_key, to_key) = (&source.open, &destination.open);
    let Some(bytes) = blob.bytes() else {
        current(to_key, KeyUsage::EncryptDecrypt, "ReEncrypt")?;
        return Err(dry_run_without_blob(from_key, "ReEncrypt"));
    };
    let (plaintext, from) =
        ciphers::decrypt(kms, from_key, "ReEncrypt", blob.algorithm, bytes, &source_context).await?;
    let algorithm = request.destination_encryption_algorithm.0;
    let (ciphertext_blob, to) =
        ciphers::encrypt(to_key, "ReEncrypt", algorithm, &destination_context, plaintext.expose())?;
    let (source_id, destination_id) = (from.shown_id(), to.shown_id());
    call.notes.additional_event_data = noted(source_id.as_deref(), destination_id.as_deref());
    check_dry_run(request.dry_run)?;
    Ok(ReEncryptResponse {
        ciphertext_blob,
        source_key_id: from_key.arn.clone(),
        key_id: to_key.arn.clone(),
        source_encryption_algorithm: blob.algorithm,
        destination_encryption_algorithm: algorithm,
        source_key_material_id: source_id,
        destination_key_material_id: destination_id,
    })
}

/// `additionalEventData`: the materials of what is symmetric.
fn noted(source: Option<&str>, destination: Option<&str>) -> Option<String> {
    let members = [("destinationKeyMaterialId", destination), ("sourceKeyMaterialId", source)];
    let members = members.into_iter().filter_map(|(name, id)| id.map(|id| format!("\"{name}\":\"{id}\"")));
    let members: Vec<String> = members.collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(",")))
}

async fn authorize(
    call: &mut Call<'_>,
    source: &Found,
    destination: &Found,
    request: &ReEncryptRequest,
) -> Result<(), KmsError> {
    let same_key = Some(source.open.arn == destination.open.arn);
    let more = CipherKeys { algorithm: request.source_encryption_algorithm.0, same_key };
    let from = Asked {
        action: "kms:ReEncryptFrom",
        context: request.source_encryption_context.as_ref(),
        more: &more,
    };
    source.authorize(call, &from).await?;
    let more = CipherKeys { algorithm: request.destination_encryption_algorithm.0, same_key };
    let to = Asked {
        action: "kms:ReEncryptTo",
        context: request.destination_encryption_context.as_ref(),
        more: &more,
    };
    destination.authorize(call, &to).await
}

#[cfg(test)]
mod tests;
