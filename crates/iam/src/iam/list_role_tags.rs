//! `ListRoleTags`: the tags of a role in the order of adding.

use keywatch_api::iam::ListTagsResponse;
use keywatch_api::iam::roles::RolePageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, roles};
use crate::Call;

pub(crate) async fn list_role_tags(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: RolePageRequest,
) -> Result<ListTagsResponse, IamError> {
    let role = roles::role_for(call, "ListRoleTags", &request.role_name).await?;
    let question = "ListRoleTags".to_owned();
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.of(role.tags.numbered());
    Ok(ListTagsResponse { tags: page.items, is_truncated: page.marker.is_some(), marker: page.marker })
}
