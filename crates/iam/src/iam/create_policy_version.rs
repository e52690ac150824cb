//! `CreatePolicyVersion`: adds a version to a policy, as its default if asked.

use keywatch_api::iam::policies::{CreatePolicyVersionRequest, PolicyVersionResponse};

use super::{Iam, IamError, policies};
use crate::Call;
use crate::identity::whole_seconds;

pub(crate) async fn create_policy_version(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: CreatePolicyVersionRequest,
) -> Result<PolicyVersionResponse, IamError> {
    let arn = &request.policy_arn;
    let mut policy = policies::own_policy_for(call, "CreatePolicyVersion", arn).await?;
    policies::check_document(&request.policy_document)?;
    let as_default = request.set_as_default.unwrap_or(false);
    let added = policy.add(request.policy_document, as_default, whole_seconds(call.now));
    let version = added.cloned().map_err(|error| policies::version_error(error, arn, ""))?;
    policies::put(call, &policy)?;
    Ok(PolicyVersionResponse { policy_version: policy.shown_version(&version) })
}
