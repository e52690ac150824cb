//! `SetDefaultPolicyVersion`: makes a version the one that counts.

use keywatch_api::iam::policies::PolicyVersionRequest;

use super::{Iam, IamError, policies};
use crate::Call;
use crate::identity::whole_seconds;

pub(crate) async fn set_default_policy_version(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyVersionRequest,
) -> Result<(), IamError> {
    let (arn, id) = (&request.policy_arn, &request.version_id);
    let mut policy = policies::own_policy_for(call, "SetDefaultPolicyVersion", arn).await?;
    let done = policy.set_default(id, whole_seconds(call.now));
    done.map_err(|error| policies::version_error(error, arn, id))?;
    policies::put(call, &policy)
}
