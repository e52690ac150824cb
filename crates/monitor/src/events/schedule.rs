//! When a rule goes off by itself: `rate(5 minutes)` or `cron(0 12 ? * MON-FRI *)`
//!
//! A pure function of the expression and of a moment. Times are UTC and whole minutes for `cron`; a rate counts from when the rule
//! was made or enabled. Source: EventBridge User Guide, "Setting a schedule pattern for scheduled rules".

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday, date},
    tz::TimeZone,
};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2199;

/// A parsed schedule expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schedule {
    Rate(SignedDuration),
    Cron(Box<Cron>),
}

/// The numbers that fit, as bits; years in words of 64 from [`FIRST_YEAR`] on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    months: u64,
    years: [u64; 4],
    days: Days,
}

/// One of the two fields for days says which; the other one is `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOfMonth {
    /// As bits.
    These(u64),
    /// `L`
    Last,
    /// `15W`: the weekday next to it within the month.
    WeekdayNear(i8),
    /// `LW`
    LastWeekday,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayOfWeek {
    /// As bits; Sunday is 1.
    These(u64),
    /// `6L`: the last Friday.
    Last(u64),
    /// `3#2`: the second Tuesday.
    Nth(u64, i8),
}

impl Schedule {
    /// `None` for what is no schedule.
    pub(crate) fn parse(expression: &str) -> Option<Self> {
        let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        match (inside("rate"), inside("cron")) {
            (Some(rate), _) => parse_rate(rate).map(Self::Rate),
            (_, Some(cron)) => Cron::parse(cron).map(|cron| Self::Cron(Box::new(cron))),
            (None, None) => None,
        }
    }

    /// The first time after `moment`: the last one, or for a rate also the beginning. `None` when there is none any more.
    pub(crate) fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(every) => moment.checked_add(*every).ok(),
            Self::Cron(cron) => cron.after(moment),
        }
    }

    /// The first time not before `from` of those that follow `moment`.
    pub(crate) fn not_before(&self, from: Timestamp, moment: Timestamp) -> Option<Timestamp> {
        match self {
            _ if moment >= from => Some(moment),
            Self::Rate(every) => {
                let (behind, every) = (from.duration_since(moment).as_secs(), every.as_secs());
                let steps = behind / every + i64::from(behind % every != 0);
                moment.checked_add(SignedDuration::from_secs(every.checked_mul(steps)?)).ok()
            }
            Self::Cron(cron) => cron.after(from.checked_sub(SignedDuration::from_secs(1)).ok()?),
        }
    }
}

/// `1 minute`, `5 minutes`: the unit is plural unless there is one.
fn parse_rate(text: &str) -> Option<SignedDuration> {
    let (value, unit) = text.split_once(' ')?;
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i64 = value.parse().ok()?;
    let unit = match (value, unit) {
        (0, _) => return None,
        (1, "minute") | (2.., "minutes") => 60,
        (1, "hour") | (2.., "hours") => 3_600,
        (1, "day") | (2.., "days") => 86_400,
        _ => return None,
    };
    // A century is longer than any rate means.
    value.checked_mul(unit).filter(|seconds| *seconds <= 100 * 366 * 86_400).map(SignedDuration::from_secs)
}

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields[..] else { return None };
        let days = match (days, weekdays) {
            ("?", "?") => return None,
            (days, "?") => Days::OfMonth(days.split(',').map(DayOfMonth::parse).collect::<Option<_>>()?),
            ("?", weekdays) => {
                let parsed: Vec<DayOfWeek> =
                    weekdays.split(',').map(DayOfWeek::parse).collect::<Option<_>>()?;
                let numbered = parsed.iter().any(|day| matches!(day, DayOfWeek::Nth(..)));
                if numbered && parsed.len() > 1 {
                    return None;
                }
                Days::OfWeek(parsed)
            }
            _ => return None,
        };
        Some(Self {
            minutes: bits(minutes, 0, 59, &[])?,
            hours: bits(hours, 0, 23, &[])?,
            months: bits(months, 1, 12, &MONTHS)?,
            years: year_bits(years)?,
            days,
        })
    }

    fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let start = moment.to_zoned(TimeZone::UTC).datetime();
        let mut day = start.date();
        let (mut hour, mut minute) = (start.hour(), start.minute() + 1);
        loop {
            let year = u32::try_from(day.year()).ok()?;
            let fitting = self.year_from(year)?;
            if fitting != year {
                day = date(i16::try_from(fitting).ok()?, 1, 1);
                (hour, minute) = (0, 0);
            }
            if self.months & (1 << day.month()) == 0 {
                day = day.last_of_month().tomorrow().ok()?;
                (hour, minute) = (0, 0);
                continue;
            }
            if self.days.fits(day)
                && let Some((hour, minute)) = self.time_from(hour, minute)
            {
                return day
                    .at(hour, minute, 0, 0)
                    .to_zoned(TimeZone::UTC)
                    .ok()
                    .map(|zoned| zoned.timestamp());
            }
            day = day.tomorrow().ok()?;
            (hour, minute) = (0, 0);
        }
    }

    /// The first fitting year from `year` on.
    fn year_from(&self, year: u32) -> Option<u32> {
        (year.max(FIRST_YEAR)..=LAST_YEAR).find(|year| {
            let at = year - FIRST_YEAR;
            self.years[at as usize / 64] & (1 << (at % 64)) != 0
        })
    }

    /// The first fitting hour and minute of a day, not before those given; the minute may be 60.
    fn time_from(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let mut from = minute;
        for hour in hour..24 {
            if self.hours & (1 << hour) != 0
                && let Some(minute) = (from..60).find(|minute| self.minutes & (1 << minute) != 0)
            {
                return Some((hour, minute));
            }
            from = 0;
        }
        None
    }
}

