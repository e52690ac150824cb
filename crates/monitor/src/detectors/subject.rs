//! Reads what a request names: a metric, in either of two ways, or an expression.

use keywatch_api::cloudwatch::{
    detectors::{MetricMathAnomalyDetector, SingleMetricAnomalyDetector},
    metrics::Dimension,
};

use super::{Identity, record::Subject};
use crate::{
    cloudwatch::CloudWatchError,
    metrics::{put_metric_data::sorted, query::learnt, statistics::Statistic},
};

/// The members by which requests name what is learnt.
pub(super) struct Names {
    /// The older way.
    pub(super) namespace: Option<String>,
    pub(super) metric_name: Option<String>,
    pub(super) dimensions: Option<Vec<Dimension>>,
    pub(super) stat: Option<String>,
    pub(super) single: Option<SingleMetricAnomalyDetector>,
    pub(super) math: Option<MetricMathAnomalyDetector>,
}

/// What is learnt, and its identity.
///
/// # Errors
/// More than one way at once, none, members that are missing, and expressions of which nothing can be learnt.
pub(super) fn subject(names: Names, account: &str) -> Result<(Subject, Identity), CloudWatchError> {
    let Names { namespace, metric_name, dimensions, stat, single, math } = names;
    let older = namespace.is_some() || metric_name.is_some() || dimensions.is_some() || stat.is_some();
    match (older, single, math) {
        (true, None, None) => metric(namespace, metric_name, dimensions, stat),
        (false, Some(single), None) => {
            if let Some(other) = single.account_id.filter(|other| other != account) {
                let text = format!("The account {other} is not linked to this account.");
                return Err(CloudWatchError::InvalidParameterValue(text));
            }
            metric(single.namespace, single.metric_name, single.dimensions, single.stat)
        }
        (false, None, Some(math)) => expression(math),
        (false, None, None) => Err(missing("SingleMetricAnomalyDetector")),
        _ => {
            let text = "Only one of SingleMetricAnomalyDetector, MetricMathAnomalyDetector, and the parameters Namespace, \
                        MetricName, Dimensions and Stat can be specified.";
            Err(CloudWatchError::InvalidParameterCombination(text.into()))
        }
    }
}

fn missing(name: &str) -> CloudWatchError {
    CloudWatchError::MissingParameter(format!("The parameter {name} is required."))
}

fn metric(
    namespace: Option<String>,
    name: Option<String>,
    dimensions: Option<Vec<Dimension>>,
    stat: Option<String>,
) -> Result<(Subject, Identity), CloudWatchError> {
    let namespace = namespace.ok_or_else(|| missing("Namespace"))?;
    let name = name.ok_or_else(|| missing("MetricName"))?;
    let stat = stat.ok_or_else(|| missing("Stat"))?;
    if Statistic::parse(&stat).is_none() {
        let text = format!("The value {stat} for parameter Stat is not supported.");
        return Err(CloudWatchError::InvalidParameterValue(text));
    }
    let dimensions = dimensions.unwrap_or_default();
    let identity = Identity::of_metric(&namespace, &name, &sorted(&dimensions, "Metric")?, &stat, None);
    Ok((Subject::Metric { namespace, name, dimensions, stat }, identity))
}

fn expression(math: MetricMathAnomalyDetector) -> Result<(Subject, Identity), CloudWatchError> {
    let invalid = |text: String| CloudWatchError::InvalidParameterValue(text);
    let queries = math.metric_data_queries.filter(|queries| !queries.is_empty());
    let queries = queries.ok_or_else(|| missing("MetricDataQueries"))?;
    let designated = designated(&queries)
        .ok_or_else(|| invalid("Exactly one element of MetricDataQueries should return data.".into()))?;
    if designated.expression.is_none() {
        let text = format!("The element '{}' that returns data should be an expression.", designated.id);
        return Err(invalid(text));
    }
    let learnt = learnt(&queries, &designated.id).map_err(|error| match error {
        // The operation has no error for requests that satisfy the model and make no sense.
        CloudWatchError::Validation(text) => invalid(text),
        other => other,
    })?;
    Ok((Subject::Math { queries }, learnt.identity))
}

