//! Automatic dashboards of KMS, for an account and Region or for one key: made anew at each asking, of the metrics that exist. Pure but
//! for reading series.
//!
//! Source: CloudWatch User Guide, "automatic dashboards"; what a console shows of KMS, and what only we measure.

use jiff::Timestamp;
use keywatch_api::kms::{KEY_USES, KmsOperation};
use keywatch_store::{Partition, StoreError};
use serde_json::{Value, json};

use crate::cloudwatch::CloudWatch;
use crate::metrics::series::{MetricRef, SeriesStore};

/// Columns of a dashboard.
const COLUMNS: usize = 24;
const HEIGHT: usize = 6;
/// Operations whose latency is drawn.
const LATENCIES_MAX: usize = 6;

/// The body of the dashboard of `partition`, or of one key of it, as `PutDashboard` takes it. Sees what was recorded until `now`.
pub async fn automatic_dashboard(
    service: &CloudWatch,
    partition: &Partition,
    key_arn: Option<&str>,
    now: Timestamp,
) -> Result<String, StoreError> {
    service.live.catch_up(now).await?;
    let facts = |series: &SeriesStore| Facts { series, partition }.widgets(key_arn);
    let widgets = service.live.look(facts);
    Ok(json!({"start": "-PT3H", "periodOverride": "inherit", "widgets": laid_out(widgets)}).to_string())
}

/// One widget before it has a place.
struct Widget {
    width: usize,
    height: usize,
    kind: &'static str,
    properties: Value,
}

/// Places widgets from left to right and from top to bottom.
fn laid_out(widgets: Vec<Widget>) -> Vec<Value> {
    let (mut x, mut y, mut row) = (0, 0, 0);
    let mut placed = Vec::new();
    for widget in widgets {
        if x + widget.width > COLUMNS {
            (x, y, row) = (0, y + row, 0);
        }
        placed.push(
            json!({"type": widget.kind, "x": x, "y": y, "width": widget.width, "height": widget.height,
            "properties": widget.properties}),
        );
        x += widget.width;
        row = row.max(widget.height);
    }
    placed
}

struct Facts<'s> {
    series: &'s SeriesStore,
    partition: &'s Partition,
}

