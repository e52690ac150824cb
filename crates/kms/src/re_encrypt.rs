//! `ReEncrypt`: from one key, material or context to another, without the plaintext leaving. Needs `kms:ReEncryptFrom` on the
//! source and `kms:ReEncryptTo` on the destination.

use keywatch_api::kms::ciphers::{ReEncryptRequest, ReEncryptResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Found, Reach, find};
use crate::ciphers::{canonical, check_algorithm, check_dry_run, current, seal, unseal};
use crate::conditions::CipherKeys;
use crate::decrypt::{Source, check_same_key, dry_run_without_blob, without_blob};
use crate::error::KmsError;
use crate::grant_token;

pub(crate) async fn re_encrypt(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ReEncryptRequest,
) -> Result<ReEncryptResponse, KmsError> {
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    check_algorithm(request.destination_encryption_algorithm.0)?;
    let source_context = canonical(&request.source_encryption_context)?;
    let destination_context = canonical(&request.destination_encryption_context)?;
    let blob = Source {
        blob: request.ciphertext_blob.as_ref(),
        key_id: request.source_key_id.as_deref(),
        key_member: "sourceKeyId",
        algorithm: request.source_encryption_algorithm.0,
        without_blob: without_blob(request.dry_run, &request.dry_run_modifiers),
    };
    let (source, envelope) = blob.locate(call, kms, "kms:ReEncryptFrom").await?;
    let destination = find(call, kms, &request.destination_key_id, Reach::Use, "kms:ReEncryptTo").await?;
    authorize(call, &source, &destination, &request).await?;
    let Some(envelope) = envelope else {
        current(&destination.open)?;
        return Err(dry_run_without_blob(&source));
    };
    check_same_key(&source, &envelope)?;
    let (plaintext, from) = unseal(&source.open, &envelope, &source_context)?;
    let to = current(&destination.open)?;
    call.notes.additional_event_data = Some(format!(
        "{{\"destinationKeyMaterialId\":\"{}\",\"sourceKeyMaterialId\":\"{}\"}}",
        to.id, from.id
    ));
    check_dry_run(request.dry_run)?;
    Ok(ReEncryptResponse {
        ciphertext_blob: seal(to, &destination_context, &plaintext)?,
        source_key_id: source.open.arn.clone(),
        key_id: destination.open.arn.clone(),
        source_encryption_algorithm: request.source_encryption_algorithm.0,
        destination_encryption_algorithm: request.destination_encryption_algorithm.0,
        source_key_material_id: from.id.clone(),
        destination_key_material_id: to.id.clone(),
    })
}

async fn authorize(
    call: &mut Call<'_>,
    source: &Found,
    destination: &Found,
    request: &ReEncryptRequest,
) -> Result<(), KmsError> {
    let more = CipherKeys { same_key: Some(source.open.arn == destination.open.arn) };
    let from = Asked {
        action: "kms:ReEncryptFrom",
        context: request.source_encryption_context.as_ref(),
        more: &more,
    };
    source.authorize(call, &from).await?;
    let to = Asked {
        action: "kms:ReEncryptTo",
        context: request.destination_encryption_context.as_ref(),
        more: &more,
    };
    destination.authorize(call, &to).await
}

#[cfg(test)]
mod tests;
