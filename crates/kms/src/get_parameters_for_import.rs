//! `GetParametersForImport`: a fresh RSA key to wrap material under, and the token that brings its other half back.

use keywatch_api::Blob;
use keywatch_api::kms::import::{GetParametersForImportRequest, GetParametersForImportResponse};
use keywatch_api::kms::sets;
use keywatch_crypto::import::{WrappingAlgorithm, WrappingKeyPair, WrappingKeySpec};
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::import_token;
use crate::lifecycle::Act;

pub(crate) async fn get_parameters_for_import(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse, KmsError> {
    let more = KeyList::default()
        .with("kms:WrappingAlgorithm", Values::one(request.wrapping_algorithm.as_str()))
        .with("kms:WrappingKeySpec", Values::one(request.wrapping_key_spec.as_str()));
    let asked = Asked::with("kms:GetParametersForImport", &more);
    let open = reach(call, kms, &request.key_id, Reach::Own, &asked).await?;
    open.key.permit(Act::GetImportParameters)?;
    let spec = wrapping_key_spec(request.wrapping_key_spec)?;
    let algorithm = wrapping_algorithm(request.wrapping_algorithm)?;
    check_fits(open.key.spec, spec, request.wrapping_algorithm)?;

    // Making a pair takes from tens of milliseconds to seconds, so not on a thread that serves.
    let pair = kms
        .generation()
        .run(move || WrappingKeyPair::generate(spec))
        .await?
        .map_err(|error| KmsError::internal(&error))?;
    let valid_to =
        call.now.checked_add(import_token::VALIDITY).map_err(|error| KmsError::internal(&error))?;
    let token = import_token::seal(kms.keyring(), &open.arn, algorithm, &pair, valid_to)?;
    Ok(GetParametersForImportResponse {
        key_id: open.arn.clone(),
        import_token: Blob(token),
        public_key: Blob(pair.spki_der()),
        parameters_valid_to: valid_to.into(),
    })
}

fn wrapping_key_spec(spec: sets::WrappingKeySpec) -> Result<WrappingKeySpec, KmsError> {
    match spec {
        sets::WrappingKeySpec::Rsa2048 => Ok(WrappingKeySpec::Rsa2048),
        sets::WrappingKeySpec::Rsa3072 => Ok(WrappingKeySpec::Rsa3072),
        sets::WrappingKeySpec::Rsa4096 => Ok(WrappingKeySpec::Rsa4096),
        sets::WrappingKeySpec::Sm2 => Err(unsupported(spec.as_str())),
    }
}

fn wrapping_algorithm(algorithm: sets::WrappingAlgorithm) -> Result<WrappingAlgorithm, KmsError> {
    match algorithm {
        sets::WrappingAlgorithm::RsaesOaepSha1 => Ok(WrappingAlgorithm::RsaesOaepSha1),
        sets::WrappingAlgorithm::RsaesOaepSha256 => Ok(WrappingAlgorithm::RsaesOaepSha256),
        sets::WrappingAlgorithm::RsaAesKeyWrapSha1 => Ok(WrappingAlgorithm::RsaAesKeyWrapSha1),
        sets::WrappingAlgorithm::RsaAesKeyWrapSha256 => Ok(WrappingAlgorithm::RsaAesKeyWrapSha256),
        // AWS ended the former on 2023-10-10; the latter belongs to the Regions of China.
        sets::WrappingAlgorithm::RsaesPkcs1V15 | sets::WrappingAlgorithm::Sm2Pke => {
            Err(unsupported(algorithm.as_str()))
        }
    }
}

/// What OAEP alone can wrap: no RSA private key at all, and the largest of the curves' not under the smallest wrapping key.
/// Source: KMS developer guide, "Select a wrapping algorithm".
fn check_fits(
    spec: sets::KeySpec,
    wrapping: WrappingKeySpec,
    algorithm: sets::WrappingAlgorithm,
) -> Result<(), KmsError> {
    use sets::KeySpec as Spec;
    let oaep_alone = matches!(
        algorithm,
        sets::WrappingAlgorithm::RsaesOaepSha1 | sets::WrappingAlgorithm::RsaesOaepSha256
    );
    let too_large = match spec {
        Spec::Rsa2048 | Spec::Rsa3072 | Spec::Rsa4096 => true,
        Spec::EccNistP521 => wrapping == WrappingKeySpec::Rsa2048,
        _ => false,
    };
    if oaep_alone && too_large {
        return Err(KmsError::Unsupported(format!(
            "{algorithm} with this wrapping key cannot wrap the key material of a key with KeySpec {spec}."
        )));
    }
    Ok(())
}

fn unsupported(what: &str) -> KmsError {
    KmsError::Unsupported(format!("{what} is not supported for importing key material."))
}
