//! `GetAccessKeyLastUsed`: whose key it is, and when and for what it last signed.

use keywatch_api::iam::access_keys::{
    AccessKeyLastUsed, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse,
};

use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::{ACCESS_KEY, AccessKeyRecord};
use crate::key_use::{KEY_USE, KeyUse};

pub(crate) async fn get_access_key_last_used(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GetAccessKeyLastUsedRequest,
) -> Result<GetAccessKeyLastUsedResponse, IamError> {
    let id = request.access_key_id;
    let key: Option<AccessKeyRecord> = call.tx.get(ACCESS_KEY, &id).await?;
    let key = key.filter(|key| key.account == *call.account());
    let name = key.as_ref().map_or("*", |key| key.user_name.as_str()).to_owned();
    let found = users::user_for(call, "GetAccessKeyLastUsed", &name).await;
    if key.is_none() && !matches!(found, Err(IamError::AccessDenied(_))) {
        // The model declares no error for a key that is not there: nobody may ask about it.
        let who = &call.caller.arn;
        let text = format!(
            "User: {who} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {id}"
        );
        return Err(crate::AccessDenied(text).into());
    }
    let user = found?;
    let last: Option<KeyUse> = call.tx.get(KEY_USE, &id).await?;
    let none = || "N/A".to_owned();
    Ok(GetAccessKeyLastUsedResponse {
        user_name: user.name,
        access_key_last_used: AccessKeyLastUsed {
            service_name: last.as_ref().map_or_else(none, |last| last.service.clone()),
            region: last.as_ref().map_or_else(none, |last| last.region.clone()),
            last_used_date: last.map(|last| last.time.into()),
        },
    })
}
