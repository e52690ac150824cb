//! `DescribeTrails`: the trails of this Region, and the multi-Region trails of others as shadows.

use keywatch_api::cloudtrail::{DescribeTrailsRequest, DescribeTrailsResponse, TrailDescription};
use keywatch_iam::Call;

use super::error::CloudTrailError;
use super::named;
use super::record::TrailRecord;
use super::service::Trails;

pub(crate) async fn describe_trails(
    call: &mut Call<'_>,
    _: &Trails,
    request: DescribeTrailsRequest,
) -> Result<DescribeTrailsResponse, CloudTrailError> {
    call.authorize_own("cloudtrail:DescribeTrails", "*")?;
    let shadows = request.include_shadow_trails.unwrap_or(true);
    let wanted = request.trail_name_list.unwrap_or_default();
    let region = call.region.to_string();
    let shown = |trail: &TrailRecord| {
        let here = trail.home_region == region || (shadows && trail.is_multi_region);
        here && (wanted.is_empty() || wanted.iter().any(|name| *name == trail.name || *name == trail.arn()))
    };
    let trails = named::of_account(call).await?;
    Ok(DescribeTrailsResponse { trail_list: trails.into_iter().filter(shown).map(description).collect() })
}

/// A trail as it is described.
pub(crate) fn description(trail: TrailRecord) -> TrailDescription {
    TrailDescription {
        trail_arn: trail.arn(),
        has_custom_event_selectors: trail.has_custom_selectors(),
        has_insight_selectors: false,
        home_region: trail.home_region.clone(),
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
