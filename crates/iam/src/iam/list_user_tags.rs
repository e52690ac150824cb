//! `ListUserTags`: the tags of a user in the order of adding.

use keywatch_api::iam::ListTagsResponse;
use keywatch_api::iam::users::UserPageRequest;

use super::page::PageRequest;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn list_user_tags(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserPageRequest,
) -> Result<ListTagsResponse, IamError> {
    let user = users::user_for(call, "ListUserTags", &request.user_name).await?;
    let question = "ListUserTags".to_owned();
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let page = wanted.of(user.tags.numbered());
    Ok(ListTagsResponse { tags: page.items, is_truncated: page.marker.is_some(), marker: page.marker })
}
