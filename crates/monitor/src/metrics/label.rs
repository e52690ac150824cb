//! # Labels of query results
//! A result without a label is named after its metric and after whatever tells it from the other unlabelled results. A label may
//! hold **dynamic values** (`${MAX}`, `${PROP('Dim.KeyArn')}`) that are filled in from the result. Pure.
//! **Not here:** the results (`get_metric_data.rs`).
//!
//! Source: CloudWatch User Guide, "Use dynamic labels"; default labels as recorded from CloudWatch.

use jiff::{Timestamp, tz::TimeZone};

use super::Second;
use crate::alarms::decimal::double;

/// What a query reads, as far as labels show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub metric_name: String,
    pub namespace: String,
    pub stat: String,
    pub period: Second,
    /// By name.
    pub dimensions: Vec<(String, String)>,
    pub account: String,
    pub region: String,
}

/// The labels of results that were given none, in their order.
pub fn default_labels(subjects: &[&Subject]) -> Vec<String> {
    let differs =
        |part: &dyn Fn(&Subject) -> String| subjects.windows(2).any(|pair| part(pair[0]) != part(pair[1]));
    let dimension_values = |subject: &Subject| {
        subject.dimensions.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" ")
    };
    let parts: [&dyn Fn(&Subject) -> String; 4] =
        [&|s| s.stat.clone(), &|s| s.period.to_string(), &dimension_values, &|s| s.namespace.clone()];
    let telling: Vec<_> = parts.into_iter().filter(|part| differs(part)).collect();
    let label = |subject: &&Subject| {
        let parts = telling.iter().map(|part| part(subject)).filter(|text| !text.is_empty());
        std::iter::once(subject.metric_name.clone()).chain(parts).collect::<Vec<_>>().join(" ")
    };
    subjects.iter().map(label).collect()
}

/// Fills in the dynamic values of a label. `points` are oldest first; unknown names stay as they are.
pub fn fill(
    label: &str,
    default: &str,
    subject: Option<&Subject>,
    points: &[(Second, f64)],
    timezone: &TimeZone,
) -> String {
    let mut text = String::with_capacity(label.len());
    let mut rest = label;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        text.push_str(&rest[..at]);
        let name = rest[at + 2..at + end].trim();
        match dynamic(name, default, subject, points, timezone) {
            Some(value) => text.push_str(&value),
            None => text.push_str(&rest[at..=at + end]),
        }
        rest = &rest[at + end + 1..];
    }
    text + rest
}

fn dynamic(
    name: &str,
    default: &str,
    subject: Option<&Subject>,
    points: &[(Second, f64)],
    timezone: &TimeZone,
) -> Option<String> {
    if let Some(property) = name.strip_prefix("PROP(").and_then(|rest| rest.strip_suffix(')')) {
        return Some(self::property(property.trim().trim_matches('\''), subject?));
    }
    let value = |found: Option<f64>| found.map_or("--".to_owned(), double);
    let values = || points.iter().map(|(_, value)| *value);
    let time = |found: Option<Second>| found.map_or("--".to_owned(), |at| moment(at, timezone));
    let (first, last) = (points.first(), points.last());
    let (least, greatest) = (values().reduce(f64::min), values().reduce(f64::max));
    let time_of =
        |wanted: Option<f64>| points.iter().find(|(_, value)| Some(*value) == wanted).map(|(at, _)| *at);
    Some(match name {
        "LABEL" => default.to_owned(),
        "AVG" => value((!points.is_empty()).then(|| values().sum::<f64>() / points.len() as f64)),
        "SUM" => value((!points.is_empty()).then(|| values().sum())),
        "DATAPOINT_COUNT" => points.len().to_string(),
        "FIRST" => value(first.map(|(_, value)| *value)),
        "LAST" => value(last.map(|(_, value)| *value)),
        "MIN" => value(least),
        "MAX" => value(greatest),
        "FIRST_TIME" => time(first.map(|(at, _)| *at)),
        "LAST_TIME" => time(last.map(|(at, _)| *at)),
        "MIN_TIME" => time(time_of(least)),
        "MAX_TIME" => time(time_of(greatest)),
        "MIN_MAX_RANGE" => format!("{} - {}", value(least), value(greatest)),
        "FIRST_LAST_RANGE" => format!("{} - {}", value(first.map(|(_, v)| *v)), value(last.map(|(_, v)| *v))),
        "FIRST_LAST_TIME_RANGE" => {
            format!("{} - {}", time(first.map(|(at, _)| *at)), time(last.map(|(at, _)| *at)))
        }
        "MIN_MAX_TIME_RANGE" => format!("{} - {}", time(time_of(least)), time(time_of(greatest))),
        _ => return None,
    })
}

