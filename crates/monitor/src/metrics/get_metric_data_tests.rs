//! Queries over series in memory.

use keywatch_api::{WireError, shape};

use super::*;
use crate::metrics::{series::Datum, statistic_set::StatisticSet};

const PARTITION: &str = "000000000000/us-east-1";
const NOW: Second = 100_000 * 60;

fn series() -> SeriesStore {
    let mut series = SeriesStore::default();
    for (key, minutes) in [("a", 3), ("b", 5)] {
        for minute in 0..minutes {
            let dimensions = [("KeyArn", key), ("Operation", "Decrypt")];
            let metric = MetricRef {
                partition: PARTITION,
                namespace: "AWS/KMS",
                name: "SuccessfulRequest",
                dimensions: &dimensions,
            };
            let set = StatisticSet::uniform(1.0, 2.0);
            let datum = Datum {
                metric,
                time: NOW - 600 + 60 * minute,
                unit: Unit::Count,
                high_resolution: false,
                set: &set,
            };
            series.add(1, &datum, NOW).unwrap();
        }
    }
    series
}

fn request(members: &str) -> GetMetricDataRequest {
    let text = format!(r#"{{"StartTime":{},"EndTime":{NOW},{members}}}"#, NOW - 3_600);
    shape::check(serde_json::from_str(&text).unwrap()).unwrap()
}

fn answer(request: &GetMetricDataRequest) -> Result<GetMetricDataResponse, CloudWatchError> {
    let place = Place {
        partition: PARTITION,
        account: "000000000000",
        region: "us-east-1",
        start: request.start_time.0.as_second(),
        end: request.end_time.0.as_second(),
        now: NOW,
    };
    let queries = check(request)?;
    let pages = Pages::new(request)?;
    let found = run(&series(), &queries, &place)?;
    Ok(pages.cut(
        label(&queries, found, &place, &TimeZone::UTC),
        request.scan_by.unwrap_or(ScanBy::TimestampDescending),
    ))
}

fn stat(id: &str, key: &str, more: &str) -> String {
    format!(
        r#"{{"Id":"{id}","MetricStat":{{"Metric":{{"Namespace":"AWS/KMS","MetricName":"SuccessfulRequest","Dimensions":[{{"Name":"Operation","Value":"Decrypt"}},{{"Name":"KeyArn","Value":"{key}"}}]}},"Period":60,"Stat":"Sum"}}{more}}}"#
    )
}

#[test]
fn metrics_in_order_newest_first() {
    let got = answer(&request(&format!(
        r#""MetricDataQueries":[{},{}]"#,
        stat("m1", "a", ""),
        stat("m2", "none", "")
    )))
    .unwrap();
    let [first, second] = &got.metric_data_results[..] else { panic!("two results") };
    assert_eq!((first.id.as_str(), first.label.as_str()), ("m1", "SuccessfulRequest a Decrypt"));
    assert_eq!(first.values, [2.0, 2.0, 2.0]);
    assert!(first.timestamps.is_sorted_by(|a, b| a > b));
    assert_eq!(first.status_code, StatusCode::Complete);
    assert!(second.values.is_empty());
}

#[test]
fn the_busiest_keys() {
    let sql = r#"SELECT SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC LIMIT 20"#;
    let got = answer(&request(&format!(
        r#""MetricDataQueries":[{{"Id":"q1","Expression":"{sql}","Period":3600}}]"#
    )))
    .unwrap();
    let labels: Vec<_> = got
        .metric_data_results
        .iter()
        .map(|result| (result.label.as_str(), result.values.iter().sum()))
        .collect();
    assert_eq!(labels, [("b", 10.0), ("a", 6.0)]);
    let labelled = format!(
        r#""MetricDataQueries":[{{"Id":"q1","Expression":"{sql}","Period":60,"Label":"top ${{MAX}}"}}]"#
    );
    assert_eq!(answer(&request(&labelled)).unwrap().metric_data_results[0].label, "top 2.0 b");
}

#[test]
fn pages_of_datapoints() {
    let queries =
        format!(r#""MetricDataQueries":[{},{}],"MaxDatapoints":4"#, stat("m1", "a", ""), stat("m2", "b", ""));
    let first = answer(&request(&queries)).unwrap();
    let sizes = |answer: &GetMetricDataResponse| {
        answer
            .metric_data_results
            .iter()
            .map(|r| (r.id.clone(), r.values.len(), r.status_code))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sizes(&first),
        [("m1".into(), 3, StatusCode::Complete), ("m2".into(), 1, StatusCode::PartialData)]
    );
    let token = first.next_token.unwrap();
    let second = answer(&request(&format!(r#"{queries},"NextToken":"{token}""#))).unwrap();
    assert_eq!(sizes(&second), [("m2".into(), 4, StatusCode::Complete)]);
    assert_eq!(second.next_token, None);
    let wrong = answer(&request(&format!(r#"{queries},"NextToken":"xyz""#))).unwrap_err();
    assert_eq!(wrong.code(), "InvalidNextToken");
}

#[test]
fn refusals() {
    let sql = |id: &str| format!(r#"{{"Id":"{id}","Expression":"SELECT SUM(a) FROM b","Period":60}}"#);
    for (queries, text) in [
        (String::new(), "from 1 to 500"),
        (stat("1a", "a", ""), "not matching the expected pattern"),
        (format!("{},{}", stat("m1", "a", ""), stat("m1", "a", "")), "not unique"),
        (stat("m1", "a", r#","ReturnData":false"#), "ReturnData"),
        (stat("m1", "a", r#","Expression":"m2""#), "mutually exclusive"),
        (r#"{"Id":"m1"}"#.into(), "mutually exclusive"),
        (r#"{"Id":"e1","Expression":"m1 * 2"}"#.into(), "metric math"),
        (r#"{"Id":"e1","Expression":"SELECT SUM(a) FROM b"}"#.into(), "Period is required"),
        (
            r#"{"Id":"e1","Expression":"SELECT SUM(a FROM b","Period":60}"#.into(),
            "Unsupported token 'FROM', must be: ')', at char 13",
        ),
        (format!("{},{}", sql("a"), sql("b")), "Only one Metrics Insights query"),
        (stat("m1", "a", "").replace("Sum", "sum"), "Stat is not supported"),
    ] {
        let error = answer(&request(&format!(r#""MetricDataQueries":[{queries}]"#))).unwrap_err();
        assert_eq!(error.query_code().as_deref(), Some("ValidationError"), "{queries}");
        assert!(error.message().unwrap().contains(text), "{error:?}");
    }
}
