//! Anomaly detectors, bands of what is expected, and alarms on them.

use super::*;
use crate::entry::{Body, Message};

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:alerts";
const DAY: i64 = 86_400;
const WEEKS: i64 = 14 * DAY - 3_600;

/// Requests of a service that is busy at noon: from 60 to 140, with some unrest.
fn wave(at: i64) -> f64 {
    let unrest = (at / 300 * 7_919 % 13) as f64 - 6.0;
    100.0 - 40.0 * (at as f64 / DAY as f64 * std::f64::consts::TAU).cos() + unrest / 2.0
}

impl World {
    /// Puts a value for each five minutes from `start` to before `end`, both seconds from now.
    async fn put_series(&self, name: &str, start: i64, end: i64, value: impl Fn(i64) -> f64) {
        let now = self.rehearsal.now().as_second();
        let times: Vec<i64> = (now + start..now + end).filter(|at| at % 300 == 0).collect();
        for times in times.chunks(1_000) {
            let datum = |at: &i64| json!({"MetricName": name, "Timestamp": at, "Value": value(*at)});
            let data: Vec<Value> = times.iter().map(datum).collect();
            self.ok("PutMetricData", json!({"Namespace": "App", "MetricData": data})).await;
        }
    }

    async fn band(&self, queries: Value, start: i64, end: i64) -> Vec<Value> {
        let now = self.rehearsal.now().as_second();
        let ask = json!({
            "MetricDataQueries": queries, "StartTime": now + start, "EndTime": now + end, "ScanBy": "TimestampAscending"
        });
        self.ok("GetMetricData", ask).await["MetricDataResults"].as_array().unwrap().clone()
    }

    async fn detectors(&self, ask: Value) -> Vec<Value> {
        self.ok("DescribeAnomalyDetectors", ask).await["AnomalyDetectors"].as_array().unwrap().clone()
    }

    async fn messages(&self) -> Vec<Value> {
        let entries = self.rehearsal.entries(EntryKind::Message).await;
        let message = |entry| serde_json::from_str(&Message::read(entry).unwrap().body).unwrap();
        entries.iter().map(message).collect()
    }
}

fn metric(name: &str, more: Value) -> Value {
    let stat = json!({"Metric": {"Namespace": "App", "MetricName": name}, "Period": 300, "Stat": "Sum"});
    let mut query = json!({"Id": "m1", "MetricStat": stat});
    query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query
}

fn banded(name: &str, expression: &str) -> Value {
    json!([metric(name, json!({"ReturnData": false})), {"Id": "ad1", "Expression": expression}])
}

