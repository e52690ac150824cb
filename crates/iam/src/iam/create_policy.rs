//! `CreatePolicy`: makes a managed policy of the account with its first version.

use keywatch_api::iam::policies::{CreatePolicyRequest, Policy, PolicyResponse};
use keywatch_crypto::SystemRandom;

use super::authorize::{Target, authorize};
use super::quotas::{self, Counted};
use super::{Iam, IamError, policies};
use crate::Call;
use crate::identity::{IdPrefix, POLICY, PolicyRecord, Tags, name_key, new_id, policy_arn, whole_seconds};

pub(crate) async fn create_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: CreatePolicyRequest,
) -> Result<PolicyResponse, IamError> {
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = policy_arn(call.account(), &path, &request.policy_name);
    let new_tags = request.tags.unwrap_or_default();
    authorize(call, "CreatePolicy", &Target { new_tags: &new_tags, ..Target::new(arn.clone()) })?;
    if !new_tags.is_empty() {
        authorize(call, "TagPolicy", &Target { new_tags: &new_tags, ..Target::new(arn) })?;
    }
    policies::check_document(&request.policy_document)?;
    let (now, id) = (whole_seconds(call.now), new_id(IdPrefix::Policy, &mut SystemRandom));
    let mut policy = PolicyRecord::new(request.policy_name, path, id, request.policy_document, now);
    policy.description = request.description;
    policy.tags = Tags::new(&new_tags)?;
    let key = name_key(call.account(), &policy.name);
    if call.tx.get::<PolicyRecord>(POLICY, &key).await?.is_some() {
        let name = &policy.name;
        let text = format!("A policy called {name} already exists. Duplicate names are not allowed.");
        return Err(IamError::EntityAlreadyExists(text));
    }
    quotas::take(call, Counted::Policies).await?;
    call.tx.insert(POLICY, &key, &policy)?;
    // Like AWS's, this answer leaves the description out.
    Ok(PolicyResponse { policy: Policy { description: None, ..policy.shown(call.account()) } })
}
