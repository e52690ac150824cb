//! Cases with values worked out by hand. Series are written one character or number per period of a minute: `-` is no point.

use super::*;
use crate::metrics::math::search::Candidate;

const START: Second = 1_793_707_200; // 2026-11-03T12:00:00Z, a Tuesday

/// Five minutes of metrics `m1` to `m4`, and a search that finds `m1` and `m3`.
struct Fixture(Vec<(&'static str, Series)>);

fn series(text: &str) -> Series {
    let mut points = Vec::new();
    for (minute, value) in text.split_whitespace().enumerate() {
        if value != "-" {
            points.push((START + 60 * minute as Second, value.parse().unwrap()));
        }
    }
    Series { origin: None, period: 60, points }
}

impl Sources for Fixture {
    fn times(&self, period: Second) -> Vec<Second> {
        (0..5).map(|minute| START + period * minute).collect()
    }

    fn period(&self) -> Second {
        60
    }

    fn variable(&self, id: &str) -> Result<Option<Value>, MathError> {
        let found = self.0.iter().find(|(name, _)| *name == id);
        Ok(found.map(|(_, series)| Value::Series(series.clone())))
    }

    fn metrics(&self) -> Vec<(String, Series)> {
        self.0.iter().map(|(id, series)| ((*id).to_owned(), series.clone())).collect()
    }

    fn search(&self, _: &Search) -> Result<Vec<Series>, MathError> {
        Ok(vec![self.0[0].1.clone(), self.0[2].1.clone()])
    }

    fn band(&self, _: &Expression, series: &Series, deviations: f64) -> Result<[Series; 2], MathError> {
        let moved = |by: f64| series.with(series.points.iter().map(|(time, value)| (*time, value + by)));
        Ok([moved(-deviations), moved(deviations)])
    }

    fn quota(&self, _: &Expression, series: &Series) -> Result<Series, MathError> {
        Ok(series.with(self.times(60).into_iter().map(|time| (time, 10_000.0))))
    }
}

fn shown(series: &Series) -> String {
    let last = series.points.last().map_or(4, |(time, _)| (time - START) / 60).max(4);
    let at = |minute| series.at(START + 60 * minute).map_or("-".to_owned(), |value| format!("{value:.4}"));
    let texts = (0..=last).map(at).map(|text| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn value(expression: &str) -> Result<Value, MathError> {
    let fixture = Fixture(vec![
        ("m1", series("1 1 0 0 -")),
        ("m2", series("30 - 0 0 30")),
        ("m3", series("0 0 20 - 20")),
        ("m4", series("- 2.5 - -7.5 -")),
        ("empty", series("- - - - -")),
    ]);
    parse(expression).and_then(|parsed| evaluate(&parsed, &fixture))
}

fn answer(expression: &str) -> String {
    match value(expression) {
        Ok(Value::Scalar(number)) => format!("{number}"),
        Ok(Value::Series(series)) => shown(&series),
        Ok(Value::Array(array)) => format!("[{}]", array.iter().map(shown).collect::<Vec<_>>().join(" | ")),
        Err(error) => format!("error: {error}"),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(answer(expression), *expected, "{expression}");
    }
}

#[test]
fn operators_bind_and_missing_points_are_zero_beside_others() {
    check(&[
        ("1 + 2 * 3 ^ 2", "19"),
        ("2 ^ 3 ^ 2", "512"),
        ("-2 ^ 2", "-4"),
        ("10 - 4 - 3", "3"),
        ("(1 + 2) * 3", "9"),
        ("1.5e2 / .5", "300"),
        ("1 < 2 AND 2 >= 3 OR 4 != 5", "1"),
        ("1 == 1 && 0 || 0", "0"),
        ("m1 + m2", "31 1 0 0 30"),
        ("m1 - m4", "1 -1.5 0 7.5 -"),
        ("m2 / m3", "- - 0 - 1.5"),
        ("m2 / 10", "3 - 0 0 3"),
        ("10 - m3", "10 10 -10 - -10"),
        ("m1 == m3", "0 0 0 1 0"),
        ("m2 > 10", "1 - 0 0 1"),
        ("m1 AND m2", "1 0 0 0 0"),
        ("m1 || m3", "1 1 1 0 1"),
        ("-m4", "- -2.5 - 7.5 -"),
        ("[m1, m2] * 2", "[2 2 0 0 - | 60 - 0 0 60]"),
        ("m3 + [m1, m2]", "[1 1 20 0 20 | 30 0 20 0 50]"),
        ("m1 / 0", "- - - - -"),
    ]);
}

/// A point that one of two series lacks is zero; a point that both lack, or that is not finite, is none.
#[test]
fn every_operator_between_series_and_scalars() {
    check(&[
        ("m1 + m2", "31 1 0 0 30"),
        ("m2 - m1", "29 -1 0 0 30"),
        ("m1 * m2", "30 0 0 0 0"),
        ("m1 / m2", "0.0333 - - - 0"),
        ("m1 ^ m2", "1 1 1 1 0"),
        ("m1 == m2", "0 0 1 1 0"),
        ("m1 != m2", "1 1 0 0 1"),
        ("m1 < m2", "1 0 0 0 1"),
        ("m1 <= m2", "1 0 1 1 1"),
        ("m1 > m2", "0 1 0 0 0"),
        ("m1 >= m2", "0 1 1 1 0"),
        ("m1 AND m2", "1 0 0 0 0"),
        ("m1 && m2", "1 0 0 0 0"),
        ("m1 OR m2", "1 1 0 0 1"),
        ("m1 || m2", "1 1 0 0 1"),
        ("10 / m3", "- - 0.5 - 0.5"),
        ("5 >= m3", "1 1 0 - 0"),
        ("m4 ^ 2", "- 6.25 - 56.25 -"),
        ("m4 + 1", "- 3.5 - -6.5 -"),
        ("2 * m1", "2 2 0 0 -"),
        ("m1 AND 1", "1 1 0 0 -"),
        ("0 OR m1", "1 1 0 0 -"),
        ("m3 != 20", "1 1 0 - 0"),
        ("1 - [m1, m4]", "[0 0 1 1 - | - -1.5 - 8.5 -]"),
        ("[m1, m4] > m3", "[1 1 0 0 0 | 0 1 0 0 0]"),
        ("-[m1, m4]", "[-1 -1 0 0 - | - -2.5 - 7.5 -]"),
        ("7 - -3", "10"),
        ("7 / 2", "3.5"),
        ("2 <= 2", "1"),
        ("2 < 2", "0"),
        ("0 AND 1", "0"),
    ]);
}

/// What each function gives of a scalar, a time series and an array of them; `-` is refused.
#[test]
fn every_function_has_its_types() {
    let rules: &[(&[&str], &str, &str)] = &[
        (&["ABS", "CEIL", "FLOOR", "LOG", "LOG10"], "", "S TS TS[]"),
        (&["AVG", "DATAPOINT_COUNT", "MAX", "MIN", "STDDEV", "SUM"], "", "- S TS"),
        (&["DIFF", "DIFF_TIME", "RATE", "RUNNING_SUM"], "", "- TS TS[]"),
        (&["DATE", "DAY", "EPOCH", "HOUR", "MINUTE", "MONTH", "YEAR", "SERVICE_QUOTA"], "", "- TS -"),
        (&["FIRST", "LAST"], "", "- - TS"),
        (&["REMOVE_EMPTY"], "", "- - TS[]"),
        (&["SLICE"], ", 0", "- - TS[]"),
        (&["METRIC_COUNT"], "", "- - S"),
        (&["PERIOD"], "", "- S -"),
        (&["TIME_SERIES"], "", "TS - -"),
        (&["ANOMALY_DETECTION_BAND"], "", "- TS[] -"),
        (&["IF"], ", 1, 2", "S TS -"),
        (&["FILL"], ", 0", "- TS TS[]"),
        (&["SORT"], ", SUM, ASC", "- - TS[]"),
    ];
    let given = |name: &str, rest: &str| {
        let kind =
            |argument: &str| match value(&format!("{name}({argument}{rest})")).map(|value| value.kind()) {
                Ok(Kind::Scalar) => "S",
                Ok(Kind::Series) => "TS",
                Ok(Kind::Array) => "TS[]",
                Err(_) => "-",
            };
        ["3", "m2", "[m1, m2]"].map(kind).join(" ")
    };
    for (names, rest, want) in rules {
        for name in *names {
            assert_eq!(given(name, rest), *want, "{name}");
        }
    }
    let untold = Function::ALL.iter().map(|function| function.name());
    let untold: Vec<&str> =
        untold.filter(|name| !rules.iter().any(|(names, ..)| names.contains(name))).collect();
    assert_eq!(untold, [""; 0], "every function has a rule");
}

#[test]
fn operators_have_their_types() {
    for operator in ["+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "AND", "OR"] {
        for (left, right, want) in [
            ("2", "3", Ok(Kind::Scalar)),
            ("2", "m1", Ok(Kind::Series)),
            ("m1", "2", Ok(Kind::Series)),
            ("m1", "m2", Ok(Kind::Series)),
            ("[m1]", "2", Ok(Kind::Array)),
            ("2", "[m1]", Ok(Kind::Array)),
            ("m2", "[m1]", Ok(Kind::Array)),
            ("[m1]", "m2", Ok(Kind::Array)),
            ("[m1]", "[m2]", Err(MathError("Operators do not take two arrays of time series".into()))),
        ] {
            let expression = format!("{left} {operator} {right}");
            assert_eq!(value(&expression).map(|value| value.kind()), want, "{expression}");
        }
    }
}

#[test]
fn reducers_make_a_scalar_of_a_series_and_a_series_of_an_array() {
    check(&[
        ("AVG(m1)", "0.5"),
        ("SUM(m2)", "60"),
        ("MAX(m4)", "2.5"),
        ("MIN(m4)", "-7.5"),
        ("STDDEV(m1)", "0.5"),
        ("DATAPOINT_COUNT(m2)", "4"),
        ("SUM(empty)", "0"),
        ("AVG(empty)", "NaN"),
        ("AVG([m1, m2])", "15.5 0.5 0 0 15"),
        ("SUM(METRICS())", "31 3.5 20 -7.5 50"),
        ("MAX([m1, m4])", "1 2.5 0 0 -"),
        ("MIN([m1, m4])", "1 1 0 -7.5 -"),
        ("DATAPOINT_COUNT([m1, m2, m3])", "3 2 3 2 2"),
        ("STDDEV([m1, m4])", "0 0.75 0 3.75 -"),
        ("METRIC_COUNT(METRICS(\"m\"))", "5"),
        ("METRIC_COUNT(METRICS('m4'))", "1"),
        ("m2 / SUM(m2)", "0.5 - 0 0 0.5"),
    ]);
}

#[test]
fn functions_of_points() {
    check(&[
        ("ABS(m4)", "- 2.5 - 7.5 -"),
        ("CEIL(m4)", "- 3 - -7 -"),
        ("FLOOR(m4)", "- 2 - -8 -"),
        ("LOG10(m2 * 10 / 3)", "2 - - - 2"),
        ("LOG(m1)", "0 0 - - -"),
        ("ABS(-3)", "3"),
        ("CEIL(2.1)", "3"),
        ("FLOOR(-2.1)", "-3"),
        ("LOG10(1000)", "3"),
        ("LOG(1)", "0"),
        ("ABS([m1, m4])", "[1 1 0 0 - | - 2.5 - 7.5 -]"),
        ("DIFF([m2, m1])", "[- - -30 0 30 | - 0 -1 0 -]"),
        ("DIFF_TIME([m1])", "[- 60 60 60 -]"),
        ("RATE([m1])", "[- 0 -0.0167 0 -]"),
        ("RUNNING_SUM([m1])", "[1 2 2 2 -]"),
        ("DIFF(m2)", "- - -30 0 30"),
        ("DIFF_TIME(m2)", "- - 120 60 60"),
        ("RATE(m2)", "- - -0.25 0 0.5"),
        ("RUNNING_SUM(m2)", "30 - 30 30 60"),
        ("PERIOD(m1)", "60"),
        ("SERVICE_QUOTA(m1)", "10000 10000 10000 10000 10000"),
        ("ANOMALY_DETECTION_BAND(m2)", "[28 - -2 -2 28 | 32 - 2 2 32]"),
        ("LAST(ANOMALY_DETECTION_BAND(m2, 0.5))", "30.5 - 0.5 0.5 30.5"),
    ]);
}

#[test]
fn gaps_are_filled() {
    check(&[
        ("FILL(m2, 7)", "30 7 0 0 30"),
        ("FILL(m4, REPEAT)", "- 2.5 2.5 -7.5 -7.5"),
        ("FILL(m4, LINEAR)", "- 2.5 -2.5 -7.5 -"),
        ("FILL(m4, m1)", "1 2.5 0 -7.5 -"),
        ("FILL([m1, m4], 0)", "[1 1 0 0 0 | 0 2.5 0 -7.5 0]"),
        ("FILL(empty, 1)", "1 1 1 1 1"),
        ("FILL(empty, REPEAT)", "- - - - -"),
        ("FILL([m1, m4], REPEAT)", "[1 1 0 0 0 | - 2.5 2.5 -7.5 -7.5]"),
        ("FILL(m3, LINEAR)", "0 0 20 20 20"),
        ("FILL(m1, AVG(m1))", "1 1 0 0 0.5"),
    ]);
}

#[test]
fn conditions_choose() {
    check(&[
        ("IF(m1, m2, m3)", "30 0 20 0 -"),
        ("IF(m1, 5, m3)", "5 5 20 - -"),
        ("IF(m1, m2, 5)", "30 0 5 5 -"),
        ("IF(m1, 5)", "5 5 - - -"),
        ("IF(m2 > 10, m2)", "30 - - - 30"),
        ("IF(1, m1, m2)", "1 1 0 0 -"),
        ("IF(0, m1, 3)", "3 3 3 3 -"),
        ("IF(2 > 1, 3, 4)", "3"),
        ("IF([m1], 1)", "error: IF takes a scalar or a time series, not an array of time series"),
    ]);
}

#[test]
fn arrays_are_picked_from() {
    check(&[
        ("FIRST(METRICS())", "1 1 0 0 -"),
        ("LAST([m1, m2])", "30 - 0 0 30"),
        ("SLICE(METRICS(), 3)", "[- 2.5 - -7.5 - | - - - - -]"),
        ("SLICE(METRICS(), 1, 3)", "[30 - 0 0 30 | 0 0 20 - 20]"),
        ("SLICE([m1], 4)", "[]"),
        ("METRIC_COUNT(REMOVE_EMPTY(METRICS()))", "4"),
        ("SORT([m1, m2, m3], SUM, DESC)", "[30 - 0 0 30 | 0 0 20 - 20 | 1 1 0 0 -]"),
        ("SORT([m3, empty, m1, m2], AVG, ASC, 2)", "[1 1 0 0 - | 0 0 20 - 20]"),
        ("SORT([empty, m1], MAX, DESC)", "[1 1 0 0 - | - - - - -]"),
        ("SORT([m1, m2, m3], MAX, ASC)", "[1 1 0 0 - | 0 0 20 - 20 | 30 - 0 0 30]"),
        ("SORT([m4, m1], MIN, DESC)", "[1 1 0 0 - | - 2.5 - -7.5 -]"),
        ("SUM(SEARCH('{AWS/KMS,KeyArn} Decrypt', 'Sum', 60))", "1 1 20 0 20"),
    ]);
}

#[test]
fn times_have_figures() {
    check(&[
        ("MINUTE(m1)", "0 1 2 3 4"),
        ("HOUR(empty)", "12 12 12 12 12"),
        ("DAY(m1)", "2 2 2 2 2"),
        ("DATE(m1) + MONTH(m1) * 100 + YEAR(m1) * 10000", "20261103 20261103 20261103 20261103 20261103"),
        ("EPOCH(m1) - 1793707200", "0 60 120 180 240"),
        ("TIME_SERIES(8)", "8 8 8 8 8"),
    ]);
}

#[test]
fn what_cannot_be_understood_is_named() {
    check(&[
        ("", "error: Expected a value but found the end"),
        ("m1 +", "error: Expected a value but found the end"),
        ("m1 m2", "error: Expected an operator but found 'm2'"),
        ("m9", "error: Unknown id 'm9'"),
        ("SQRT(m1)", "error: Unknown function 'SQRT'"),
        ("avg(m1)", "error: Unknown function 'avg'"),
        ("AVG(m1, m2)", "error: AVG takes 1 arguments, not 2"),
        ("AVG(3)", "error: AVG takes a time series or an array of time series, not a scalar"),
        ("[1]", "error: An array holds time series, not scalars"),
        ("[m1] + [m2]", "error: Operators do not take two arrays of time series"),
        ("SORT(METRICS(), ABS, ASC)", "error: SORT cannot order by ABS"),
        ("SORT(METRICS(), SUM, UP)", "error: SORT orders ASC or DESC, not UP"),
        ("m1 ~ 2", "error: Unexpected character '~'"),
        ("m1 = 2", "error: Unexpected character '='"),
        ("METRICS('m)", "error: Missing closing '"),
        ("1..2", "error: Expected an operator but found 0.2"),
        ("RATE(METRICS(), 2)", "error: RATE takes 1 arguments, not 2"),
        ("TIME_SERIES(m1)", "error: TIME_SERIES takes a scalar, not a time series"),
    ]);
    assert!(answer(&"(".repeat(100)).contains("nested deeper"));
    assert!(answer(&"-".repeat(2_000)).contains("nested deeper"));
    assert!(answer(&format!("m1{}", " ".repeat(2_047))).contains("longer than"));
}

/// A namespace, a metric and its dimensions.
type Names = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

#[track_caller]
fn found(search: &str) -> Vec<&'static str> {
    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-12ab";
    let metrics: [Names; 5] = [
        ("AWS/KMS", "SuccessfulRequest", &[("KeyArn", ARN), ("Operation", "Decrypt")]),
        ("AWS/KMS", "SecondsUntilKeyMaterialExpiration", &[("KeyId", "12ab")]),
        ("My App", "CustomCount1", &[]),
        ("My App", "latency", &[("Server Name", "web (a)"), ("InstanceId", "i-0ab")]),
        ("AWS/Usage", "CallCount", &[("Service", "KMS"), ("Type", "API")]),
    ];
    let search =
        parse(&format!("SEARCH('{search}', 'Sum')")).unwrap_or_else(|error| panic!("{search}: {error}"));
    let Expression::Search(search) = search else { panic!("no search") };
    let candidate =
        |(namespace, name, dimensions)| Candidate { namespace, name, dimensions, account: "111122223333" };
    metrics.into_iter().filter(|metric| search.finds(&candidate(*metric))).map(|(_, name, _)| name).collect()
}

#[test]
fn searches_find_metrics_by_tokens_and_names() {
    let all =
        ["SuccessfulRequest", "SecondsUntilKeyMaterialExpiration", "CustomCount1", "latency", "CallCount"];
    let cases: &[(&str, &[usize])] = &[
        ("kms", &[0, 1, 4]),
        ("{AWS/KMS, KeyArn, Operation}", &[0]),
        ("{AWS/KMS,Operation,KeyArn} decrypt", &[0]),
        ("{AWS/KMS,KeyArn} decrypt", &[]),
        ("{My App, \"Server Name\", InstanceId}", &[3]),
        ("{My App}", &[2]),
        ("MetricName=\"SuccessfulRequest\"", &[0]),
        ("MetricName=\"successfulrequest\"", &[]),
        ("MetricName=request", &[0]),
        ("customcount1", &[2]),
        ("CustomCount1", &[2]),
        ("custom count 1", &[2]),
        ("Count", &[2, 4]),
        ("Coun", &[]),
        ("kms NOT decrypt", &[1, 4]),
        ("decrypt OR latency", &[0, 3]),
        ("aws (usage OR expiration)", &[1, 4]),
        ("Operation=(Encrypt OR Decrypt)", &[0]),
        ("\"web (a)\"", &[3]),
        ("\"Server Name\"=web", &[3]),
        ("i-0ab", &[3]),
        ("Namespace=\"My App\" NOT MetricName=latency", &[2]),
        (":aws.AccountId=\"LOCAL\" kms", &[0, 1, 4]),
        (":aws.AccountId=\"444455556666\"", &[]),
        ("kms AND NOT (decrypt OR usage)", &[1]),
    ];
    for (search, expected) in cases {
        let expected: Vec<&str> = expected.iter().map(|at| all[*at]).collect();
        assert_eq!(found(search), expected, "{search}");
    }
}

#[test]
fn a_search_that_cannot_be_understood_is_refused() {
    for text in
        ["", "{AWS/KMS", "{}", "(kms", "kms)", "kms OR", "AND kms", "=kms", "\"kms", "NOT", "MetricName="]
    {
        assert!(search::parse(text, "Sum", None).is_err(), "{text}");
    }
    let search = search::parse("kms", "p99", Some(300)).unwrap();
    assert_eq!((search.statistic.as_str(), search.period), ("p99", Some(300)));
}
