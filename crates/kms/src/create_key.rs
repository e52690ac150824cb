//! `CreateKey`: keys of every spec and usage, with material made here or to be imported.

use keywatch_api::kms::keys::{CreateKeyRequest, KeyMetadataResponse};
use keywatch_api::kms::sets::{KeyManager, KeySpec, KeyUsage, Origin};
use keywatch_api::kms::tags::Tag;
use keywatch_api::record_form;
use keywatch_crypto::{KeyName, SystemRandom, random};
use keywatch_iam::Call;
use keywatch_iam::policy::{ConditionKeys, Values};
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Kms;
use crate::access::authorize_own;
use crate::conditions::TagKeys;
use crate::error::KmsError;
use crate::family::Family;
use crate::key::{Key, Material, State};
use crate::key_policy::{accepted, check_not_locked_out, default_policy};
use crate::open_key::{KEY_RESOURCE, seal};
use crate::{key_count, opened, rows, spec, tags};

pub(crate) async fn create_key(
    call: &mut Call<'_>,
    kms: &Kms,
    request: CreateKeyRequest,
) -> Result<KeyMetadataResponse, KmsError> {
    let (spec, usage) = spec_and_usage(&request)?;
    note_effective(call, &request, spec, usage);
    let tags = request.tags.as_deref().unwrap_or_default();
    let more = CreateKeys { request: &request, spec, usage, tags: TagKeys(tags) };
    authorize_own(call, "kms:CreateKey", "*", &more)?;
    check_available(&request, spec)?;

    let policy_text = request.policy.clone().unwrap_or_else(|| default_policy(call.account()));
    let policy = accepted(call, &policy_text).await?;
    let tagged = tags::merged(Default::default(), tags)?;
    let key = new_key(call, kms, &request, (spec, usage), policy_text, tagged).await?;
    if !tags.is_empty() {
        authorize_own(call, "kms:TagResource", &key.arn().to_string(), &more)?;
    }
    if !request.bypass_policy_lockout_safety_check.0 {
        check_not_locked_out(call, &key, &policy, &more)?;
    }
    Box::pin(key_count::add(&mut call.tx, &key)).await?;
    rows::insert(&mut call.tx, &key)?;
    call.notes.resource(&key.arn(), KEY_RESOURCE);
    Ok(KeyMetadataResponse { key_metadata: key.metadata() })
}

async fn new_key(
    call: &Call<'_>,
    kms: &Kms,
    request: &CreateKeyRequest,
    (spec, usage): (KeySpec, KeyUsage),
    policy: String,
    tags: std::collections::BTreeMap<String, String>,
) -> Result<Key, KmsError> {
    let origin = request.origin.0;
    let multi_region = request.multi_region == Some(true);
    let id = random::uuid_bytes(&mut SystemRandom);
    let name = if multi_region { KeyName::from_multi_region_bytes(id) } else { KeyName::from_uuid_bytes(id) };
    let mut key = Key {
        id: name.to_string(),
        account: call.account().clone(),
        region: call.region.clone(),
        created: call.now,
        spec,
        usage,
        manager: KeyManager::Customer,
        origin,
        description: request.description.0.clone(),
        state: if origin == Origin::External { State::PendingImport } else { State::Enabled },
        materials: Vec::new(),
        public_key: None,
        rotation: None,
        policy,
        tags,
        aliases: Default::default(),
        family: multi_region.then(|| Family::founded(call.region.clone())),
    };
    if origin == Origin::AwsKms {
        let material = opened::generate(spec, kms.generation()).await?;
        let (id, sealed) = seal(&key, &material, kms.keyring())?;
        key.materials.push(Material::generated(id, sealed));
        key.public_key = opened::public_key(spec, &material)?;
    }
    Ok(key)
}

