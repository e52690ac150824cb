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

/// Requests a minute that are 80 % of what AWS grants a second, by the classes of operations.
///
/// Source: KMS Developer Guide, "Request quotas".
pub(super) fn quota(words: &Words, region: &str) -> Vec<Part> {
    let symmetric = match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => 100_000,
        "us-east-2" | "ap-southeast-1" | "ap-southeast-2" | "ap-northeast-1" | "eu-central-1"
        | "eu-west-2" => 20_000,
        _ => 10_000,
    };
    let of_class = |(suffix, resource, a_second): (&str, &str, i64)| {
        let dimension = |name: &str, value: &str| json!({"Name": name, "Value": value});
        let mut definition = described(words, at_least(a_second * 60 * 80 / 100));
        definition["Namespace"] = json!("AWS/Usage");
        definition["MetricName"] = json!("CallCount");
        definition["Dimensions"] = json!([
            dimension("Class", "None"),
            dimension("Resource", resource),
            dimension("Service", "KMS"),
            dimension("Type", "API"),
        ]);
        definition["Statistic"] = json!("Sum");
        definition["Period"] = json!(60);
        Part { name: format!("{NAME_PREFIX}{}-{suffix}", words.name), kind: PartKind::Alarm, definition }
    };
    [
        ("symmetric", "CryptographicOperationsSymmetric", symmetric),
        ("rsa", "CryptographicOperationsRsa", 1_000),
        ("ecc", "CryptographicOperationsEcc", 1_000),
        ("rsa-pairs", "GenerateDataKeyPair-RSA_2048", 20),
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
