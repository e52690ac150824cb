//! `TagResource`: adds tags to an alarm, a mute rule or a dashboard, or replaces the values of those it has.

use keywatch_api::Empty;
use keywatch_api::cloudwatch::alarms::TagResourceRequest;
use keywatch_iam::Call;

use super::tagged::{TAGS_MAX, Tagged};
use super::{CloudWatch, CloudWatchError};

pub(crate) async fn tag_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: TagResourceRequest,
) -> Result<Empty, CloudWatchError> {
    let mut tagged = Tagged::find(call, "cloudwatch:TagResource", &request.resource_arn).await?;
    let tags = tagged.tags();
    for tag in request.tags {
        if tag.key.starts_with("aws:") {
            let text = "Tag keys starting with aws: are reserved for system use.";
            return Err(CloudWatchError::InvalidParameterValue(text.into()));
        }
        match tags.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value = tag.value,
            None => tags.push(tag),
        }
    }
    if tags.len() > TAGS_MAX {
        let text = format!("More than {TAGS_MAX} tags are not allowed on a resource.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    tagged.put(&mut call.tx)?;
    Ok(Empty {})
}