/// The effective spec and usage, defaults included.
fn spec_and_usage(request: &CreateKeyRequest) -> Result<(KeySpec, KeyUsage), KmsError> {
    let invalid = |text: String| Err(KmsError::Validation(text));
    let key_spec = match (request.key_spec, request.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            return invalid(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated."
                    .to_owned(),
            );
        }
        (Some(spec), None) | (None, Some(spec)) => spec,
        (None, None) => KeySpec::SymmetricDefault,
    };
    match request.key_usage {
        None if key_spec != KeySpec::SymmetricDefault => invalid(
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
                .to_owned(),
        ),
        Some(usage) if !spec::compatible(key_spec, usage) => {
            invalid(format!("KeyUsage {usage} is not compatible with KeySpec {key_spec}"))
        }
        usage => Ok((key_spec, usage.unwrap_or(KeyUsage::EncryptDecrypt))),
    }
}

/// What no key of these Regions has.
fn check_available(request: &CreateKeyRequest, spec: KeySpec) -> Result<(), KmsError> {
    if request.origin.0 == Origin::External && !spec::importable(spec) {
        return Err(KmsError::Unsupported(format!("KeySpec {spec} is not valid for Origin EXTERNAL.")));
    }
    if spec == KeySpec::Sm2 {
        return Err(KmsError::Unsupported("KeySpec SM2 is not supported in this Region.".to_owned()));
    }
    check_key_store(request)
}

/// There are no custom key stores, so whoever names one is told that it is not there.
fn check_key_store(request: &CreateKeyRequest) -> Result<(), KmsError> {
    let invalid = |text: String| Err(KmsError::Validation(text));
    let origin = request.origin.0;
    let stored = matches!(origin, Origin::AwsCloudHsm | Origin::ExternalKeyStore);
    if request.xks_key_id.is_some() && origin != Origin::ExternalKeyStore {
        return invalid(format!("XksKeyId is not valid for Origin {origin}."));
    }
    match &request.custom_key_store_id {
        None if stored => invalid(format!("CustomKeyStoreId is required for Origin {origin}.")),
        None => Ok(()),
        Some(_) if !stored => invalid(format!("CustomKeyStoreId is not valid for Origin {origin}.")),
        Some(id) => Err(KmsError::CustomKeyStoreNotFound(format!("Custom key store '{id}' was not found."))),
    }
}

/// `requestParameters` with the defaults that AWS fills in.
#[skip_serializing_none]
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'r> {
    policy: Option<&'r str>,
    description: &'r str,
    origin: Origin,
    bypass_policy_lockout_safety_check: bool,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    key_usage: KeyUsage,
    custom_key_store_id: Option<&'r str>,
    tags: Option<&'r [Tag]>,
    multi_region: Option<bool>,
    xks_key_id: Option<&'r str>,
}

fn note_effective(call: &mut Call<'_>, request: &CreateKeyRequest, spec: KeySpec, usage: KeyUsage) {
    let shown = Shown {
        policy: request.policy.as_deref(),
        description: &request.description.0,
        origin: request.origin.0,
        bypass_policy_lockout_safety_check: request.bypass_policy_lockout_safety_check.0,
        customer_master_key_spec: spec,
        key_spec: spec,
        key_usage: usage,
        custom_key_store_id: request.custom_key_store_id.as_deref(),
        tags: request.tags.as_deref(),
        multi_region: request.multi_region,
        xks_key_id: request.xks_key_id.as_deref(),
    };
    call.notes.request_parameters = Some(record_form::to_json(&shown));
}

/// Condition keys of the request.
struct CreateKeys<'r> {
    request: &'r CreateKeyRequest,
    spec: KeySpec,
    usage: KeyUsage,
    tags: TagKeys<'r>,
}

impl ConditionKeys for CreateKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:bypasspolicylockoutsafetycheck" => {
                Some(Values::bool(self.request.bypass_policy_lockout_safety_check.0))
            }
            "kms:keyspec" | "kms:customermasterkeyspec" => Some(Values::one(self.spec.as_str())),
            "kms:keyusage" | "kms:customermasterkeyusage" => Some(Values::one(self.usage.as_str())),
            "kms:keyorigin" => Some(Values::one(self.request.origin.0.as_str())),
            "kms:multiregion" => Some(Values::bool(self.request.multi_region == Some(true))),
            "kms:multiregionkeytype" if self.request.multi_region == Some(true) => {
                Some(Values::one("PRIMARY"))
            }
            _ => self.tags.values(key),
        }
    }
}

#[cfg(test)]
mod tests;
