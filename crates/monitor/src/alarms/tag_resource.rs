//! `TagResource`: adds tags to an alarm, or replaces the values of those it has.

use keywatch_api::cloudwatch::alarms::TagResourceRequest;
use keywatch_iam::Call;

use super::{store::ALARM, tagged};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const TAGS_MAX: usize = 50;

pub(crate) async fn tag_resource(
    call: &mut Call<'_>,
    _service: &CloudWatch,
    request: TagResourceRequest,
) -> Result<(), CloudWatchError> {
    let (key, mut alarm) = tagged::find(call, "cloudwatch:TagResource", &request.resource_arn).await?;
    for tag in request.tags {
        if tag.key.starts_with("aws:") {
            let text = "Tag keys starting with aws: are reserved for system use.";
            return Err(CloudWatchError::InvalidParameterValue(text.into()));
        }
        match alarm.tags.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => known.value = tag.value,
            None => alarm.tags.push(tag),
        }
    }
    if alarm.tags.len() > TAGS_MAX {
        let text = format!("More than {TAGS_MAX} tags are not allowed on a resource.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    Ok(call.tx.put(ALARM, &key, &alarm)?)
}
