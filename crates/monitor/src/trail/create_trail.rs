//! `CreateTrail`: a trail that does not log yet.

use std::collections::BTreeMap;

use keywatch_api::Arn;
use keywatch_api::cloudtrail::{CreateTrailRequest, Tag, TrailSettings};
use keywatch_iam::Call;
use keywatch_store::Partition;

use super::error::CloudTrailError;
use super::files_delivery::DELIVERY;
use super::named;
use super::record::{TRAIL, TrailRecord, key};
use super::service::Trails;
use crate::buckets::BUCKET;

pub(crate) const TAGS_MAX: usize = 50;

pub(crate) async fn create_trail(
    call: &mut Call<'_>,
    _: &Trails,
    request: CreateTrailRequest,
) -> Result<TrailSettings, CloudTrailError> {
    named::check_name(&request.name)?;
    let home = call.partition();
    let record = TrailRecord {
        name: request.name,
        account: home.account().to_owned(),
        home_region: home.region().to_owned(),
        s3_bucket_name: request.s3_bucket_name,
        s3_key_prefix: request.s3_key_prefix,
        sns_topic_arn: request.sns_topic_name.map(|topic| topic_arn(&home, &topic)),
        include_global_service_events: request.include_global_service_events.unwrap_or(true),
        is_multi_region: request.is_multi_region_trail.unwrap_or(false),
        log_file_validation: request.enable_log_file_validation.unwrap_or(false),
        cloud_watch_logs_log_group_arn: request.cloud_watch_logs_log_group_arn,
        cloud_watch_logs_role_arn: request.cloud_watch_logs_role_arn,
        kms_key_id: request.kms_key_id,
        tags: tags(request.tags_list.unwrap_or_default())?,
        selectors: None,
        advanced_selectors: None,
        started: None,
        stopped: None,
        spell: 0,
        started_after: None,
        stopped_after: None,
    };
    named::authorize(call, "cloudtrail:CreateTrail", &record)?;
    check_regions(&record)?;
    check_destinations(call, &record).await?;
    let key = key(&home, &record.name);
    let others = named::of_account(call).await?;
    if others.iter().any(|other| is_in_the_way(other, &record)) {
        return Err(CloudTrailError::TrailAlreadyExists(record.arn()));
    }
    let here = others.iter().filter(|other| other.home_region == record.home_region).count();
    if here >= named::TRAILS_PER_REGION_MAX {
        return Err(CloudTrailError::MaximumNumberOfTrailsExceeded);
    }
    call.tx.insert(TRAIL, &key, &record)?;
    // What was told of a former trail of this name, whose end was still being delivered when it was deleted.
    call.tx.delete(DELIVERY, &key);
    Ok(settings(record))
}

/// A multi-Region trail and its shadows bear one name in every Region.
fn is_in_the_way(other: &TrailRecord, new: &TrailRecord) -> bool {
    other.name == new.name
        && (other.home_region == new.home_region || other.is_multi_region || new.is_multi_region)
}

/// Where records of services without Region count is one of the Regions of a multi-Region trail.
pub(crate) fn check_regions(trail: &TrailRecord) -> Result<(), CloudTrailError> {
    if trail.is_multi_region && !trail.include_global_service_events {
        let why = "Multi-Region trail must include global service events.";
        return Err(CloudTrailError::InvalidParameterCombination(why));
    }
    Ok(())
}

/// Tags as a map; at most 50.
pub(crate) fn tags(list: Vec<Tag>) -> Result<BTreeMap<String, String>, CloudTrailError> {
    let tags: BTreeMap<_, _> = list.into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default())).collect();
    if tags.len() > TAGS_MAX { Err(CloudTrailError::TagsLimitExceeded) } else { Ok(tags) }
}

/// A topic's ARN from its name or ARN.
pub(crate) fn topic_arn(home: &Partition, topic: &str) -> String {
    if Arn::is_arn(topic) {
        topic.to_owned()
    } else {
        Arn::new("sns", home.region(), home.account(), topic).to_string()
    }
}

/// The bucket exists; a log group comes with a role, and its ARN ends as AWS wants it.
pub(crate) async fn check_destinations(
    call: &mut Call<'_>,
    trail: &TrailRecord,
) -> Result<(), CloudTrailError> {
    if call.tx.get_bytes(BUCKET, &trail.s3_bucket_name).await?.is_none() {
        return Err(CloudTrailError::BucketDoesNotExist(trail.s3_bucket_name.clone()));
    }
    match (&trail.cloud_watch_logs_log_group_arn, &trail.cloud_watch_logs_role_arn) {
        (None, None) => Ok(()),
        (Some(group), Some(_)) => {
            let arn: Option<Arn> = group.parse().ok();
            let valid = arn.is_some_and(|arn| {
                arn.service == "logs"
                    && arn.resource.starts_with("log-group:")
                    && arn.resource.ends_with(":*")
            });
            if valid {
                Ok(())
            } else {
                Err(CloudTrailError::InvalidLogGroupArn("The log group ARN is not valid."))
            }
        }
        (None, Some(_)) => Err(CloudTrailError::InvalidLogGroupArn("A role needs a log group.")),
        (Some(_), None) => Err(CloudTrailError::InvalidLogGroupArn("A log group needs a role.")),
    }
}

/// A trail's settings as `CreateTrail` and `UpdateTrail` answer them.
pub(crate) fn settings(trail: TrailRecord) -> TrailSettings {
    TrailSettings {
        trail_arn: trail.arn(),
        name: trail.name,
        s3_bucket_name: trail.s3_bucket_name,
        s3_key_prefix: trail.s3_key_prefix,
        sns_topic_name: trail
            .sns_topic_arn
            .as_deref()
            .and_then(|arn| arn.rsplit(':').next())
            .map(str::to_owned),
        sns_topic_arn: trail.sns_topic_arn,
        include_global_service_events: trail.include_global_service_events,
        is_multi_region_trail: trail.is_multi_region,
        log_file_validation_enabled: trail.log_file_validation,
        cloud_watch_logs_log_group_arn: trail.cloud_watch_logs_log_group_arn,
        cloud_watch_logs_role_arn: trail.cloud_watch_logs_role_arn,
        kms_key_id: trail.kms_key_id,
        is_organization_trail: false,
    }
}
