//! `ListResourceTags`: a key's tags, in order of their keys.

use keywatch_api::kms::tags::{ListResourceTagsRequest, ListResourceTagsResponse, Tag};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::paging::Page;

/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 50;

pub(crate) async fn list_resource_tags(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, KmsError> {
    let asked = Asked::plain("kms:ListResourceTags");
    let open = reach(call, kms, &request.key_id, Reach::Own, &asked).await?;
    let list = format!("ListResourceTags {}", open.arn);
    let page = Page::read(call, &list, request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let later =
        |(key, _): &(&String, &String)| page.after.as_deref().is_none_or(|after| key.as_str() > after);
    let tag = |(key, value): (&String, &String)| Tag { tag_key: key.clone(), tag_value: value.clone() };
    let tags = open.key.tags.iter().filter(later).take(page.fetch()).map(tag).collect();
    let paged = page.cut(tags, |tag: &Tag| tag.tag_key.clone());
    Ok(ListResourceTagsResponse {
        truncated: paged.next_marker.is_some(),
        next_marker: paged.next_marker,
        tags: paged.items,
    })
}