/// The one query that returns data.
pub(super) fn designated(
    queries: &[keywatch_api::cloudwatch::metrics::MetricDataQuery],
) -> Option<&keywatch_api::cloudwatch::metrics::MetricDataQuery> {
    let mut visible = queries.iter().filter(|query| query.return_data.unwrap_or(true));
    visible.next().filter(|_| visible.next().is_none())
}

#[cfg(test)]
mod tests {
    use keywatch_api::{WireError, cloudwatch::detectors::DeleteAnomalyDetectorRequest, shape};
    use serde_json::{Value, json};

    use super::*;

    fn run(request: Value) -> Result<Identity, (String, String)> {
        let request: DeleteAnomalyDetectorRequest =
            shape::check(serde_json::from_value(request).unwrap()).unwrap();
        let names = Names {
            namespace: request.namespace,
            metric_name: request.metric_name,
            dimensions: request.dimensions,
            stat: request.stat,
            single: request.single_metric_anomaly_detector,
            math: request.metric_math_anomaly_detector,
        };
        subject(names, "000000000000")
            .map(|(_, identity)| identity)
            .map_err(|error| (error.query_code().unwrap().into_owned(), error.message().unwrap()))
    }

    fn of_queries(expression: &str) -> Value {
        let stat = json!({"Metric": {"Namespace": "App", "MetricName": "n"}, "Period": 60, "Stat": "Sum"});
        json!({"MetricMathAnomalyDetector": {"MetricDataQueries": [
            {"Id": "m1", "MetricStat": stat, "ReturnData": false}, {"Id": "e1", "Expression": expression, "ReturnData": true}
        ]}})
    }

    #[test]
    fn both_ways_name_the_same_metric() {
        let metric = json!({"Namespace": "App", "MetricName": "n", "Stat": "Sum",
            "Dimensions": [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]});
        let mut turned = metric.clone();
        turned["Dimensions"].as_array_mut().unwrap().reverse();
        assert_eq!(
            run(metric.clone()).unwrap(),
            run(json!({"SingleMetricAnomalyDetector": turned})).unwrap()
        );
        assert_ne!(run(of_queries("m1 * 2")).unwrap(), run(of_queries("m1 * 3")).unwrap());
    }

    #[test]
    fn refusals() {
        let single = json!({"Namespace": "App", "MetricName": "n", "Stat": "Sum"});
        let mut both = of_queries("m1 * 2");
        both["SingleMetricAnomalyDetector"] = single.clone();
        let mut foreign = single.clone();
        foreign["AccountId"] = json!("111122223333");
        for (request, code, text) in [
            (json!({}), "MissingParameter", "SingleMetricAnomalyDetector"),
            (json!({"Namespace": "App"}), "MissingParameter", "MetricName"),
            (
                json!({"SingleMetricAnomalyDetector": {"Namespace": "App", "MetricName": "n"}}),
                "MissingParameter",
                "Stat",
            ),
            (
                json!({"Stat": "Sum", "SingleMetricAnomalyDetector": single}),
                "InvalidParameterCombination",
                "Only one",
            ),
            (both, "InvalidParameterCombination", "Only one"),
            (json!({"SingleMetricAnomalyDetector": foreign}), "InvalidParameterValue", "not linked"),
            (json!({"Namespace": "App", "MetricName": "n", "Stat": "o5"}), "InvalidParameterValue", "o5"),
            (json!({"MetricMathAnomalyDetector": {}}), "MissingParameter", "MetricDataQueries"),
            (of_queries("[m1, m1]"), "InvalidParameterValue", "array"),
            (of_queries("m9 + 1"), "InvalidParameterValue", "m9"),
            (of_queries("FIRST(ANOMALY_DETECTION_BAND(m1))"), "InvalidParameterValue", "another"),
        ] {
            let (got, message) = run(request.clone()).unwrap_err();
            assert!(got == code && message.contains(text), "{request}: {got} {message}");
        }
    }
}
