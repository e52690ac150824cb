//! `DeleteAccessKey`: requests signed with the key are refused from then on.

use keywatch_api::iam::access_keys::DeleteAccessKeyRequest;

use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::ACCESS_KEY;

pub(crate) async fn delete_access_key(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: DeleteAccessKeyRequest,
) -> Result<(), IamError> {
    let mut user = users::user_or_caller(call, "DeleteAccessKey", request.user_name).await?;
    users::access_key_of(call, &user, &request.access_key_id).await?;
    user.access_keys.retain(|id| *id != request.access_key_id);
    call.tx.delete(ACCESS_KEY, &request.access_key_id);
    users::put(call, &user)
}
