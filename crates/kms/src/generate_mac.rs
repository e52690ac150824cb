//! `GenerateMac`: the HMAC of a message.

use keywatch_api::Blob;
use keywatch_api::kms::asymmetric::{GenerateMacRequest, GenerateMacResponse};
use keywatch_api::kms::member::GrantToken;
use keywatch_api::kms::sets::{KeyUsage, MacAlgorithm};
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use std::sync::Arc;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::{check_dry_run, current, incompatible, inconsistent};
use crate::error::KmsError;
use crate::grant_token;
use crate::open_key::OpenKey;
use crate::opened::Opened;
use crate::spec;

pub(crate) async fn generate_mac(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GenerateMacRequest,
) -> Result<GenerateMacResponse, KmsError> {
    let algorithm = request.mac_algorithm;
    let open =
        mac_key(call, kms, "kms:GenerateMac", &request.key_id, algorithm, &request.grant_tokens).await?;
    let material = current(&open, KeyUsage::GenerateVerifyMac, "GenerateMac")?;
    check_algorithm(&open, algorithm)?;
    check_dry_run(request.dry_run)?;
    let Opened::Mac(key) = &material.opened else { return Err(inconsistent(&open)) };
    Ok(GenerateMacResponse {
        mac: Blob(key.sign(request.message.expose())),
        mac_algorithm: algorithm,
        key_id: open.arn.clone(),
    })
}

/// The key that the caller may make or verify a MAC with.
pub(crate) async fn mac_key(
    call: &mut Call<'_>,
    kms: &Kms,
    action: &'static str,
    key_id: &str,
    algorithm: MacAlgorithm,
    grant_tokens: &Option<Vec<GrantToken>>,
) -> Result<Arc<OpenKey>, KmsError> {
    let more = KeyList::default().with("kms:MacAlgorithm", Values::one(algorithm.as_str()));
    let open = reach(call, kms, key_id, Reach::Use, &Asked::with(action, &more)).await?;
    grant_token::check(kms.keyring(), grant_tokens)?;
    Ok(open)
}

/// Each spec of HMAC keys knows one algorithm.
pub(crate) fn check_algorithm(open: &OpenKey, algorithm: MacAlgorithm) -> Result<(), KmsError> {
    let known = spec::mac_algorithms(open.key.spec).unwrap_or_default();
    if known.contains(&algorithm) { Ok(()) } else { Err(incompatible(algorithm.as_str(), open.key.spec)) }
}

#[cfg(test)]
mod tests;