fn property(name: &str, subject: &Subject) -> String {
    match name {
        "AccountId" | "AccountLabel" => subject.account.clone(),
        "MetricName" => subject.metric_name.clone(),
        "Namespace" => subject.namespace.clone(),
        "Period" => subject.period.to_string(),
        "Region" => subject.region.clone(),
        "Stat" => subject.stat.clone(),
        other => {
            let wanted = other.strip_prefix("Dim.").unwrap_or_default();
            let found = subject.dimensions.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    }
}

fn moment(at: Second, timezone: &TimeZone) -> String {
    let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(timezone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `+0130` as a time zone.
pub fn timezone(text: &str) -> Option<TimeZone> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    (hours < 24 && minutes < 60).then(|| TimeZone::fixed(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str, stat: &str, period: Second, key: &str) -> Subject {
        Subject {
            metric_name: name.into(),
            namespace: "App".into(),
            stat: stat.into(),
            period,
            dimensions: vec![("Key".into(), key.into())],
            account: "111122223333".into(),
            region: "us-east-1".into(),
        }
    }

    #[test]
    fn labels_name_what_differs() {
        let all = [
            subject("m1", "Sum", 60, "a"),
            subject("m1", "Sum", 300, "a"),
            subject("m2", "Average", 60, "a"),
        ];
        let refs: Vec<&Subject> = all.iter().collect();
        assert_eq!(default_labels(&refs), ["m1 Sum 60", "m1 Sum 300", "m2 Average 60"]);
        assert_eq!(default_labels(&refs[..1]), ["m1"]);
        let keys = [subject("m1", "Sum", 60, "a"), subject("m1", "Sum", 60, "b")];
        assert_eq!(default_labels(&keys.iter().collect::<Vec<_>>()), ["m1 a", "m1 b"]);
        assert_eq!(default_labels(&[]), Vec::<String>::new());
    }

    #[track_caller]
    fn check(label: &str, want: &str) {
        let points = [(0, 2.0), (60, 8.0), (120, 5.0)];
        let subject = subject("m1", "Sum", 60, "k-1");
        assert_eq!(fill(label, "m1", Some(&subject), &points, &timezone("+0130").unwrap()), want);
    }

    #[test]
    fn dynamic_values() {
        check("plain", "plain");
        check("${LABEL}: ${MIN} to ${MAX}", "m1: 2.0 to 8.0");
        check("${AVG} ${SUM} ${FIRST} ${LAST} ${DATAPOINT_COUNT}", "5.0 15.0 2.0 5.0 3");
        check("${MAX_TIME}", "1970-01-01 01:31:00");
        check("${PROP('Dim.Key')}/${PROP('Stat')}/${PROP('Dim.None')}", "k-1/Sum/");
        check("${NOTHING} ${", "${NOTHING} ${");
        assert_eq!(fill("${MAX} ${FIRST_TIME}", "m", None, &[], &TimeZone::UTC), "-- --");
    }

    #[test]
    fn timezones() {
        for bad in ["", "0130", "+130", "+2500", "+0160", "+ab00", "é0000"] {
            assert!(timezone(bad).is_none(), "{bad}");
        }
        assert!(timezone("-0800").is_some());
    }
}
