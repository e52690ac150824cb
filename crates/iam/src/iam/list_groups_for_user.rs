//! `ListGroupsForUser`: the groups a user is in, by name.

use keywatch_api::iam::groups::ListGroupsResponse;
use keywatch_api::iam::users::UserPageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, groups, users};
use crate::Call;

pub(crate) async fn list_groups_for_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserPageRequest,
) -> Result<ListGroupsResponse, IamError> {
    let user = users::user_for(call, "ListGroupsForUser", &request.user_name).await?;
    let question = format!("ListGroupsForUser {}", user.name);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let mut found = Vec::new();
    for name in &user.groups {
        if let Some(group) = groups::find(call, name).await? {
            found.push((name.clone(), group.shown(call.account())));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let page = wanted.of(found);
    Ok(ListGroupsResponse { groups: page.items, is_truncated: page.marker.is_some(), marker: page.marker })
}
