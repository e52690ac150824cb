//! `GetGroup`: a group and a page of its members by name.

use keywatch_api::iam::groups::{GetGroupResponse, GroupPageRequest};
use keywatch_api::iam::users::User;

use super::page::PageRequest;
use super::{Iam, IamError, groups};
use crate::Call;
use crate::identity::{USER, UserRecord};

pub(crate) async fn get_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupPageRequest,
) -> Result<GetGroupResponse, IamError> {
    let group = groups::group_for(call, "GetGroup", &request.group_name).await?;
    let question = format!("GetGroup {}", group.name);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.scan(call, USER, |user: &UserRecord| user.groups.contains(&group.name)).await?;
    let shown =
        |user: &UserRecord| User { tags: None, permissions_boundary: None, ..user.shown(call.account()) };
    Ok(GetGroupResponse {
        group: group.shown(call.account()),
        users: page.items.iter().map(shown).collect(),
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
