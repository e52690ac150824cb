//! `PutMetricFilter`: creates or replaces

use keywatch_api::logs::{LogGroupClass, MetricTransformation, PutMetricFilterRequest};
use keywatch_iam::Call;
use keywatch_store::Scan;

use super::{
    Logs, LogsError, access,
    metric_filter::CompiledFilter,
    record::{self, FILTER, FilterRecord, GROUP, Transformation},
};

/// Filters of one group.
pub(super) const FILTERS_MAX: usize = 100;
const DIMENSIONS_MAX: usize = 3;

pub(crate) async fn put_metric_filter(
    call: &mut Call<'_>,
    _: &Logs,
    mut request: PutMetricFilterRequest,
) -> Result<(), LogsError> {
    access::authorize_group(call, "logs:PutMetricFilter", &request.log_group_name)?;
    if request.metric_transformations.len() != 1 {
        return Err(LogsError::invalid(wrong_count(&request.metric_transformations)));
    }
    let selects = request.field_selection_criteria.is_some_and(|criteria| !criteria.is_empty());
    let emits = request.emit_system_field_dimensions.is_some_and(|fields| !fields.is_empty());
    if selects || emits {
        // Left out they would make a metric of other numbers than the caller asked for.
        return Err(LogsError::invalid("Selection and dimensions by system fields are not supported."));
    }
    let transformation = request.metric_transformations.remove(0);
    let filter = FilterRecord {
        name: request.filter_name,
        group: request.log_group_name,
        pattern: request.filter_pattern,
        created: call.now,
        apply_on_transformed_logs: request.apply_on_transformed_logs.unwrap_or(false),
        transformation: checked(transformation)?,
        since: call.tx.store.head(),
    };
    CompiledFilter::new(&filter)?;
    let group = access::group(call, &filter.group).await?;
    if group.class != LogGroupClass::Standard {
        return Err(LogsError::InvalidOperation(
            "Metric filters are not supported for log groups of this log class.",
        ));
    }
    let partition = call.partition();
    call.tx.require_unchanged(GROUP, &record::group_key(&partition, &filter.group));
    let key = record::filter_key(&partition, &filter.group, &filter.name);
    if call.tx.get::<FilterRecord>(FILTER, &key).await?.is_none() {
        let prefix = record::filter_key(&partition, &filter.group, "");
        let scan = Scan { prefix: &prefix, after: None, limit: FILTERS_MAX };
        if call.tx.scan::<FilterRecord>(FILTER, scan).await?.len() >= FILTERS_MAX {
            return Err(LogsError::LimitExceeded);
        }
    }
    call.tx.put(FILTER, &key, &filter)?;
    Ok(())
}

fn checked(transformation: MetricTransformation) -> Result<Transformation, LogsError> {
    let dimensions = transformation.dimensions.unwrap_or_default();
    if !dimensions.is_empty() && transformation.default_value.is_some() {
        return Err(LogsError::invalid(
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
        ));
    }
    if dimensions.len() > DIMENSIONS_MAX {
        return Err(LogsError::invalid(
            "Invalid metric transformation: no more than 3 dimensions can be specified.",
        ));
    }
    if transformation.metric_name.is_empty() || transformation.metric_namespace.is_empty() {
        return Err(LogsError::invalid(
            "Invalid metric transformation: metric name and namespace must not be empty.",
        ));
    }
    if transformation.metric_namespace.starts_with("AWS/") {
        return Err(LogsError::invalid(
            "Invalid metric transformation: the namespace must not begin with AWS/.",
        ));
    }
    let default_value = transformation.default_value.map(|number| number.0);
    if default_value.is_some_and(|value| !value.is_finite()) {
        return Err(LogsError::invalid("Invalid metric transformation: the default value is not a number."));
    }
    Ok(Transformation {
        metric_name: transformation.metric_name,
        metric_namespace: transformation.metric_namespace,
        metric_value: transformation.metric_value,
        default_value,
        dimensions,
        unit: transformation.unit,
    })
}

/// AWS prints the whole list in its own notation.
fn wrong_count(transformations: &[MetricTransformation]) -> String {
    fn or_null<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(|| "null".to_owned(), |value| value.to_string())
    }
    let shown: Vec<String> = transformations
        .iter()
        .map(|t| {
            format!(
                "MetricTransformation(metricName={}, metricNamespace={}, metricValue={}, defaultValue={}, unit={}, \
                 dimensions={})",
                t.metric_name,
                t.metric_namespace,
                t.metric_value,
                or_null(t.default_value.map(|number| number.0)),
                or_null(t.unit),
                or_null(t.dimensions.as_ref().map(|dimensions| format!("{dimensions:?}"))),
            )
        })
        .collect();
    let bound = if transformations.is_empty() { "greater" } else { "less" };
    format!(
        "1 validation error detected: Value '[{}]' at 'metricTransformations' failed to satisfy constraint: Member \
         must have length {bound} than or equal to 1",
        shown.join(", ")
    )
}
