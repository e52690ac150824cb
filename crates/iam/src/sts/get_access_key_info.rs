//! `GetAccessKeyInfo`: the account an access key belongs to.

use keywatch_api::sts::{GetAccessKeyInfoRequest, GetAccessKeyInfoResponse};

use super::StsError;
use crate::Call;
use crate::iam::Iam;
use crate::identity::{ACCESS_KEY, AccessKeyRecord};

pub(crate) async fn get_access_key_info(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, StsError> {
    call.authorize_own("sts:GetAccessKeyInfo", "*").map_err(|denied| StsError::AccessDenied(denied.0))?;
    let id = request.access_key_id;
    // Root keys and sessions are in no row; of those only the caller's own can be told.
    if call.caller.access_key_id.as_deref() == Some(id.as_str()) {
        return Ok(GetAccessKeyInfoResponse { account: call.account().to_string() });
    }
    let found: Option<AccessKeyRecord> = call.tx.get(ACCESS_KEY, &id).await?;
    match found {
        Some(key) => Ok(GetAccessKeyInfoResponse { account: key.account.to_string() }),
        None => Err(StsError::Validation(format!("The access key id {id} cannot be found."))),
    }
}
