//! Alarms of the pack. Those on Metrics Insights have a contributor for each key or principal, which is told of by itself.

use serde_json::{Value, json};

use super::{NAME_PREFIX, Part, PartKind, Words};

const DAY: i64 = 86_400;

pub(super) fn material_expires(words: &Words) -> Vec<Part> {
    let query = "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA(\"AWS/KMS\", KeyId) GROUP BY KeyId ORDER BY MIN() ASC";
    let of_days = |days: i64| {
        let compared = json!({"ComparisonOperator": "LessThanThreshold", "Threshold": days * DAY});
        insights(words, &format!("-{days}d"), query, 300, compared)
    };
    [30, 7, 1].map(of_days).into()
}

pub(super) fn access_denied_burst(words: &Words) -> Vec<Part> {
    let query = "SELECT SUM(Requests) FROM SCHEMA(\"Keywatch/KMS\", ErrorCode, Operation, PrincipalArn) WHERE ErrorCode IN ('AccessDenied', 'AccessDeniedException') GROUP BY PrincipalArn ORDER BY SUM() DESC";
    vec![insights(words, "", query, 300, at_least(10))]
}

pub(super) fn runaway_use(words: &Words) -> Vec<Part> {
    let query = "SELECT SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC";
    vec![insights(words, "", query, 300, at_least(10_000))]
}

/// Requests beside what the account may make, by the classes of operations.
pub(super) fn quota(words: &Words) -> Vec<Part> {
    let of_class = |(suffix, resource): (&str, &str)| {
        let dimension = |name: &str, value: &str| json!({"Name": name, "Value": value});
        let dimensions = [
            dimension("Class", "None"),
            dimension("Resource", resource),
            dimension("Service", "KMS"),
            dimension("Type", "API"),
        ];
        let metric = json!({"Namespace": "AWS/Usage", "MetricName": "CallCount", "Dimensions": dimensions});
        let mut definition = described(words, at_least(80));
        definition["Metrics"] = json!([
            {"Id": "e1", "Expression": "100 * m1 / SERVICE_QUOTA(m1)", "Label": "Percent of the quota", "ReturnData": true},
            {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": false},
        ]);
        Part { name: format!("{NAME_PREFIX}{}-{suffix}", words.name), kind: PartKind::Alarm, definition }
    };
    [
        ("symmetric", "CryptographicOperationsSymmetric"),
        ("rsa", "CryptographicOperationsRsa"),
        ("ecc", "CryptographicOperationsEcc"),
        ("rsa-pairs", "GenerateDataKeyPair-RSA_2048"),
    ]
    .map(of_class)
    .into()
}

/// An alarm on points that a metric filter makes.
pub(super) fn on_filter(name: String, description: &str, metric: &str) -> Part {
    let definition = json!({
        "AlarmDescription": description, "ActionsEnabled": true, "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching", "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1,
        "Namespace": super::filters::NAMESPACE, "MetricName": metric, "Statistic": "Sum", "Period": 60,
    });
    Part { name, kind: PartKind::Alarm, definition }
}

fn at_least(threshold: i64) -> Value {
    json!({"ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": threshold})
}

fn insights(words: &Words, suffix: &str, query: &str, period: i64, compared: Value) -> Part {
    let mut definition = described(words, compared);
    definition["Metrics"] = json!([{"Id": "q1", "Expression": query, "Period": period, "ReturnData": true}]);
    Part { name: format!("{NAME_PREFIX}{}{suffix}", words.name), kind: PartKind::Alarm, definition }
}

fn described(words: &Words, compared: Value) -> Value {
    let mut definition = json!({
        "AlarmDescription": format!("{} {}", words.watches, words.runbook), "ActionsEnabled": true,
        "EvaluationPeriods": 1, "TreatMissingData": "notBreaching",
    });
    for name in ["ComparisonOperator", "Threshold"] {
        definition[name] = compared[name].clone();
    }
    definition
}
