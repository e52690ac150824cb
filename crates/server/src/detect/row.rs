//! One row of a series: `timestamp,value`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A row, with its timestamp as it was written.
#[derive(Debug, PartialEq)]
pub(super) struct Row<'a> {
    pub(super) timestamp: &'a str,
    /// Seconds since 1970, UTC.
    pub(super) at: i64,
    pub(super) value: f64,
}

/// Reads a row; what is wrong is one sentence. Further columns are passed over.
pub(super) fn parse(line: &str) -> Result<Row<'_>, String> {
    let mut columns = line.split(',').map(|column| column.trim().trim_matches('"'));
    let (timestamp, value) = (columns.next().unwrap_or_default(), columns.next());
    let value = value.ok_or("expected timestamp,value")?;
    let at = seconds(timestamp).ok_or_else(|| {
        format!("`{timestamp}` is no time: expected 2026-01-31 12:00:00, 2026-01-31T12:00:00Z or seconds since 1970")
    })?;
    let value: f64 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    if !value.is_finite() {
        return Err(format!("`{value}` is no finite number"));
    }
    Ok(Row { timestamp, at, value })
}

/// Whether the first line names columns: neither of its first two is what a row has there.
pub(super) fn is_header(line: &str) -> bool {
    let mut columns = line.split(',').map(|column| column.trim().trim_matches('"'));
    let (first, second) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
    seconds(first).is_none() && !first.is_empty() && second.parse::<f64>().is_err() && !second.is_empty()
}

fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.abs() < 1e11).then_some(seconds.floor() as i64);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: Result<(i64, f64), &str>) {
        let got = parse(line).map(|row| (row.at, row.value));
        match (got, want) {
            (Err(got), Err(want)) => assert!(got.contains(want), "{got}"),
            (got, want) => assert_eq!(got, want.map_err(str::to_owned), "{line}"),
        }
    }

    #[test]
    fn rows() {
        check("2014-04-01 00:05:00,20.5", Ok((1_396_310_700, 20.5)));
        check("2014-04-01T00:05:00Z,-1e3", Ok((1_396_310_700, -1000.0)));
        check("2014-04-01T02:05:00+02:00, 7", Ok((1_396_310_700, 7.0)));
        check("1396310700,0", Ok((1_396_310_700, 0.0)));
        check("1396310700.9,0,more", Ok((1_396_310_700, 0.0)));
        check("\"1396310700\",\"3\"", Ok((1_396_310_700, 3.0)));
        check("yesterday,1", Err("`yesterday` is no time"));
        check("1e30,1", Err("is no time"));
        check("1396310700,many", Err("`many` is no number"));
        check("1396310700,NaN", Err("no finite number"));
        check("1396310700", Err("expected timestamp,value"));
        check("", Err("expected timestamp,value"));
    }

    #[test]
    fn headers() {
        for (line, want) in
            [("timestamp,value", true), ("time, \"count\"", true), ("1,2", false), ("x,2", false)]
        {
            assert_eq!(is_header(line), want, "{line}");
        }
    }
}
