//! `PutMetricStream`: creates a stream, which then sends, or replaces what one sends and whereto; whether it sends stays as it was.

use keywatch_api::Arn;
use keywatch_api::cloudwatch::streams::{
    MetricStreamFilter, MetricStreamOutputFormat, MetricStreamState, MetricStreamStatisticsConfiguration,
    PutMetricStreamRequest, PutMetricStreamResponse,
};
use keywatch_iam::Call;

use super::record::{STREAM, STREAMS_MAX, StreamRecord, arn, check_name, key, streams};
use crate::cloudwatch::{CloudWatch, CloudWatchError, tagged::check_tags};
use crate::metrics::statistics::Statistic;

/// Filters of a stream, and metric names of all of them.
const FILTERS_MAX: usize = 1_000;
const CONFIGURATIONS_MAX: usize = 100;
const CONFIGURED_METRICS_MAX: usize = 100;
const ADDITIONAL_STATISTICS_MAX: usize = 20;

pub(crate) async fn put_metric_stream(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: PutMetricStreamRequest,
) -> Result<PutMetricStreamResponse, CloudWatchError> {
    let (account, region) = (call.account().to_string(), call.region.to_string());
    let arn = arn(&account, &region, &request.name);
    call.authorize_own("cloudwatch:PutMetricStream", &arn)?;
    check_name(&request.name)?;
    check_filters(&request)?;
    check_statistics(&request)?;
    check_role(&request.role_arn)?;
    call.authorize_own("iam:PassRole", &request.role_arn)?;
    let firehose = firehose_name(&request.firehose_arn, &account, &region)?;
    if !service.streams.as_ref().is_some_and(|streams| streams.knows(&account, firehose)) {
        return Err(invalid(format!(
            "The delivery stream {firehose} is not known. Keywatch has none of its own: start it with --firehose {firehose}=DESTINATION."
        )));
    }
    let partition = call.partition();
    let key = key(partition.as_str(), &request.name);
    let before = call.tx.get::<StreamRecord>(STREAM, &key).await?;
    if before.is_none() && streams(&mut call.tx, partition.as_str()).await?.len() >= STREAMS_MAX {
        return Err(invalid(format!("More than {STREAMS_MAX} metric streams are not allowed.")));
    }
    let tags = check_tags(request.tags.as_deref().unwrap_or_default())?;
    let stream = StreamRecord {
        account,
        region,
        name: request.name,
        include: request.include_filters,
        exclude: request.exclude_filters,
        firehose_arn: request.firehose_arn,
        role_arn: request.role_arn,
        state: before.as_ref().map_or(MetricStreamState::Running, |before| before.state),
        format: request.output_format,
        statistics: request.statistics_configurations,
        include_linked: request.include_linked_accounts_metrics.unwrap_or(false),
        created: before.as_ref().map_or(call.now, |before| before.created),
        updated: call.now,
        // Tags come with the creation only.
        tags: before.map_or(tags, |before| before.tags),
    };
    call.tx.put(STREAM, &key, &stream)?;
    Ok(PutMetricStreamResponse { arn })
}

fn invalid(text: impl Into<String>) -> CloudWatchError {
    CloudWatchError::InvalidParameterValue(text.into())
}

fn check_filters(request: &PutMetricStreamRequest) -> Result<(), CloudWatchError> {
    let (include, exclude) = (request.include_filters.as_deref(), request.exclude_filters.as_deref());
    let given = |filters: Option<&[MetricStreamFilter]>| filters.is_some_and(|filters| !filters.is_empty());
    if given(include) && given(exclude) {
        let text = "You cannot specify both IncludeFilters and ExcludeFilters in the same request.";
        return Err(CloudWatchError::InvalidParameterCombination(text.into()));
    }
    let all = || include.into_iter().chain(exclude).flatten();
    let names: usize = all().map(|filter| filter.metric_names.as_ref().map_or(0, Vec::len)).sum();
    if all().count() > FILTERS_MAX || names > FILTERS_MAX {
        return Err(invalid(format!("More than {FILTERS_MAX} filters or metric names are not allowed.")));
    }
    if all().any(|filter| filter.namespace.is_none()) {
        return Err(invalid("Each filter must have a Namespace."));
    }
    Ok(())
}