impl Days {
    fn fits(&self, day: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.iter().any(|one| one.fits(day)),
            Self::OfWeek(days) => days.iter().any(|one| one.fits(day)),
        }
    }
}

impl DayOfMonth {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "L" => Some(Self::Last),
            "LW" => Some(Self::LastWeekday),
            _ => match text.strip_suffix('W') {
                Some(near) => number(near, 1, 31, &[]).map(|day| Self::WeekdayNear(day as i8)),
                None => item(text, 1, 31, &[]).map(Self::These),
            },
        }
    }

    fn fits(self, day: Date) -> bool {
        match self {
            Self::These(days) => days & (1 << day.day()) != 0,
            Self::Last => day == day.last_of_month(),
            Self::LastWeekday => day == weekday_near(day.last_of_month()),
            Self::WeekdayNear(number) => {
                number <= day.days_in_month() && day == weekday_near(date(day.year(), day.month(), number))
            }
        }
    }
}

/// The nearest weekday in the same month.
fn weekday_near(day: Date) -> Date {
    let moved = |by: i64| day.checked_add(jiff::Span::new().days(by)).unwrap_or(day);
    match day.weekday() {
        Weekday::Saturday if day.day() == 1 => moved(2),
        Weekday::Saturday => moved(-1),
        Weekday::Sunday if day == day.last_of_month() => moved(-2),
        Weekday::Sunday => moved(1),
        _ => day,
    }
}

impl DayOfWeek {
    fn parse(text: &str) -> Option<Self> {
        if let Some((weekday, nth)) = text.split_once('#') {
            let weekday = number(weekday, 1, 7, &WEEKDAYS)?;
            return number(nth, 1, 5, &[]).map(|nth| Self::Nth(weekday, nth as i8));
        }
        match text.strip_suffix('L') {
            Some("") => Some(Self::These(1 << 7)),
            Some(weekday) => number(weekday, 1, 7, &WEEKDAYS).map(Self::Last),
            None => item(text, 1, 7, &WEEKDAYS).map(Self::These),
        }
    }

    fn fits(self, day: Date) -> bool {
        let weekday = u64::try_from(day.weekday().to_sunday_one_offset()).unwrap_or_default();
        match self {
            Self::These(days) => days & (1 << weekday) != 0,
            Self::Last(wanted) => weekday == wanted && day.day() + 7 > day.days_in_month(),
            Self::Nth(wanted, nth) => weekday == wanted && (day.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// A list of items.
fn bits(text: &str, least: u64, greatest: u64, names: &[&str]) -> Option<u64> {
    text.split(',').try_fold(0, |bits, one| Some(bits | item(one, least, greatest, names)?))
}

/// `*`, `5`, `1-5`, `20-2` (wrapped), `*/10`, `5/10`, `1-30/10`
fn item(text: &str, least: u64, greatest: u64, names: &[&str]) -> Option<u64> {
    numbers(text, least, greatest, names).map(|all| all.iter().fold(0, |bits, one| bits | 1 << one))
}

fn year_bits(text: &str) -> Option<[u64; 4]> {
    let (first, last) = (u64::from(FIRST_YEAR), u64::from(LAST_YEAR));
    let mut words = [0; 4];
    for one in text.split(',') {
        for year in numbers(one, first, last, &[])? {
            let at = year - first;
            words[at as usize / 64] |= 1 << (at % 64);
        }
    }
    Some(words)
}

fn numbers(text: &str, least: u64, greatest: u64, names: &[&str]) -> Option<Vec<u64>> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(number(step, 1, greatest.max(1), &[])?)),
        None => (text, None),
    };
    let number = |text: &str| number(text, least, greatest, names);
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (least, greatest),
        Some((from, to)) => (number(from)?, number(to)?),
        None if step.is_some() => (number(range)?, greatest),
        None => (number(range)?, number(range)?),
    };
    let step = usize::try_from(step.unwrap_or(1)).ok()?;
    if from <= to {
        return Some((from..=to).step_by(step).collect());
    }
    Some((from..=greatest).chain(least..=to).step_by(step).collect())
}

