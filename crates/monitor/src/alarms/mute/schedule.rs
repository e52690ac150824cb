//! When the windows of a mute rule are open: `cron(0 2 * * SUN)` or `at(2026-09-14T11:00)`, a duration, and a time zone.
//!
//! Fields of `cron` are minutes, hours, days of the month, months and days of the week, each `*` or numbers, ranges and lists of them;
//! months and days of the week have names. As in any cron, a day fits by either of its fields when both are restricted. Where a time
//! zone's clocks jump, a time that does not exist is the moment they jump to.

use jiff::{
    Span, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use keywatch_api::cloudwatch::mutes;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
const DURATION_MAX: i64 = 15 * DAY;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A parsed schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    times: Times,
    /// Seconds.
    duration: i64,
    zone: TimeZone,
}

#[derive(Debug, Clone)]
enum Times {
    Once(DateTime),
    Cron(Box<Cron>),
}

/// The numbers that fit, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    any_day: bool,
    any_weekday: bool,
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "The schedule expression {0} is not valid: it must be cron(Minutes Hours Day-of-month Month Day-of-week) or at(yyyy-MM-ddThh:mm)."
    )]
    Expression(String),
    #[error("The duration {0} is not valid: it must be an ISO 8601 duration from PT1M to P15D.")]
    Duration(String),
    #[error("The time zone {0} is not known.")]
    Timezone(String),
}

impl Schedule {
    /// # Errors
    /// Expressions, durations and time zones that cannot be understood.
    pub fn parse(schedule: &mutes::Schedule) -> Result<Self, ScheduleError> {
        let expression = schedule.expression.trim();
        let unknown = || ScheduleError::Expression(expression.to_owned());
        let inside = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let times = if let Some(moment) = inside("at") {
            let moment = DateTime::strptime("%Y-%m-%dT%H:%M", moment.trim()).map_err(|_| unknown())?;
            Times::Once(moment)
        } else {
            let cron = inside("cron").and_then(Cron::parse).ok_or_else(unknown)?;
            Times::Cron(Box::new(cron))
        };
        let zone = match schedule.timezone.as_deref() {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| ScheduleError::Timezone(name.to_owned()))?,
        };
        let duration =
            seconds(&schedule.duration).ok_or_else(|| ScheduleError::Duration(schedule.duration.clone()))?;
        Ok(Self { times, duration, zone })
    }

    /// Start and end of the window that is open at `now`; of several the one that began last.
    pub fn window(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let start = match &self.times {
            Times::Once(moment) => Some(self.moment(*moment)?),
            Times::Cron(cron) => self.last_start(cron, now),
        }?;
        let end = self.end(start)?;
        (start <= now && now < end).then_some((start, end))
    }

    /// When the only window ends; none where windows come again.
    pub fn last_end(&self) -> Option<Timestamp> {
        match &self.times {
            Times::Once(moment) => self.end(self.moment(*moment)?),
            Times::Cron(_) => None,
        }
    }

    fn end(&self, start: Timestamp) -> Option<Timestamp> {
        Timestamp::from_second(start.as_second() + self.duration).ok()
    }

    fn moment(&self, civil: DateTime) -> Option<Timestamp> {
        Some(civil.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    /// The last start at or before `now` whose window may still be open.
    fn last_start(&self, cron: &Cron, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        // A day more than the duration, for clocks that jump.
        let days = self.duration / DAY + 2;
        for back in 0..=days {
            let date = today.checked_sub(back.days()).ok()?;
            if !cron.fits(date) {
                continue;
            }
            for hour in (0..24).rev().filter(|hour| has(cron.hours, *hour)) {
                for minute in (0..60).rev().filter(|minute| has(cron.minutes, *minute)) {
                    let start = self.moment(date.at(hour as i8, minute as i8, 0, 0))?;
                    if start <= now {
                        return Some(start);
                    }
                }
            }
        }
        None
    }
}

impl Cron {
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.try_into().ok()?;
        let mut of_week = field(weekdays, 0, 7, &WEEKDAYS)?;
        // Both 0 and 7 are Sunday.
        if has(of_week, 7) {
            of_week |= 1;
        }
        Some(Self {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: of_week,
            any_day: days == "*",
            any_weekday: weekdays == "*",
        })
    }

    fn fits(&self, date: Date) -> bool {
        let day = has(self.days, date.day() as u32);
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset() as u32);
        let fits = match (self.any_day, self.any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        fits && has(self.months, date.month() as u32)
    }
}

fn has(bits: u64, number: u32) -> bool {
    bits >> number & 1 == 1
}

/// `*`, or numbers and ranges separated by commas; `names` stand for numbers from `least` on.
fn field(text: &str, least: u32, greatest: u32, names: &[&str]) -> Option<u64> {
    let number = |text: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|at| at as u32 + least);
        let number = named.or_else(|| text.parse().ok())?;
        (least..=greatest).contains(&number).then_some(number)
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (from, to) = match part.split_once('-') {
            _ if part == "*" => (least, greatest),
            Some((from, to)) => (number(from)?, number(to)?),
            None => (number(part)?, number(part)?),
        };
        if from > to {
            return None;
        }
        bits |= (from..=to).fold(0, |bits, number| bits | 1 << number);
    }
    Some(bits)
}

