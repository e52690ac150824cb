//! `DescribeMetricFilters`: of one group or of all

use keywatch_api::{
    logs::{
        DESCRIBE_PAGE_MAX, DescribeMetricFiltersRequest, DescribeMetricFiltersResponse, MetricFilter,
        ShownTransformation,
    },
    page,
};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Logs, LogsError, access,
    record::{self, FILTER, FilterRecord},
};

const ROWS_AT_ONCE: usize = 200;

pub(crate) async fn describe_metric_filters(
    call: &mut Call<'_>,
    _: &Logs,
    request: DescribeMetricFiltersRequest,
) -> Result<DescribeMetricFiltersResponse, LogsError> {
    let group = request.log_group_name.as_deref();
    access::authorize_group(call, "logs:DescribeMetricFilters", group.unwrap_or("*"))?;
    if request.metric_name.is_some() != request.metric_namespace.is_some() {
        return Err(LogsError::invalid("metricName and metricNamespace must be specified together."));
    }
    let name_prefix = request.filter_name_prefix.as_deref().unwrap_or("");
    let partition = call.partition();
    let prefix = match group {
        Some(group) => {
            access::group(call, group).await?;
            record::filter_key(&partition, group, name_prefix)
        }
        None => format!("{partition}/"),
    };
    let question = format!(
        "DescribeMetricFilters {prefix} {name_prefix} {:?} {:?}",
        request.metric_name, request.metric_namespace
    );
    let mut after = request
        .next_token
        .map(|token| page::decode(&question, &token))
        .transpose()
        .map_err(|_| LogsError::invalid("The specified nextToken is invalid."))?;
    let limit = usize::try_from(request.limit.unwrap_or(DESCRIBE_PAGE_MAX)).unwrap_or(1);
    let wanted = |filter: &FilterRecord| {
        filter.name.starts_with(name_prefix)
            && request.metric_name.as_ref().is_none_or(|name| *name == filter.transformation.metric_name)
            && request
                .metric_namespace
                .as_ref()
                .is_none_or(|ns| *ns == filter.transformation.metric_namespace)
    };
    let mut metric_filters = Vec::new();
    loop {
        let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = call.tx.scan::<FilterRecord>(FILTER, scan).await?;
        let full = rows.len() == ROWS_AT_ONCE;
        for (key, filter) in rows.into_iter() {
            if !wanted(&filter) {
                after = Some(key);
                continue;
            }
            if metric_filters.len() == limit {
                let next_token = after.map(|last| page::encode(&question, &last));
                return Ok(DescribeMetricFiltersResponse { metric_filters, next_token });
            }
            metric_filters.push(shown(filter));
            after = Some(key);
        }
        if !full {
            return Ok(DescribeMetricFiltersResponse { metric_filters, next_token: None });
        }
    }
}

fn shown(filter: FilterRecord) -> MetricFilter {
    let transformation = filter.transformation;
    MetricFilter {
        filter_name: filter.name,
        filter_pattern: filter.pattern,
        metric_transformations: vec![ShownTransformation {
            metric_name: transformation.metric_name,
            metric_namespace: transformation.metric_namespace,
            metric_value: transformation.metric_value,
            default_value: transformation.default_value,
            dimensions: Some(transformation.dimensions).filter(|dimensions| !dimensions.is_empty()),
            unit: transformation.unit,
        }],
        creation_time: filter.created.as_millisecond(),
        log_group_name: filter.group,
        apply_on_transformed_logs: filter.apply_on_transformed_logs,
    }
}
