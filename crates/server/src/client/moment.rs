//! Moments as people give them: a time, a day, or how long ago.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// Reads `2026-01-31T12:00:00Z`, `2026-01-31` (its start, UTC) or, back from `now`, `36h` or `7d`.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = || {
        format!("`{text}` is no time: expected 2026-01-31T12:00:00Z, 2026-01-31, or how long ago, such as 7d")
    };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<Date>() {
        return day.to_zoned(TimeZone::UTC).map(|start| start.timestamp()).map_err(|_| wrong());
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    now.checked_sub(ago).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        check("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z"));
        check("2026-01-31T12:00:00+01:00", Some("2026-01-31T11:00:00Z"));
        check("2026-01-31", Some("2026-01-31T00:00:00Z"));
        check("7d", Some("2026-11-15T10:00:00Z"));
        check("1h30m", Some("2026-11-22T08:30:00Z"));
        check("1y", None);
        check("yesterday", None);
        check("", None);

        fn check(text: &str, want: Option<&str>) {
            let now = "2026-11-22T10:00:00Z".parse().expect("a time");
            let want = want.map(|want| want.parse().expect("a time"));
            assert_eq!(parse(text, now).ok(), want, "{text}");
        }
    }
}