fn check_statistics(request: &PutMetricStreamRequest) -> Result<(), CloudWatchError> {
    let open_telemetry = match request.output_format {
        MetricStreamOutputFormat::Json => false,
        MetricStreamOutputFormat::OpenTelemetry10 => true,
        MetricStreamOutputFormat::OpenTelemetry07 => {
            let text =
                "The output format opentelemetry0.7 is not built in Keywatch: use json or opentelemetry1.0.";
            return Err(invalid(text));
        }
    };
    let configurations = request.statistics_configurations.as_deref().unwrap_or_default();
    if configurations.len() > CONFIGURATIONS_MAX {
        return Err(invalid(format!(
            "More than {CONFIGURATIONS_MAX} StatisticsConfigurations are not allowed."
        )));
    }
    configurations.iter().try_for_each(|configuration| check_configuration(configuration, open_telemetry))
}

fn check_configuration(
    configuration: &MetricStreamStatisticsConfiguration,
    open_telemetry: bool,
) -> Result<(), CloudWatchError> {
    let MetricStreamStatisticsConfiguration { include_metrics, additional_statistics } = configuration;
    if !(1..=CONFIGURED_METRICS_MAX).contains(&include_metrics.len())
        || !(1..=ADDITIONAL_STATISTICS_MAX).contains(&additional_statistics.len())
    {
        return Err(invalid(format!(
            "A statistics configuration has 1 to {CONFIGURED_METRICS_MAX} metrics and 1 to {ADDITIONAL_STATISTICS_MAX} statistics."
        )));
    }
    for name in additional_statistics {
        let fits = match Statistic::parse(name) {
            Some(Statistic::Percentile(_)) => true,
            Some(Statistic::Ranged(..)) => !open_telemetry,
            _ => false,
        };
        if !fits {
            return Err(invalid(format!("The statistic {name} is not supported for the output format.")));
        }
    }
    Ok(())
}

fn check_role(role: &str) -> Result<(), CloudWatchError> {
    let parsed: Option<Arn> = role.parse().ok();
    match parsed.filter(|arn| arn.service == "iam" && arn.resource.starts_with("role/")) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("The value {role} for parameter RoleArn is not the ARN of a role."))),
    }
}

/// The name in the ARN of a delivery stream of the same account and Region.
fn firehose_name<'a>(arn: &'a str, account: &str, region: &str) -> Result<&'a str, CloudWatchError> {
    let start = format!("arn:aws:firehose:{region}:{account}:deliverystream/");
    let name = arn.strip_prefix(&start).filter(|name| !name.is_empty() && !name.contains('/'));
    name.ok_or_else(|| {
        invalid(format!(
            "The value {arn} for parameter FirehoseArn is not the ARN of a delivery stream of this account and Region."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_streams_are_of_the_same_place() {
        let name = |arn: &str| firehose_name(arn, "000000000000", "us-east-1").ok().map(str::to_owned);
        for (arn, expected) in [
            ("arn:aws:firehose:us-east-1:000000000000:deliverystream/a", Some("a")),
            ("arn:aws:firehose:eu-west-1:000000000000:deliverystream/a", None),
            ("arn:aws:firehose:us-east-1:111122223333:deliverystream/a", None),
            ("arn:aws:firehose:us-east-1:000000000000:deliverystream/", None),
            ("arn:aws:firehose:us-east-1:000000000000:deliverystream/a/b", None),
            ("a", None),
        ] {
            assert_eq!(name(arn).as_deref(), expected, "{arn}");
        }
    }
}