/// The seconds of an ISO 8601 duration from `PT1M` to `P15D`; a day has 24 hours.
fn seconds(text: &str) -> Option<i64> {
    let span: Span = text.parse().ok()?;
    if !text.starts_with('P') || span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let total =
        days * DAY + i64::from(span.get_hours()) * 3_600 + span.get_minutes() * MINUTE + span.get_seconds();
    (MINUTE..=DURATION_MAX).contains(&total).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(expression: &str, duration: &str, timezone: Option<&str>) -> Result<Schedule, ScheduleError> {
        Schedule::parse(&mutes::Schedule {
            expression: expression.into(),
            duration: duration.into(),
            timezone: timezone.map(str::to_owned),
        })
    }

    /// The start of the window that is open at `now`, or `-`.
    #[track_caller]
    fn check(expression: &str, duration: &str, timezone: Option<&str>, now: &str, want: &str) {
        let window = schedule(expression, duration, timezone).unwrap().window(now.parse().unwrap());
        let got = window.map_or("-".to_owned(), |(start, _)| start.to_string());
        assert_eq!(got, want, "{expression} {duration} at {now}");
    }

    #[test]
    fn windows() {
        // 2026-09-14 is a Monday.
        check("cron(0 2 * * *)", "PT4H", None, "2026-09-14T02:00:00Z", "2026-09-14T02:00:00Z");
        check("cron(0 2 * * *)", "PT4H", None, "2026-09-14T05:59:59Z", "2026-09-14T02:00:00Z");
        check("cron(0 2 * * *)", "PT4H", None, "2026-09-14T06:00:00Z", "-");
        check("cron(0 2 * * *)", "PT4H", None, "2026-09-14T01:59:59Z", "-");
        check("cron(0 18 * * FRI)", "P2DT12H", None, "2026-09-14T05:59:59Z", "2026-09-11T18:00:00Z");
        check("cron(0 18 * * FRI)", "P2DT12H", None, "2026-09-14T06:00:00Z", "-");
        check("cron(30 9-11,14 1,14 SEP *)", "PT1H", None, "2026-09-14T11:31:00Z", "2026-09-14T11:30:00Z");
        check("cron(0 0 1 * MON)", "PT12H", None, "2026-09-14T11:31:00Z", "2026-09-14T00:00:00Z");
        check("cron(0 0 13 * 0)", "PT12H", None, "2026-09-13T11:31:00Z", "2026-09-13T00:00:00Z");
        check("cron(0 0 * * 7)", "PT12H", None, "2026-09-13T11:31:00Z", "2026-09-13T00:00:00Z");
        check("cron(* * * * *)", "PT1M", None, "2026-09-13T11:31:59Z", "2026-09-13T11:31:00Z");
        check("at(2026-09-14T11:00)", "P15D", None, "2026-09-29T10:59:59Z", "2026-09-14T11:00:00Z");
        check("at(2026-09-14T11:00)", "P15D", None, "2026-09-29T11:00:00Z", "-");
    }

    #[test]
    fn time_zones_and_clocks_that_jump() {
        let zone = Some("America/New_York");
        check("cron(0 2 * * *)", "PT1H", zone, "2026-07-01T06:30:00Z", "2026-07-01T06:00:00Z");
        check("cron(0 2 * * *)", "PT1H", zone, "2026-12-01T07:30:00Z", "2026-12-01T07:00:00Z");
        // On 2026-03-08 there is no 02:30: clocks jump from 02:00 to 03:00.
        check("cron(30 2 * * *)", "PT1H", zone, "2026-03-08T07:45:00Z", "2026-03-08T07:30:00Z");
    }

    #[test]
    fn refusals() {
        for expression in [
            "cron(0 2 * *)",
            "cron(0 2 * * * *)",
            "cron(60 2 * * *)",
            "cron(0 2 0 * *)",
            "cron(5-1 * * * *)",
            "cron(0 2 * * FUN)",
            "rate(5 minutes)",
            "at(2026-09-14)",
            "at(2026-13-14T11:00)",
            "",
        ] {
            assert!(
                matches!(schedule(expression, "PT1H", None), Err(ScheduleError::Expression(_))),
                "{expression}"
            );
        }
        for duration in ["PT59S", "P15DT1M", "1h", "P1M", "PT", "-PT1H"] {
            assert!(
                matches!(schedule("cron(0 2 * * *)", duration, None), Err(ScheduleError::Duration(_))),
                "{duration}"
            );
        }
        let unknown = schedule("cron(0 2 * * *)", "PT1H", Some("Mars/Olympus"));
        assert_eq!(unknown.unwrap_err(), ScheduleError::Timezone("Mars/Olympus".into()));
    }
}
