//! Functions of the time of a point, in UTC.

use jiff::{Timestamp, tz::TimeZone};

use super::{Function, Second};

/// The figure of a time; days of the week run from Monday, 1, to Sunday, 7.
pub(super) fn of(function: Function, time: Second) -> f64 {
    if function == Function::Epoch {
        return time as f64;
    }
    let at = Timestamp::from_second(time).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    f64::from(match function {
        Function::Minute => i16::from(at.minute()),
        Function::Hour => i16::from(at.hour()),
        Function::Day => i16::from(at.weekday().to_monday_one_offset()),
        Function::Date => i16::from(at.day()),
        Function::Month => i16::from(at.month()),
        _ => at.year(),
    })
}