fn number(text: &str, least: u64, greatest: u64, names: &[&str]) -> Option<u64> {
    let named = names.iter().zip(least..).find(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, number)) = named {
        return Some(number);
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| (least..=greatest).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_schedule() {
        for bad in [
            "",
            "sometimes",
            "rate()",
            "rate(5)",
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(-1 minutes)",
            "rate(5 seconds)",
            "rate(1.5 hours)",
            "rate( 5 minutes)",
            "rate(5  minutes)",
            "cron(INVALID)",
            "cron(0 1 * * * *)",
            "cron(0 1 ? * ? *)",
            "cron(71 8 1 * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 dummy ? * MON-FRI *)",
            "cron(7 20 * * NOT *)",
            "cron(0 0 0 * ? *)",
            "cron(0 0 32 * ? *)",
            "cron(0 0 1 13 ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(0 0 ? * 3#6 *)",
            "cron(0 0 ? * 3#1,4#2 *)",
            "cron(0 0 * * ? 1969)",
            "cron(0 0 * * ?)",
            "cron(0/0 0 * * ? *)",
            "at(2026-01-01T00:00:00)",
        ] {
            assert_eq!(Schedule::parse(bad), None, "{bad}");
        }
    }

    #[track_caller]
    fn check(expression: &str, from: &str, want: &[&str]) {
        let schedule = Schedule::parse(expression).unwrap_or_else(|| panic!("{expression}"));
        let mut moment: Timestamp = from.parse().unwrap();
        for want in want {
            moment = schedule.after(moment).unwrap_or_else(|| panic!("{expression} ends before {want}"));
            assert_eq!(moment.to_string(), *want, "{expression}");
        }
    }

    #[test]
    fn times() {
        let from = "2026-09-14T11:00:30Z";
        check("rate(1 minute)", from, &["2026-09-14T11:01:30Z", "2026-09-14T11:02:30Z"]);
        check("rate(5 hours)", from, &["2026-09-14T16:00:30Z"]);
        check("rate(7 days)", from, &["2026-09-21T11:00:30Z"]);
        check("cron(0 20 * * ? *)", from, &["2026-09-14T20:00:00Z", "2026-09-15T20:00:00Z"]);
        check("cron(0 11 * * ? *)", from, &["2026-09-15T11:00:00Z"]);
        check("cron(0/15 * * * ? *)", from, &["2026-09-14T11:15:00Z", "2026-09-14T11:30:00Z"]);
        check("cron(5,35 14 * * ? *)", from, &["2026-09-14T14:05:00Z", "2026-09-14T14:35:00Z"]);
        check("cron(0 18 ? * MON-FRI *)", "2026-09-18T18:00:00Z", &["2026-09-21T18:00:00Z"]);
        check("cron(0 8 1 * ? *)", from, &["2026-10-01T08:00:00Z", "2026-11-01T08:00:00Z"]);
        check("cron(0 0 29 2 ? *)", from, &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        check("cron(0 0 L * ? *)", from, &["2026-09-30T00:00:00Z", "2026-10-31T00:00:00Z"]);
        check("cron(0 0 LW * ? *)", from, &["2026-09-30T00:00:00Z", "2026-10-30T00:00:00Z"]);
        check("cron(0 0 3W * ? *)", from, &["2026-10-02T00:00:00Z", "2026-11-03T00:00:00Z"]);
        check(
            "cron(0 0 1W 8 ? 2026,2027)",
            "2026-01-01T00:00:00Z",
            &["2026-08-03T00:00:00Z", "2027-08-02T00:00:00Z"],
        );
        check("cron(0 0 ? * 6L *)", from, &["2026-09-25T00:00:00Z", "2026-10-30T00:00:00Z"]);
        check("cron(0 0 ? * 3#2 *)", from, &["2026-10-13T00:00:00Z", "2026-11-10T00:00:00Z"]);
        check("cron(0 0 ? * SUN *)", from, &["2026-09-20T00:00:00Z"]);
        check(
            "cron(0 20-2 * * ? *)",
            from,
            &[
                "2026-09-14T20:00:00Z",
                "2026-09-14T21:00:00Z",
                "2026-09-14T22:00:00Z",
                "2026-09-14T23:00:00Z",
                "2026-09-15T00:00:00Z",
            ],
        );
        check("cron(59 23 31 12 ? 2199)", from, &["2199-12-31T23:59:00Z"]);
    }

    #[test]
    fn a_schedule_may_be_over() {
        let over = Schedule::parse("cron(15 10 ? * 6L 2002-2005)").unwrap();
        assert_eq!(over.after("2026-09-14T11:00:00Z".parse().unwrap()), None);
        assert_eq!(
            Schedule::parse("cron(0 0 31 2 ? *)").unwrap().after("2026-09-14T11:00:00Z".parse().unwrap()),
            None
        );
    }

    #[test]
    fn what_was_missed_long_ago_is_left_out_without_leaving_the_rhythm() {
        let (due, from): (Timestamp, Timestamp) =
            ("2026-09-01T00:00:30Z".parse().unwrap(), "2026-09-14T11:00:00Z".parse().unwrap());
        for (expression, want) in [
            ("rate(1 hour)", "2026-09-14T11:00:30Z"),
            ("rate(7 days)", "2026-09-15T00:00:30Z"),
            ("cron(0 11 * * ? *)", "2026-09-14T11:00:00Z"),
        ] {
            let schedule = Schedule::parse(expression).unwrap();
            assert_eq!(schedule.not_before(from, due).unwrap().to_string(), want, "{expression}");
        }
    }
}
