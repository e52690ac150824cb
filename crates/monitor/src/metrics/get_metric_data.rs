//! `GetMetricData`: several queries at once, by metric, in metric math or in Metrics Insights.

use jiff::{Timestamp, tz::TimeZone};
use keywatch_api::{
    WireTime,
    cloudwatch::{
        ScanBy, StatusCode,
        metrics::{GetMetricDataRequest, GetMetricDataResponse, MetricDataResult},
    },
    page,
};
use keywatch_iam::Call;

use super::{
    Second,
    label::timezone,
    period::Alignment,
    query::{Place, Shown, answer, check, labelled},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const DATAPOINTS_MAX: usize = 100_800;

pub(crate) async fn get_metric_data(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: GetMetricDataRequest,
) -> Result<GetMetricDataResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:GetMetricData", "*")?;
    let partition = call.partition();
    let queries = check(&request)?;
    let tags = service.lent_tags(call.account().as_str(), call.region.as_str(), &queries).await?;
    let place = Place {
        partition: partition.as_str(),
        account: call.account().as_str(),
        region: call.region.as_str(),
        start: request.start_time.0.as_second(),
        end: request.end_time.0.as_second(),
        now: call.now.as_second(),
        alignment: Alignment::Multiple,
        tags: &tags,
    };
    let pages = Pages::new(&request)?;
    service.catch_up(call).await?;
    let bands = service.trainer.bands((call.tx.store, &service.live), &queries, &place).await?;
    let results = service.live.read(|series| answer(series, &queries, &place, &bands)).await??;
    let zone = request.label_options.as_ref().and_then(|options| options.timezone.as_deref());
    let zone = match zone {
        None => TimeZone::UTC,
        Some(text) => timezone(text).ok_or_else(|| {
            invalid(format!("The value {text} for parameter LabelOptions.Timezone is invalid."))
        })?,
    };
    let shown = labelled(&queries, results, &place, &zone);
    Ok(pages.cut(shown, request.scan_by.unwrap_or(ScanBy::TimestampDescending)))
}

/// Cuts results into pages of datapoints.
struct Pages {
    question: String,
    skip: usize,
    max: usize,
}

impl Pages {
    fn new(request: &GetMetricDataRequest) -> Result<Self, CloudWatchError> {
        let max = match request.max_datapoints {
            None => DATAPOINTS_MAX,
            Some(max) => usize::try_from(max).ok().filter(|max| (1..=DATAPOINTS_MAX).contains(max)).ok_or_else(|| {
                invalid(format!("The value {max} for parameter MaxDatapoints is invalid: it must be from 1 to {DATAPOINTS_MAX}."))
            })?,
        };
        let ids: Vec<&str> = request.metric_data_queries.iter().map(|query| query.id.as_str()).collect();
        let question =
            format!("GetMetricData {} {:?} {:?}", ids.join(","), request.start_time, request.end_time);
        let skip = match &request.next_token {
            None => 0,
            Some(token) => {
                let skip = page::decode(&question, token).ok().and_then(|skip| skip.parse().ok());
                skip.ok_or(CloudWatchError::InvalidNextToken)?
            }
        };
        Ok(Self { question, skip, max })
    }

    /// The page after `skip` datapoints; results that lie wholly before it are left out.
    fn cut(&self, shown: Vec<Shown>, scan_by: ScanBy) -> GetMetricDataResponse {
        let total: usize = shown.iter().map(|result| result.points.len()).sum();
        let (mut skip, mut room) = (self.skip, self.max);
        let mut results = Vec::new();
        for Shown { id, label, mut points, status, messages, .. } in shown {
            if skip > 0 && skip >= points.len() {
                skip -= points.len();
                continue;
            }
            if scan_by == ScanBy::TimestampDescending {
                points.reverse();
            }
            let rest = &points[skip..];
            let page = &rest[..rest.len().min(room)];
            let status_code = if page.len() < rest.len() { StatusCode::PartialData } else { status };
            let time = |at: Second| WireTime(Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH));
            results.push(MetricDataResult {
                id,
                label,
                timestamps: page.iter().map(|(at, _)| time(*at)).collect(),
                values: page.iter().map(|(_, value)| *value).collect(),
                status_code,
                messages,
            });
            room -= page.len();
            skip = 0;
            if room == 0 {
                break;
            }
        }
        let seen = self.skip + self.max - room;
        let next_token = (seen < total).then(|| page::encode(&self.question, &seen.to_string()));
        GetMetricDataResponse { metric_data_results: results, next_token, messages: Vec::new() }
    }
}

fn invalid(text: String) -> CloudWatchError {
    CloudWatchError::InvalidParameterValue(text)
}

#[cfg(test)]
#[path = "get_metric_data_tests.rs"]
mod tests;
