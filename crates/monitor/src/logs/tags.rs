//! Tags of log groups, which two generations of operations reach

use std::collections::BTreeMap;

use keywatch_iam::Call;

use super::{LogsError, access};

const TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

pub(crate) fn check(tags: &BTreeMap<String, String>) -> Result<(), LogsError> {
    let allowed =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c));
    for (key, value) in tags {
        let good_key = !key.is_empty() && key.chars().count() <= KEY_CHARS_MAX && allowed(key);
        if !good_key || key.starts_with("aws:") {
            return Err(LogsError::invalid("A tag key is not valid."));
        }
        if value.chars().count() > VALUE_CHARS_MAX || !allowed(value) {
            return Err(LogsError::invalid("A tag value is not valid."));
        }
    }
    Ok(())
}

pub(crate) async fn add(
    call: &mut Call<'_>,
    group: &str,
    tags: BTreeMap<String, String>,
) -> Result<(), LogsError> {
    check(&tags)?;
    let mut group = access::group(call, group).await?;
    group.tags.extend(tags);
    if group.tags.len() > TAGS_MAX {
        return Err(LogsError::TooManyTags);
    }
    access::put_group(call, &group)?;
    Ok(())
}

pub(crate) async fn remove(call: &mut Call<'_>, group: &str, keys: &[String]) -> Result<(), LogsError> {
    let mut group = access::group(call, group).await?;
    group.tags.retain(|key, _| !keys.contains(key));
    access::put_group(call, &group)?;
    Ok(())
}

/// The group that a resource ARN of the tag operations means; other resources of Logs are not built.
pub(crate) fn tagged_group(call: &Call<'_>, arn: &str) -> Result<String, LogsError> {
    match access::own_group_of_arn(call, arn) {
        Err(LogsError::GroupNotFound) => Err(LogsError::ResourceNotFound),
        other => other.map(str::to_owned),
    }
}