impl Facts<'_> {
    fn exists(&self, namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> bool {
        let partition = self.partition.as_str();
        self.series.find(&MetricRef { partition, namespace, name, dimensions }).is_some()
    }

    fn has_any(&self, namespace: &str, name: &str) -> bool {
        !self.series.named(self.partition.as_str(), namespace, name).is_empty()
    }

    fn widgets(&self, key_arn: Option<&str>) -> Vec<Widget> {
        match key_arn {
            Some(key_arn) => self.of_key(key_arn),
            None => self.of_account(),
        }
    }

    fn of_account(&self) -> Vec<Widget> {
        let (account, region) = (self.partition.account(), self.partition.region());
        let mut widgets = vec![text(&format!(
            "# AWS KMS in {region}\nAccount {account}. Numbers are of five minutes each."
        ))];
        if !self.has_any("Keywatch/KMS", "Requests") {
            widgets.push(text("No call of KMS has been recorded yet."));
            return widgets;
        }
        let requests = "FROM SCHEMA(\"Keywatch/KMS\", ErrorCode, Operation)";
        // A picture takes one query of Metrics Insights.
        let query = format!("SELECT SUM(Requests) {requests} GROUP BY ErrorCode ORDER BY SUM() DESC LIMIT 5");
        let rows = json!([[{"expression": query, "id": "q1", "period": 300}]]);
        widgets.push(self.metrics("Calls by outcome", 6, "singleValue", rows));
        widgets.push(self.stacked(
            "Calls by operation",
            9,
            &format!("SELECT SUM(Requests) {requests} GROUP BY Operation ORDER BY SUM() DESC LIMIT 10"),
        ));
        widgets.push(self.stacked(
            "Refused calls by error",
            9,
            &format!("SELECT SUM(Requests) {requests} WHERE ErrorCode != 'None' GROUP BY ErrorCode ORDER BY SUM() DESC LIMIT 10"),
        ));
        if self.has_any("AWS/KMS", "SuccessfulRequest") {
            let query = "SELECT SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC LIMIT 10";
            widgets.push(self.lines("Busiest keys", 12, query));
        }
        let query = "SELECT SUM(Requests) FROM SCHEMA(\"Keywatch/KMS\", ErrorCode, Operation, PrincipalArn) GROUP BY PrincipalArn ORDER BY SUM() DESC LIMIT 10";
        widgets.push(self.lines("Busiest principals", 12, query));
        widgets.extend(self.latencies());
        widgets.extend(self.quotas());
        if self.has_any("AWS/KMS", "SecondsUntilKeyMaterialExpiration") {
            let query = "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA(\"AWS/KMS\", KeyId) GROUP BY KeyId ORDER BY MIN() ASC LIMIT 10";
            widgets.push(self.lines("Seconds until imported material expires", 12, query));
        }
        widgets
    }

    fn of_key(&self, key_arn: &str) -> Vec<Widget> {
        let id = key_arn.rsplit('/').next().unwrap_or(key_arn);
        let mut widgets = vec![text(&format!("# KMS key {id}\n{key_arn}"))];
        let uses: Vec<&str> = KEY_USES
            .into_iter()
            .filter(|operation| {
                let dimensions = [("KeyArn", key_arn), ("Operation", operation)];
                self.exists("AWS/KMS", "SuccessfulRequest", &dimensions)
            })
            .collect();
        if uses.is_empty() {
            widgets.push(text("No successful use of this key has been recorded yet."));
        } else {
            let row = |operation: &&str| {
                json!(["AWS/KMS", "SuccessfulRequest", "KeyArn", key_arn, "Operation", operation,
                    {"stat": "Sum", "label": operation}])
            };
            let rows: Vec<Value> = uses.iter().map(row).collect();
            let mut drawn = self.metrics("Uses by operation", 12, "timeSeries", json!(rows));
            drawn.properties["stacked"] = json!(true);
            widgets.push(drawn);
            widgets.push(self.metrics("Uses now", 6, "singleValue", json!(rows)));
        }
        if self.exists("Keywatch/KMS", "DecryptShare", &[("KeyArn", key_arn)]) {
            let rows = json!([["Keywatch/KMS", "DecryptShare", "KeyArn", key_arn, {"stat": "Average", "label": "decrypting"}]]);
            let mut share =
                self.metrics("Part of the use that is decrypting, percent", 12, "timeSeries", rows);
            share.properties["yAxis"] = json!({"left": {"min": 0, "max": 100}});
            widgets.push(share);
            let search = format!(
                r#"SEARCH('{{"Keywatch/KMS",KeyArn,KeyMaterialId}} MetricName="MaterialInvocations" "{key_arn}"', 'Sum', 300)"#
            );
            let rows = json!([[{"expression": search, "id": "e1", "label": ""}]]);
            widgets.push(self.metrics("Encryptions by key material", 12, "timeSeries", rows));
        }
        if self.exists("AWS/KMS", "SecondsUntilKeyMaterialExpiration", &[("KeyId", id)]) {
            let rows =
                json!([["AWS/KMS", "SecondsUntilKeyMaterialExpiration", "KeyId", id, {"stat": "Minimum"}]]);
            let mut left = self.metrics("Seconds until imported material expires", 12, "timeSeries", rows);
            left.properties["annotations"] = json!({"horizontal": [
                {"label": "7 days", "value": 604_800, "color": "#ff7f0e"}, {"label": "1 day", "value": 86_400, "color": "#d62728"}]});
            widgets.push(left);
        }
        widgets
    }

    /// The operations whose latency is known, those that use keys first.
    fn latencies(&self) -> Option<Widget> {
        let others = KmsOperation::ALL.iter().map(|operation| operation.info().name);
        let others = others.filter(|name| !KEY_USES.contains(name));
        let known = KEY_USES
            .into_iter()
            .chain(others)
            .filter(|operation| self.exists("Keywatch/KMS", "Latency", &[("Operation", operation)]));
        let row = |operation: &str| json!(["Keywatch/KMS", "Latency", "Operation", operation, {"stat": "p99", "label": format!("{operation} p99")}]);
        let rows: Vec<Value> = known.take(LATENCIES_MAX).map(row).collect();
        (!rows.is_empty()).then(|| self.metrics("Latency, milliseconds", 12, "timeSeries", json!(rows)))
    }

    /// Calls against the quotas they share.
    fn quotas(&self) -> Option<Widget> {
        let rows: Vec<Value> = ["Symmetric", "Rsa", "Ecc"]
            .into_iter()
            .map(|class| (class, format!("CryptographicOperations{class}")))
            .filter(|(_, resource)| {
                let dimensions =
                    [("Class", "None"), ("Resource", resource.as_str()), ("Service", "KMS"), ("Type", "API")];
                self.exists("AWS/Usage", "CallCount", &dimensions)
            })
            .map(|(class, resource)| {
                json!(["AWS/Usage", "CallCount", "Class", "None", "Resource", resource, "Service", "KMS", "Type", "API",
                    {"stat": "Sum", "period": 60, "label": class}])
            })
            .collect();
        let title = "Cryptographic operations a minute, by quota";
        (!rows.is_empty()).then(|| self.metrics(title, 12, "timeSeries", json!(rows)))
    }

    fn stacked(&self, title: &str, width: usize, query: &str) -> Widget {
        let mut widget = self.lines(title, width, query);
        widget.properties["stacked"] = json!(true);
        widget
    }

    fn lines(&self, title: &str, width: usize, query: &str) -> Widget {
        let rows = json!([[{"expression": query, "id": "q1", "period": 300}]]);
        self.metrics(title, width, "timeSeries", rows)
    }

    fn metrics(&self, title: &str, width: usize, view: &str, rows: Value) -> Widget {
        let properties = json!({"title": title, "view": view, "stacked": false, "region": self.partition.region(),
            "period": 300, "stat": "Sum", "metrics": rows});
        Widget { width, height: HEIGHT, kind: "metric", properties }
    }
}

