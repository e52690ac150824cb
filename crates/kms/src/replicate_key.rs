//! `ReplicateKey`: the same key in another Region, with a policy, tags and a description of its own. Needs `kms:ReplicateKey` on the
//! primary and `kms:CreateKey` in the Region of the replica.

use jiff::Timestamp;
use keywatch_api::kms::KmsOperation;
use keywatch_api::kms::keys::KeyMetadataResponse;
use keywatch_api::kms::multi_region::{ReplicateKeyRequest, ReplicateKeyResponse};
use keywatch_api::kms::sets::{KeySpec, KeyUsage, Origin};
use keywatch_api::kms::tags::Tag;
use keywatch_api::{Region, record_form};
use keywatch_iam::policy::{ConditionKeys, Values};
use keywatch_iam::{Call, Notes};
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::Kms;
use crate::access::{Asked, authorize_own, hold};
use crate::conditions::TagKeys;
use crate::error::KmsError;
use crate::family::{self, SETTLING};
use crate::family_record::append_elsewhere;
use crate::key::{KEYS, Key, State};
use crate::key_policy::{accepted, check_not_locked_out, default_policy};
use crate::lifecycle::Act;
use crate::{key_count, rows, tags};

pub(crate) async fn replicate_key(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ReplicateKeyRequest,
) -> Result<ReplicateKeyResponse, KmsError> {
    // Boxed, so that usual calls do not carry its many reads.
    Box::pin(replicate(call, kms, request)).await
}

async fn replicate(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ReplicateKeyRequest,
) -> Result<ReplicateKeyResponse, KmsError> {
    let region: Region = request.replica_region.parse().map_err(|error| KmsError::internal(&error))?;
    let wanted_tags = request.tags.as_deref().unwrap_or_default();
    let own_region = call.region.clone();
    let more =
        ReplicateKeys { request: &request, primary: &own_region, tags: TagKeys(wanted_tags), of: None };
    let primary = hold(call, &request.key_id, &Asked::with("kms:ReplicateKey", &more)).await?;
    let held = primary.clone();
    let more = ReplicateKeys { of: Some(&held), ..more };
    authorize_in(call, &region, "kms:CreateKey", "*", &more)?;
    primary.permit(Act::Replicate)?;
    let place = primary.place_in(&region)?;
    if region == primary.region || call.tx.get::<Key>(KEYS, &place.row()).await?.is_some() {
        return Err(KmsError::AlreadyExists(format!("The key {} already exists.", place.arn())));
    }
    kms.quotas().take_elsewhere(call, &region, (KmsOperation::CreateKey, 2))?;
    let tagged = tags::merged(Default::default(), wanted_tags)?;
    if !tagged.is_empty() {
        authorize_in(call, &region, "kms:TagResource", &place.arn().to_string(), &more)?;
    }
    let policy_text = request.policy.clone().unwrap_or_else(|| default_policy(call.account()));
    let policy = accepted(call, &policy_text).await?;

    let mut family = primary.family.clone().ok_or_else(|| primary.not_primary())?;
    family.replicas.insert(region.clone());
    let primary = rows::change(&mut call.tx, primary, |key| Ok(Key { family: Some(family), ..key }))?;
    let replica = Key {
        region,
        created: call.now,
        description: request.description.0.clone(),
        state: State::Creating { until: call.now.saturating_add(SETTLING).unwrap_or(Timestamp::MAX) },
        materials: Vec::new(),
        policy: policy_text,
        tags: tagged,
        aliases: Default::default(),
        ..primary.clone()
    };
    let replica = family::mirror(replica, &primary, kms.keyring())?;
    if !request.bypass_policy_lockout_safety_check.0 {
        check_not_locked_out(call, &replica, &policy, &more)?;
    }
    key_count::add(&mut call.tx, &replica).await?;
    rows::insert(&mut call.tx, &replica)?;
    family::tell_others(&mut call.tx, &primary).await?;
    append_creation(call, &replica, &request);
    Ok(ReplicateKeyResponse {
        replica_key_metadata: replica.metadata(),
        replica_policy: replica.policy,
        replica_tags: request.tags,
    })
}

/// Asks the caller's own policies about an act in another Region.
fn authorize_in(
    call: &mut Call<'_>,
    region: &Region,
    action: &str,
    resource: &str,
    more: &dyn ConditionKeys,
) -> Result<(), KmsError> {
    let home = std::mem::replace(&mut call.region, region.clone());
    let answer = authorize_own(call, action, resource, more);
    call.region = home;
    answer
}

/// `requestParameters` and `responseElements` of the record where the replica is.
fn append_creation(call: &mut Call<'_>, replica: &Key, request: &ReplicateKeyRequest) {
    let shown = Shown {
        policy: request.policy.as_deref(),
        description: &replica.description,
        origin: replica.origin,
        bypass_policy_lockout_safety_check: request.bypass_policy_lockout_safety_check.0,
        customer_master_key_spec: replica.spec,
        key_spec: replica.spec,
        key_usage: replica.usage,
        tags: request.tags.as_deref(),
        multi_region: true,
    };
    let mut notes = Notes::default();
    notes.request_parameters = Some(record_form::to_json(&shown));
    let answer = KeyMetadataResponse { key_metadata: replica.metadata() };
    notes.set_response(Some(record_form::to_json(&answer)));
    append_elsewhere(call, replica, "CreateKey", notes);
}

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
    tags: Option<&'r [Tag]>,
    multi_region: bool,
}

/// Condition keys of the request.
struct ReplicateKeys<'r> {
    request: &'r ReplicateKeyRequest,
    primary: &'r Region,
    tags: TagKeys<'r>,
    /// The primary, once it is known what is to be made.
    of: Option<&'r Key>,
}

impl ConditionKeys for ReplicateKeys<'_> {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        match key {
            "kms:replicaregion" => Some(Values::one(self.request.replica_region.as_str())),
            "kms:primaryregion" => Some(Values::one(self.primary.as_str())),
            "kms:bypasspolicylockoutsafetycheck" => {
                Some(Values::bool(self.request.bypass_policy_lockout_safety_check.0))
            }
            "kms:keyspec" | "kms:customermasterkeyspec" => self.of.map(|key| Values::one(key.spec.as_str())),
            "kms:keyusage" | "kms:customermasterkeyusage" => {
                self.of.map(|key| Values::one(key.usage.as_str()))
            }
            "kms:keyorigin" => self.of.map(|key| Values::one(key.origin.as_str())),
            "kms:multiregion" => self.of.map(|_| Values::bool(true)),
            "kms:multiregionkeytype" => self.of.map(|_| Values::one("REPLICA")),
            _ => self.tags.values(key),
        }
    }
}

#[cfg(test)]
mod tests;
