//! `Sign`: a signature over a message, its digest, or ML-DSA's mu of it.

use keywatch_api::kms::asymmetric::{SignRequest, SignResponse};
use keywatch_api::kms::sets::{KeyUsage, MessageType, SigningAlgorithm};
use keywatch_api::{Blob, SecretBlob};
use keywatch_crypto::SystemRandom;
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

pub(crate) async fn sign(
    call: &mut Call<'_>,
    kms: &Kms,
    request: SignRequest,
) -> Result<SignResponse, KmsError> {
    let algorithm = request.signing_algorithm;
    let message_type = request.message_type.0;
    let more = condition_keys(algorithm, message_type);
    let open = reach(call, kms, &request.key_id, Reach::Use, &Asked::with("kms:Sign", &more)).await?;
    grant_token::check(kms.keyring(), &request.grant_tokens)?;
    current(&open, KeyUsage::SignVerify, "Sign")?;
    let key_id = open.arn.clone();
    checked(&open.key, algorithm, message_type, request.message.expose())?;
    check_dry_run(request.dry_run)?;
    let slow = spec::is_slow_in_private(open.key.spec);
    let signing = move || signed(&open, algorithm, message_type, &request.message);
    let signature = kms.primitives().run_if(slow, signing).await??;
    Ok(SignResponse { key_id, signature: Blob(signature), signing_algorithm: algorithm })
}

fn signed(
    open: &OpenKey,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &SecretBlob,
) -> Result<Vec<u8>, KmsError> {
    let material = current(open, KeyUsage::SignVerify, "Sign")?;
    let Opened::Signing(key) = &material.opened else { return Err(inconsistent(open)) };
    let (signature, message) = checked(&open.key, algorithm, message_type, message.expose())?;
    key.sign(signature, message, &mut SystemRandom).map_err(|error| KmsError::internal(&error))
}

#[cfg(test)]
mod slow_tests;
#[cfg(test)]
mod tests;
