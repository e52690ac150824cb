//! `TagResource`: tags of a topic.

use std::collections::BTreeMap;

use keywatch_api::Empty;
use keywatch_api::sns::{Tag, TagResourceRequest};
use keywatch_iam::Call;

use super::{SnsError, local_name, permitted};
use crate::notify::Notify;
use crate::notify::topic::{TOPIC, TopicName, TopicRecord};

const TAGS_MAX: usize = 50;

pub(super) async fn tag_resource(
    call: &mut Call<'_>,
    _: &Notify,
    request: TagResourceRequest,
) -> Result<Empty, SnsError> {
    let (name, mut record) = tagged(call, &request.resource_arn, "sns:TagResource").await?;
    record.tags.extend(tag_map(request.tags)?);
    if record.tags.len() > TAGS_MAX {
        return Err(SnsError::TagLimit);
    }
    call.tx.put(TOPIC, &name.key(), &record)?;
    Ok(Empty {})
}

/// The topic whose tags are meant.
pub(super) async fn tagged(
    call: &mut Call<'_>,
    arn: &str,
    action: &str,
) -> Result<(TopicName, TopicRecord), SnsError> {
    let name = local_name(call, arn, "ResourceArn")?;
    let found = permitted(call, &name, action).await?;
    Ok((name, found.ok_or(SnsError::ResourceNotFound)?))
}

/// Tags of one request, by key.
pub(super) fn tag_map(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, SnsError> {
    if tags.len() > TAGS_MAX {
        return Err(SnsError::TagLimit);
    }
    let count = tags.len();
    let map: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if map.len() < count {
        return Err(SnsError::parameter("Duplicated keys are not allowed."));
    }
    Ok(map)
}
