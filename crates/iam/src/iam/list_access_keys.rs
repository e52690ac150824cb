//! `ListAccessKeys`: a user's keys, without their secrets.

use keywatch_api::iam::access_keys::{AccessKeyMetadata, ListAccessKeysRequest, ListAccessKeysResponse};

use super::page::PageRequest;
use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::{ACCESS_KEY, AccessKeyRecord};

pub(crate) async fn list_access_keys(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListAccessKeysRequest,
) -> Result<ListAccessKeysResponse, IamError> {
    let user = users::user_or_caller(call, "ListAccessKeys", request.user_name).await?;
    let question = format!("ListAccessKeys {}", user.name);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let mut keys = Vec::new();
    for id in &user.access_keys {
        if let Some(key) = call.tx.get::<AccessKeyRecord>(ACCESS_KEY, id).await? {
            let metadata = AccessKeyMetadata {
                user_name: Some(user.name.clone()),
                access_key_id: id.clone(),
                status: key.status,
                create_date: key.created.into(),
            };
            keys.push((id.clone(), metadata));
        }
    }
    keys.sort_by(|(a, _), (b, _)| a.cmp(b));
    let page = wanted.of(keys);
    Ok(ListAccessKeysResponse {
        access_key_metadata: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
