//! Numbers and times as CloudWatch writes them in reasons and messages: `21.5`, `864000.0`, `1.0E7`; `14/09/26 11:18:00`.

use jiff::{Timestamp, tz::TimeZone};

/// A double the way `Double.toString` of Java writes it.
pub fn double(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) || !value.is_finite() {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if mantissa.contains('.') => format!("{mantissa}E{exponent}"),
        Some((mantissa, exponent)) => format!("{mantissa}.0E{exponent}"),
        None => text,
    }
}

/// `14/09/26 11:18:00`, in UTC.
pub fn short_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%d/%m/%y %H:%M:%S").to_string()
}

/// `2026-09-14T11:18:46.123+0000`
pub fn offset_time(time: Timestamp) -> String {
    let millis = time.as_millisecond().rem_euclid(1_000);
    format!("{}.{millis:03}+0000", time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S"))
}

/// `Monday 14 September, 2026 11:18:46 UTC`
pub fn long_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%A %d %B, %Y %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        for (value, want) in [
            (21.5, "21.5"),
            (0.0, "0.0"),
            (-3.0, "-3.0"),
            (864_000.0, "864000.0"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (12_345_678.0, "1.2345678E7"),
            (0.001, "0.001"),
            (0.00012, "1.2E-4"),
            (-2e20, "-2.0E20"),
        ] {
            assert_eq!(double(value), want);
        }
    }

    #[test]
    fn times() {
        let time = "2026-09-14T11:18:46.123Z".parse().unwrap();
        assert_eq!(short_time(time), "14/09/26 11:18:46");
        assert_eq!(offset_time(time), "2026-09-14T11:18:46.123+0000");
        assert_eq!(long_time(time), "Monday 14 September, 2026 11:18:46 UTC");
    }
}
