//! `ListUserPolicies`: the names of the inline policies of a user.

use keywatch_api::iam::ListPolicyNamesResponse;
use keywatch_api::iam::users::UserPageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn list_user_policies(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserPageRequest,
) -> Result<ListPolicyNamesResponse, IamError> {
    let user = users::user_for(call, "ListUserPolicies", &request.user_name).await?;
    let question = "ListUserPolicies".to_owned();
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.of(user.policies.names().map(|name| (name.to_owned(), name.to_owned())));
    Ok(ListPolicyNamesResponse {
        policy_names: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
