//! `ImportKeyMaterial`: material from outside, wrapped under the key of `GetParametersForImport`. Material of a key keeps its id,
//! which is a function of key and material, so what comes back is recognised.

use jiff::{SignedDuration, Timestamp};
use keywatch_api::kms::import::{ImportKeyMaterialRequest, KeyMaterialResponse};
use keywatch_api::kms::sets::{ExpirationModel, ImportType};
use keywatch_api::{WireTime, record_form};
use keywatch_crypto::SecretBytes;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::import_token;
use crate::key::Key;
use crate::lifecycle::Act;
use crate::materials::Arriving;
use crate::open_key::seal;
use crate::{family, opened, rows};

/// "ValidTo … cannot be more than 365 days from the request".
const VALID_FOR_MAX: SignedDuration = SignedDuration::from_hours(365 * 24);

pub(crate) async fn import_key_material(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ImportKeyMaterialRequest,
) -> Result<KeyMaterialResponse, KmsError> {
    let model = request.expiration_model.0;
    let mut more = KeyList::default().with("kms:ExpirationModel", Values::one(model.as_str()));
    if let Some(valid_to) = request.valid_to {
        more = more.with("kms:ValidTo", Values::one(valid_to.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    }
    let key = hold(call, &request.key_id, &Asked::with("kms:ImportKeyMaterial", &more)).await?;
    key.permit(Act::ImportMaterial)?;
    check_symmetric_only(&key, &request)?;
    let kind = key.import_type(request.import_type);
    if kind == ImportType::New && key.is_replica() {
        return Err(key.not_primary());
    }
    note_effective(call, &request, kind);
    let valid_to = checked_expiry(model, request.valid_to, call.now)?;
    if kind == ImportType::New && request.key_material_id.is_some() {
        return Err(KmsError::Validation(
            "KeyMaterialId must not be given when the ImportType is NEW_KEY_MATERIAL.".to_owned(),
        ));
    }
    let material = unwrapped(call, kms, &key, &request).await?;
    let (id, sealed) = seal(&key, &material, kms.keyring())?;
    if request.key_material_id.as_ref().is_some_and(|expected| *expected != id) {
        return Err(KmsError::IncorrectKeyMaterial(
            "The key material in the request does not match the KeyMaterialId.".to_owned(),
        ));
    }
    let public_key = opened::public_key(key.spec, &material)?;
    let arriving =
        Arriving { id: id.clone(), sealed, valid_to, description: request.key_material_description.clone() };
    let key = rows::change(&mut call.tx, key, |key| Ok(Key { public_key, ..key.import(kind, arriving)? }))?;
    family::synchronize(&mut call.tx, kms.keyring(), &key, call.now).await?;
    let shown = key.is_symmetric().then_some(id);
    Ok(KeyMaterialResponse { key_id: key.arn().to_string(), key_material_id: shown })
}

/// Keys of other specs have one material for ever, so nothing about it is there to choose.
fn check_symmetric_only(key: &Key, request: &ImportKeyMaterialRequest) -> Result<(), KmsError> {
    let given = [
        ("ImportType", request.import_type.is_some()),
        ("KeyMaterialDescription", request.key_material_description.is_some()),
        ("KeyMaterialId", request.key_material_id.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given && !key.is_symmetric()) {
        Some((member, _)) => Err(KmsError::Validation(format!(
            "{member} is only valid for symmetric encryption keys, not for a key with KeySpec {}.",
            key.spec
        ))),
        None => Ok(()),
    }
}

/// Opens the token and unwraps the material.
async fn unwrapped(
    call: &Call<'_>,
    kms: &Kms,
    key: &Key,
    request: &ImportKeyMaterialRequest,
) -> Result<SecretBytes, KmsError> {
    let arn = key.arn().to_string();
    let token = import_token::open(kms.keyring(), &arn, &request.import_token.0, call.now)?;
    let wrapped = request.encrypted_key_material.0.clone();
    // A private RSA operation takes milliseconds.
    let unwrapping = move || token.pair.unwrap(token.algorithm, &wrapped);
    let secret: SecretBytes =
        kms.primitives().run(unwrapping).await?.map_err(|_| KmsError::InvalidCiphertext)?;
    opened::from_outside(key.spec, secret)
        .map_err(|why| KmsError::IncorrectKeyMaterial(format!("The key material is not valid: {why}.")))
}

/// The expiry, when model and date fit each other.
fn checked_expiry(
    model: ExpirationModel,
    valid_to: Option<WireTime>,
    now: Timestamp,
) -> Result<Option<Timestamp>, KmsError> {
    let invalid = |text: &str| Err(KmsError::Validation(text.to_owned()));
    match (model, valid_to) {
        (ExpirationModel::DoesNotExpire, None) => Ok(None),
        (ExpirationModel::DoesNotExpire, Some(_)) => {
            invalid("A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        }
        (ExpirationModel::Expires, None) => {
            invalid("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
        }
        (ExpirationModel::Expires, Some(WireTime(at))) if at <= now => {
            invalid("The validTo date must be in the future")
        }
        (ExpirationModel::Expires, Some(WireTime(at))) if at.duration_since(now) > VALID_FOR_MAX => {
            invalid("The validTo date must not be more than 365 days from now")
        }
        (ExpirationModel::Expires, Some(WireTime(at))) => Ok(Some(at)),
    }
}

/// `requestParameters` with the import type that applies.
#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'r> {
    key_id: &'r str,
    valid_to: Option<WireTime>,
    expiration_model: ExpirationModel,
    import_type: ImportType,
    key_material_description: Option<&'r str>,
    key_material_id: Option<&'r str>,
}

fn note_effective(call: &mut Call<'_>, request: &ImportKeyMaterialRequest, kind: ImportType) {
    let shown = Shown {
        key_id: &request.key_id,
        valid_to: request.valid_to,
        expiration_model: request.expiration_model.0,
        import_type: kind,
        key_material_description: request.key_material_description.as_deref(),
        key_material_id: request.key_material_id.as_deref(),
    };
    call.notes.request_parameters = Some(record_form::to_json(&shown));
}

#[cfg(test)]
mod tests;
