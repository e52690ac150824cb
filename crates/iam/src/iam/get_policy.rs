//! `GetPolicy`: a managed policy without its text.

use keywatch_api::iam::policies::{PolicyRequest, PolicyResponse};

use super::{Iam, IamError, policies};
use crate::Call;

pub(crate) async fn get_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyRequest,
) -> Result<PolicyResponse, IamError> {
    let policy = policies::policy_for(call, "GetPolicy", &request.policy_arn).await?;
    Ok(PolicyResponse { policy: policies::shown(call, &policy).await? })
}
