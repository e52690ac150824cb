//! `UpdateTrail`: what is given replaces, what is not stays.

use keywatch_api::cloudtrail::{TrailSettings, UpdateTrailRequest};
use keywatch_iam::Call;

use super::create_trail::{check_destinations, check_regions, settings, topic_arn};
use super::error::CloudTrailError;
use super::named;
use super::record::TRAIL;
use super::service::Trails;

pub(crate) async fn update_trail(
    call: &mut Call<'_>,
    _: &Trails,
    request: UpdateTrailRequest,
) -> Result<TrailSettings, CloudTrailError> {
    let (key, mut trail) = named::find_at_home(call, &request.name).await?;
    named::authorize(call, "cloudtrail:UpdateTrail", &trail)?;
    let home = call.partition();
    if let Some(bucket) = request.s3_bucket_name {
        trail.s3_bucket_name = bucket;
    }
    if let Some(validation) = request.enable_log_file_validation {
        trail.log_file_validation = validation;
    }
    if let Some(multi_region) = request.is_multi_region_trail {
        trail.is_multi_region = multi_region;
    }
    if let Some(global) = request.include_global_service_events {
        trail.include_global_service_events = global;
    }
    replace(&mut trail.s3_key_prefix, request.s3_key_prefix);
    replace(
        &mut trail.sns_topic_arn,
        request.sns_topic_name.map(|topic| match topic.as_str() {
            "" => topic,
            _ => topic_arn(&home, &topic),
        }),
    );
    replace(&mut trail.cloud_watch_logs_log_group_arn, request.cloud_watch_logs_log_group_arn);
    replace(&mut trail.cloud_watch_logs_role_arn, request.cloud_watch_logs_role_arn);
    replace(&mut trail.kms_key_id, request.kms_key_id);
    check_regions(&trail)?;
    check_destinations(call, &trail).await?;
    call.tx.put(TRAIL, &key, &trail)?;
    Ok(settings(trail))
}

/// An empty text takes a setting away, as the CLI and Terraform do it.
fn replace(setting: &mut Option<String>, given: Option<String>) {
    if let Some(given) = given {
        *setting = (!given.is_empty()).then_some(given);
    }
}
