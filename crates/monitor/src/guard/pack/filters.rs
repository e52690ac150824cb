//! Metric filters of the pack, with the alarms on their points: what AWS's own guide puts up for keys that are pending deletion.
//!
//! Source: KMS Developer Guide, "Create an alarm that detects use of a KMS key pending deletion".

use serde_json::json;

use super::{NAME_PREFIX, Part, PartKind, alarms};

/// Where the filters' points go.
pub(super) const NAMESPACE: &str = "Keywatch/Guard";

/// A filter for each log group, and one alarm on what they find.
pub(super) fn unusable_key_used(groups: &[String]) -> Vec<Part> {
    let name = format!("{NAME_PREFIX}unusable-key-used");
    let metric = "UnusableKeyUse";
    let pattern = r#"{ ($.eventSource = "kms.amazonaws.com") && (($.errorCode = "DisabledException") || ($.errorMessage = "*is pending deletion*")) }"#;
    let filter = |group: &String| {
        let definition = json!({
            "logGroupName": group, "filterPattern": pattern,
            "metricTransformations": [{"metricName": metric, "metricNamespace": NAMESPACE, "metricValue": "1"}],
        });
        Part { name: name.clone(), kind: PartKind::Filter, definition }
    };
    let mut parts: Vec<Part> = groups.iter().map(filter).collect();
    if !parts.is_empty() {
        let description = "The log group of a trail shows use of a key that is pending deletion or disabled. Find out who still needs it: keywatch usage KEY.";
        parts.push(alarms::on_filter(format!("{name}-in-logs"), description, metric));
    }
    parts
}
