//! `UpdateAccessKey`: makes a key active or inactive. Requests signed with an inactive key are refused.

use keywatch_api::iam::access_keys::{AccessKeyStatus, UpdateAccessKeyRequest};

use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::ACCESS_KEY;

pub(crate) async fn update_access_key(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateAccessKeyRequest,
) -> Result<(), IamError> {
    let user = users::user_or_caller(call, "UpdateAccessKey", request.user_name).await?;
    let mut key = users::access_key_of(call, &user, &request.access_key_id).await?;
    if request.status == AccessKeyStatus::Expired {
        return Err(IamError::InvalidInput("An access key cannot be set to Expired.".to_owned()));
    }
    key.status = request.status;
    call.tx.put(ACCESS_KEY, &request.access_key_id, &key)?;
    Ok(())
}