fn text(markdown: &str) -> Widget {
    Widget { width: COLUMNS, height: 2, kind: "text", properties: json!({"markdown": markdown}) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards::body::check;
    use crate::metrics::live::apply_entry;
    use keywatch_store::{EntryKind, LogEntry};

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k1";

    fn widgets(records: &[&str], key: Option<&str>) -> Vec<Value> {
        let partition = Partition::new("111122223333", "us-east-1");
        let mut series = SeriesStore::default();
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        for (name, seq) in records.iter().zip(1..) {
            let record = json!({"eventSource": "kms.amazonaws.com", "eventName": name, "eventTime": now.to_string(),
                "awsRegion": "us-east-1", "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
                "userIdentity": {"arn": "u", "accountId": "111122223333"}, "resources": [{"ARN": KEY}],
                "requestParameters": {"validTo": "2026-04-02T09:00:00Z"}});
            let entry = LogEntry {
                seq,
                kind: EntryKind::Record,
                time: now,
                partition: partition.clone(),
                bytes: record.to_string().into(),
            };
            apply_entry(&mut series, &entry, now).unwrap();
        }
        let widgets = laid_out(Facts { series: &series, partition: &partition }.widgets(key));
        let verdict = check(&json!({"widgets": widgets}));
        assert_eq!(verdict.errors, [], "{widgets:?}");
        assert_eq!(verdict.warnings, [], "{widgets:?}");
        widgets
    }

    fn titles(widgets: &[Value]) -> Vec<&str> {
        widgets.iter().filter_map(|widget| widget["properties"]["title"].as_str()).collect()
    }

    #[test]
    fn only_what_exists_is_shown() {
        assert_eq!(titles(&widgets(&[], None)), [""; 0]);
        assert_eq!(titles(&widgets(&[], Some(KEY))), [""; 0]);
        let account = widgets(&["Decrypt"], None);
        assert!(titles(&account).contains(&"Busiest keys"));
        assert!(!titles(&account).iter().any(|title| title.contains("expires")));
        let key = widgets(&["Decrypt", "Encrypt", "ImportKeyMaterial"], Some(KEY));
        let want = [
            "Uses by operation",
            "Uses now",
            "Part of the use that is decrypting, percent",
            "Encryptions by key material",
            "Seconds until imported material expires",
        ];
        assert_eq!(titles(&key), want);
        assert_eq!(key[1]["properties"]["metrics"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn widgets_do_not_overlap() {
        let all = widgets(&["Decrypt", "ImportKeyMaterial"], None);
        let side = |widget: &Value, name: &str| widget[name].as_u64().unwrap();
        for (at, one) in all.iter().enumerate() {
            assert!(side(one, "x") + side(one, "width") <= 24);
            for other in &all[at + 1..] {
                let apart = |from: &str, size: &str| {
                    side(one, from) + side(one, size) <= side(other, from)
                        || side(other, from) + side(other, size) <= side(one, from)
                };
                assert!(apart("x", "width") || apart("y", "height"), "{one} {other}");
            }
        }
    }
}