fn values(result: &Value) -> Vec<f64> {
    result["Values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// The lower and the upper edge of a band.
fn edges(results: &[Value]) -> (Vec<f64>, Vec<f64>) {
    (values(&results[0]), values(&results[1]))
}

#[tokio::test]
async fn a_band_is_around_the_wave() {
    let world = World::begin().await;
    world.put_series("n", -WEEKS, 0, wave).await;
    let results = world.band(banded("n", "ANOMALY_DETECTION_BAND(m1)"), -7_200, 3_600).await;
    let labels: Vec<&str> = results.iter().map(|result| result["Label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["ad1 Low", "ad1 High"]);
    assert!(results.iter().all(|result| result["Id"] == "ad1" && result["StatusCode"] == "Complete"));
    let now = world.rehearsal.now().as_second();
    let (lower, upper) = edges(&results);
    assert_eq!(lower.len(), 36, "also for the hour to come");
    for (at, (lower, upper)) in lower.iter().zip(&upper).enumerate() {
        let value = wave(now - 7_200 + 300 * at as i64);
        assert!(*lower < value && value < *upper, "{value} in {lower}..{upper}");
        assert!(upper - lower < 30.0, "{lower}..{upper}");
    }
    let wider = world.band(banded("n", "ANOMALY_DETECTION_BAND(m1, 4)"), -7_200, 0).await;
    assert!(edges(&wider).1[0] - edges(&wider).0[0] > 1.5 * (upper[0] - lower[0]));
    // Of an expression the same as of the metric, twice as high; edges are series of their own.
    let doubled = banded("n", "LAST(ANOMALY_DETECTION_BAND(m1 * 2)) / 2");
    let half = values(&world.band(doubled, -7_200, 0).await[0]);
    assert!((half[0] - upper[0]).abs() < 2.0, "{} and {}", half[0], upper[0]);
    let refused = world.run("GetMetricData", json!({
        "MetricDataQueries": banded("n", "ANOMALY_DETECTION_BAND(m1, 0)"), "StartTime": now - 600, "EndTime": now
    }));
    assert_eq!(World::code(refused.await), "ValidationError");
}

#[tokio::test]
async fn what_is_known_too_little_has_no_band() {
    let world = World::begin().await;
    let ask = || banded("n", "ANOMALY_DETECTION_BAND(m1)");
    assert_eq!(values(&world.band(ask(), -7_200, 0).await[0]), Vec::<f64>::new());
    world.put_series("n", -2 * 3_600, 0, wave).await;
    assert_eq!(values(&world.band(ask(), -7_200, 0).await[0]), Vec::<f64>::new());
    world.put_series("n", -2 * DAY, -2 * 3_600, wave).await;
    assert_eq!(values(&world.band(ask(), -7_200, 0).await[0]).len(), 24);
    // What is known now was not known then.
    let before = values(&world.band(ask(), -2 * DAY, -2 * DAY + 7_200).await[0]);
    assert_eq!(before, Vec::<f64>::new());
}

#[tokio::test]
async fn detectors_are_kept_and_described() {
    let world = World::begin().await;
    let put = json!({"Namespace": "MyNamespace", "MetricName": "MyMetric", "Stat": "Sum",
        "Dimensions": [{"Name": "DimensionName", "Value": "DimensionValue"}]});
    assert_eq!(world.ok("PutAnomalyDetector", put.clone()).await, json!({}));
    // As recorded from AWS.
    let mut single = put.clone();
    single["AccountId"] = json!("000000000000");
    let mut want = put.clone();
    want["Configuration"] = json!({"ExcludedTimeRanges": []});
    (want["SingleMetricAnomalyDetector"], want["StateValue"]) = (single.clone(), json!("PENDING_TRAINING"));
    assert_eq!(world.detectors(json!({})).await, [want]);

    let configured = json!({
        "SingleMetricAnomalyDetector": {"Namespace": "App", "MetricName": "n", "Stat": "Sum"},
        "Configuration": {"MetricTimezone": "Europe/Berlin", "ExcludedTimeRanges": [{"StartTime": 1_700_000_000, "EndTime": 1_700_003_600}]},
        "MetricCharacteristics": {"PeriodicSpikes": true}
    });
    world.ok("PutAnomalyDetector", configured.clone()).await;
    let math = banded("n", "m1 * 2");
    let math = json!({"MetricMathAnomalyDetector": {"MetricDataQueries": math}});
    world.ok("PutAnomalyDetector", math.clone()).await;

    let app = world.detectors(json!({"Namespace": "App"})).await;
    assert_eq!(app.len(), 1);
    let mut expected = configured["Configuration"].clone();
    expected["ExcludedTimeRanges"][0] = json!({"StartTime": 1_700_000_000.0, "EndTime": 1_700_003_600.0});
    assert_eq!(app[0]["Configuration"], expected);
    assert_eq!(app[0]["MetricCharacteristics"], json!({"PeriodicSpikes": true}));
    let all = json!({"AnomalyDetectorTypes": ["SINGLE_METRIC", "METRIC_MATH"], "MaxResults": 2});
    let first = world.ok("DescribeAnomalyDetectors", all.clone()).await;
    assert_eq!(first["AnomalyDetectors"].as_array().unwrap().len(), 2);
    let mut rest = all;
    rest["NextToken"] = first["NextToken"].clone();
    assert_eq!(world.detectors(rest).await.len(), 1);
    let of_math = world.detectors(json!({"AnomalyDetectorTypes": ["METRIC_MATH"]})).await;
    assert_eq!(of_math[0]["MetricMathAnomalyDetector"], math["MetricMathAnomalyDetector"]);
    assert_eq!(of_math[0].get("Namespace"), None);

    let state = async || world.detectors(json!({"Namespace": "App"})).await[0]["StateValue"].clone();
    world.put_series("n", -3_600, 0, wave).await;
    assert_eq!(state().await, "TRAINED_INSUFFICIENT_DATA");
    world.put_series("n", -6 * 3_600, -3_600, wave).await;
    assert_eq!(state().await, "TRAINED");

    for detector in
        [put.clone(), json!({"SingleMetricAnomalyDetector": configured["SingleMetricAnomalyDetector"]}), math]
    {
        world.ok("DeleteAnomalyDetector", detector).await;
    }
    let gone = world.run("DeleteAnomalyDetector", put).await;
    assert_eq!(gone.as_ref().unwrap_err().status, 404);
    assert_eq!(World::code(gone), "ResourceNotFoundException");
    let bad_zone = json!({"Namespace": "A", "MetricName": "n", "Stat": "Sum", "Configuration": {"MetricTimezone": "Mars/Olympus"}});
    assert_eq!(World::code(world.run("PutAnomalyDetector", bad_zone).await), "InvalidParameterValue");
    assert_eq!(
        World::code(world.run("DescribeAnomalyDetectors", json!({"MaxResults": 101})).await),
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn no_more_than_five_hundred_detectors() {
    let world = World::begin().await;
    for count in 0..500 {
        let detector = json!({"Namespace": "App", "MetricName": format!("n{count}"), "Stat": "Sum"});
        world.ok("PutAnomalyDetector", detector).await;
    }
    let again = json!({"Namespace": "App", "MetricName": "n7", "Stat": "Sum"});
    world.ok("PutAnomalyDetector", again).await;
    let one_more = json!({"Namespace": "App", "MetricName": "m", "Stat": "Sum"});
    assert_eq!(World::code(world.run("PutAnomalyDetector", one_more).await), "LimitExceededException");
}

#[tokio::test]
async fn detectors_tune_models() {
    let world = World::begin().await;
    // Nothing in the first week; a release that went wrong for the three last days; then as before.
    let value = |at: i64, now: i64| if at > now - 3 * DAY && at <= now - 3_600 { 900.0 } else { wave(at) };
    let now = world.rehearsal.now().as_second();
    world.put_series("n", -6 * DAY, 0, |at| value(at, now)).await;
    let upper = async || edges(&world.band(banded("n", "ANOMALY_DETECTION_BAND(m1)"), -600, 0).await).1[0];
    let untuned = upper().await;
    assert!(untuned > 500.0, "the level moved: {untuned}");
    let detector = json!({
        "Namespace": "App", "MetricName": "n", "Stat": "Sum",
        "Configuration": {"ExcludedTimeRanges": [{"StartTime": now - 3 * DAY, "EndTime": now}]}
    });
    world.ok("PutAnomalyDetector", detector.clone()).await;
    let tuned = upper().await;
    assert!(tuned < 200.0, "what went wrong is not learnt: {tuned}");
    world.ok("DeleteAnomalyDetector", json!({"Namespace": "App", "MetricName": "n", "Stat": "Sum"})).await;
    assert_eq!(upper().await, untuned);
}

fn alarm(operator: &str, more: Value) -> Value {
    let mut alarm = json!({
        "AlarmName": "band", "ThresholdMetricId": "ad1", "EvaluationPeriods": 1, "ComparisonOperator": operator,
        "AlarmActions": [TOPIC], "OKActions": [TOPIC],
        "Metrics": [metric("n", json!({"ReturnData": true})), {
            "Id": "ad1", "Expression": "ANOMALY_DETECTION_BAND(m1, 3)", "Label": "n (expected)", "ReturnData": true
        }]
    });
    alarm.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    alarm
}

#[tokio::test]
async fn an_alarm_on_a_band() {
    let world = World::begin().await;
    world.put_series("n", -WEEKS, 0, wave).await;
    world.ok("PutMetricAlarm", alarm("LessThanLowerOrGreaterThanUpperThreshold", json!({}))).await;
    let described = async || {
        world.rehearsal.settle().await;
        world.ok("DescribeAlarms", json!({"AlarmNames": ["band"]})).await["MetricAlarms"][0].clone()
    };
    world.rehearsal.advance(SignedDuration::from_mins(1)).await;
    let calm = described().await;
    assert_eq!((&calm["StateValue"], &calm["ThresholdMetricId"]), (&json!("OK"), &json!("ad1")), "{calm}");
    assert_eq!((calm.get("Threshold"), calm.get("Period")), (None, None));
    let reason = calm["StateReason"].as_str().unwrap();
    assert!(
        reason.starts_with("Thresholds Crossed: 1 out of the last 1 datapoints [")
            && reason.contains("] was not less than the lower thresholds [")
            && reason.ends_with("] (minimum 1 datapoint for ALARM -> OK transition)."),
        "{reason}"
    );

    world.put_series("n", 0, 300, |_| 400.0).await;
    world.rehearsal.advance(SignedDuration::from_mins(6)).await;
    let alarmed = described().await;
    assert_eq!(alarmed["StateValue"], "ALARM", "{alarmed}");
    let reason = alarmed["StateReason"].as_str().unwrap();
    assert!(reason.contains("[400.0 (14/09/26 11:0"), "{reason}");
    let data: Value = serde_json::from_str(alarmed["StateReasonData"].as_str().unwrap()).unwrap();
    let upper = data["recentUpperThresholds"][0].as_f64().unwrap();
    assert!((140.0..200.0).contains(&upper) && data["recentDatapoints"] == json!([400.0]), "{data}");
    assert!(data.get("threshold").is_none() && data["recentLowerThresholds"][0].as_f64().unwrap() > 100.0);

    let messages = world.messages().await;
    let message: Value = serde_json::from_str(messages.last().unwrap()["default"].as_str().unwrap()).unwrap();
    let trigger = &message["Trigger"];
    assert_eq!(
        trigger,
        &json!({
            "Period": 300, "EvaluationPeriods": 1, "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
            "ThresholdMetricId": "ad1", "TreatMissingData": "", "EvaluateLowSampleCountPercentile": "",
            "Metrics": [
                {"Id": "m1", "MetricStat": {"Metric": {"Dimensions": [], "MetricName": "n", "Namespace": "App"}, "Period": 300, "Stat": "Sum"}, "ReturnData": true},
                {"Expression": "ANOMALY_DETECTION_BAND(m1, 3)", "Id": "ad1", "Label": "n (expected)", "ReturnData": true}
            ]
        })
    );
    let mail = messages.last().unwrap()["email"].as_str().unwrap();
    assert!(
        mail.contains("LessThanLowerOrGreaterThanUpperThreshold (ad1) for at least 1 of the last 1"),
        "{mail}"
    );
    assert!(mail.contains("ANOMALY_DETECTION_BAND(m1, 3)"), "{mail}");
    let event = world.state_changes().await.pop().unwrap();
    assert_eq!(event["configuration"]["metrics"][1]["expression"], "ANOMALY_DETECTION_BAND(m1, 3)");
    let metric = json!({"Namespace": "App", "MetricName": "n"});
    assert_eq!(world.ok("DescribeAlarmsForMetric", metric).await["MetricAlarms"], json!([]));

    // An hour without data: as with other alarms, missing data count as the alarm says.
    world.rehearsal.advance(SignedDuration::from_mins(60)).await;
    assert_eq!(described().await["StateValue"], "INSUFFICIENT_DATA");
}

#[tokio::test]
async fn an_alarm_waits_for_data_enough() {
    let world = World::begin().await;
    world.put_series("n", -3_600, 0, wave).await;
    // Missing data would breach; that nothing is expected yet is not missing data.
    let missing = json!({"TreatMissingData": "breaching", "EvaluationPeriods": 3, "DatapointsToAlarm": 2});
    world.ok("PutMetricAlarm", alarm("GreaterThanUpperThreshold", missing)).await;
    let state = async || {
        world.rehearsal.settle().await;
        let answer = world.ok("DescribeAlarms", json!({"AlarmNames": ["band"]})).await;
        let alarm = &answer["MetricAlarms"][0];
        (alarm["StateValue"].as_str().unwrap().to_owned(), alarm["StateReason"].as_str().unwrap().to_owned())
    };
    world.rehearsal.advance(SignedDuration::from_mins(2)).await;
    let (value, reason) = state().await;
    assert_eq!(
        (value.as_str(), reason.as_str()),
        ("INSUFFICIENT_DATA", "Insufficient Data: 3 datapoints were unknown.")
    );
    for hour in 0..4 {
        let now = world.rehearsal.now().as_second();
        world
            .put_series("n", 0, 3_600, |at| if hour == 3 && at >= now + 1_800 { 500.0 } else { wave(at) })
            .await;
        world.rehearsal.advance(SignedDuration::from_mins(60)).await;
    }
    let (value, reason) = state().await;
    assert_eq!(value, "ALARM", "{reason}");
    assert!(reason.contains("were greater than the upper thresholds ["), "{reason}");
}

#[tokio::test]
async fn a_picture_of_a_band() {
    let world = World::begin().await;
    world.put_series("n", -2 * DAY, 0, wave).await;
    world.ok("PutMetricAlarm", alarm("GreaterThanUpperThreshold", json!({}))).await;
    let arn = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:band";
    let row = json!(["App", "n", {"id": "m1", "stat": "Sum"}]);
    let picture = async |widget: Value| {
        let ask = json!({"MetricWidget": widget.to_string()});
        world.ok("GetMetricWidgetImage", ask).await["MetricWidgetImage"].as_str().unwrap().to_owned()
    };
    let plain = picture(json!({"metrics": [row]})).await;
    let banded = picture(json!({"metrics": [row, [{"expression": "ANOMALY_DETECTION_BAND(m1, 3)"}]]})).await;
    let of_alarm = picture(json!({"annotations": {"alarms": [arn]}})).await;
    let beside = picture(json!({"metrics": [row], "annotations": {"alarms": [arn]}})).await;
    assert!(plain != banded && banded.len() > 1_000, "a band is drawn");
    assert!(of_alarm != plain && beside != plain, "also that of an alarm");
}
