//! `GetCallerIdentity`: who the caller is. Never denied, by no policy.

use keywatch_api::sts::{GetCallerIdentityRequest, GetCallerIdentityResponse};

use super::StsError;
use crate::Call;
use crate::iam::Iam;

pub(crate) async fn get_caller_identity(
    call: &mut Call<'_>,
    _iam: &Iam,
    _request: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, StsError> {
    Ok(GetCallerIdentityResponse {
        user_id: call.caller.user_id.clone(),
        account: call.account().to_string(),
        arn: call.caller.arn.clone(),
    })
}
