//! Queries over series in memory.

use keywatch_api::{WireError, shape};

use super::*;
use crate::detectors::Bands;
use crate::metrics::{
    Unit,
    series::{Datum, MetricRef, SeriesStore},
    statistic_set::StatisticSet,
};

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
        alignment: Alignment::Multiple,
        tags: crate::metrics::tags::Tags::NONE,
    };
    let queries = check(request)?;
    let pages = Pages::new(request)?;
    let found = super::answer(&series(), &queries, &place, &Bands::default())?;
    Ok(pages.cut(
        labelled(&queries, found, &place, &TimeZone::UTC),
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

fn math(id: &str, expression: &str, more: &str) -> String {
    format!(r#"{{"Id":"{id}","Expression":"{expression}"{more}}}"#)
}

/// Labels and values, oldest first.
fn labelled_values(queries: &str) -> Vec<(String, Vec<f64>)> {
    let got = answer(&request(&format!(r#""MetricDataQueries":[{queries}],"ScanBy":"TimestampAscending""#)));
    let results = got.unwrap().metric_data_results;
    results.into_iter().map(|result| (result.label, result.values)).collect()
}

#[test]
fn expressions_of_metrics_and_of_each_other() {
    let hidden = r#","ReturnData":false"#;
    let metrics = format!("{},{}", stat("m1", "a", hidden), stat("m2", "b", hidden));
    let cases = [
        (
            math("e1", "e2 * 10", "") + "," + &math("e2", "m1 + m2", hidden),
            vec![("e1", vec![40., 40., 40., 20., 20.])],
        ),
        (
            math("e1", "m1 / SUM(m1)", r#","Label":"share ${LAST}""#),
            vec![("share 0.3333333333333333", vec![1. / 3.; 3])],
        ),
        (
            math("e1", "METRICS()", ""),
            vec![("SuccessfulRequest a Decrypt", vec![2.; 3]), ("SuccessfulRequest b Decrypt", vec![2.; 5])],
        ),
        (math("e1", "SUM(METRICS('m2'))", ""), vec![("e1", vec![2.; 5])]),
    ];
    for (queries, expected) in cases {
        let expected: Vec<_> =
            expected.into_iter().map(|(label, values)| (label.to_owned(), values)).collect();
        assert_eq!(labelled_values(&format!("{metrics},{queries}")), expected, "{queries}");
    }
}

#[test]
fn searches_give_every_metric_they_find() {
    let search = "SEARCH('{AWS/KMS,KeyArn,Operation} decrypt', 'Sum', 3600)";
    let found = [
        ("SuccessfulRequest a Decrypt".to_owned(), vec![6.]),
        ("SuccessfulRequest b Decrypt".to_owned(), vec![10.]),
    ];
    assert_eq!(labelled_values(&math("e1", search, "")), found);
    let busiest = format!("SORT({search}, SUM, DESC, 1)");
    let label = r#","Label":"key ${PROP('Dim.KeyArn')}""#;
    assert_eq!(labelled_values(&math("e1", &busiest, label)), [("key b".to_owned(), vec![10.])]);
    assert!(labelled_values(&math("e1", "SEARCH('nothing', 'Sum', 60)", "")).is_empty());
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
        (r#"{"Id":"e1","Expression":"m1 * 2"}"#.into(), "Error in expression 'e1': Unknown id 'm1'."),
        (
            math("e1", "e2 + 1", "") + "," + &math("e2", "ABS(e1)", ""),
            "Error in expression 'e1': The expression refers to itself",
        ),
        (stat("m1", "a", "") + "," + &math("e1", "SUM(m1)", ""), "a result must be a time series"),
        (math("e1", "SEARCH('kms', 'sum')", ""), "does not know the statistic 'sum'"),
        (math("e1", "TIME_SERIES(1)", r#","Period":7"#), "Period is invalid"),
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
