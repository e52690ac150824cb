//! The command line of `keywatch report`, and what its values mean.

use clap::{Args, ValueEnum};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use std::path::PathBuf;

const TOP_MAX: u16 = 10_000;

/// Summarize the KMS activity in CloudTrail log files.
///
/// Reads log files of any accounts and regions, as CloudTrail delivers them to a bucket, and shows who uses
/// which KMS keys, how often, since when and from where, what was refused, and what AWS bills for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes:
  0  every file was read
  1  something was skipped: a corrupt or truncated file, a file that is not CloudTrail's, or records
     whose eventID was seen before; the report names each
  2  nothing was reported: wrong usage, no such path, or the output cannot be written

Examples:
  keywatch report AWSLogs/111122223333/CloudTrail
  keywatch report 'logs/**/*.json.gz' --since 2026-10-01 --format html --output report.html
  zcat *.json.gz | keywatch report - --format json")]
pub struct ReportOptions {
    /// Files, directories (searched at any depth for .json and gzip files), globs, or - for standard input.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to show the report: `table` for the terminal, `json` for programs, `html` for one self-contained page.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
    /// Write the report to FILE instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Only records from T on: RFC 3339 or a date, which begins at midnight UTC.
    #[arg(long, value_name = "T", value_parser = parse_since)]
    since: Option<Timestamp>,
    /// Only records before T: RFC 3339 or a date, which is included whole.
    #[arg(long, value_name = "T", value_parser = parse_until)]
    until: Option<Timestamp>,
    /// How many rows each list of the table and of the page has.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=i64::from(TOP_MAX)))]
    top: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Html,
}

/// The time the report is about, from `since` to before `until`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Period {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

impl Period {
    pub(super) fn contains(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

impl ReportOptions {
    /// Paths other than `-`.
    pub(super) fn file_paths(&self) -> Vec<PathBuf> {
        self.paths.iter().filter(|path| path.as_os_str() != "-").cloned().collect()
    }

    /// Whether standard input is one of the sources.
    pub(super) fn stdin(&self) -> bool {
        self.paths.iter().any(|path| path.as_os_str() == "-")
    }

    pub(super) fn period(&self) -> Period {
        Period { since: self.since, until: self.until }
    }

    pub(super) fn top(&self) -> usize {
        usize::from(self.top)
    }
}

fn parse_since(text: &str) -> Result<Timestamp, String> {
    parse_time(text, 0)
}

fn parse_until(text: &str) -> Result<Timestamp, String> {
    parse_time(text, 1)
}

/// A time as RFC 3339, or the midnight UTC that `days` days after a date begins.
fn parse_time(text: &str, days: i64) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let wrong = || "expected RFC 3339 (2026-10-01T12:00:00Z) or a date (2026-10-01)".to_owned();
    let is_date_alone = text.len() == "2026-10-01".len();
    let date = text.parse::<Date>().ok().filter(|_| is_date_alone).ok_or_else(wrong)?;
    let midnight = date.checked_add(days.days()).map_err(|_| wrong())?.to_zoned(TimeZone::UTC);
    midnight.map(|midnight| midnight.timestamp()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, since: Option<&str>, until: Option<&str>) {
        let shown = |time: Result<Timestamp, String>| time.ok().map(|time| time.to_string());
        assert_eq!(shown(parse_since(text)).as_deref(), since, "since {text}");
        assert_eq!(shown(parse_until(text)).as_deref(), until, "until {text}");
    }

    #[test]
    fn instants_mean_the_same_at_both_ends() {
        let utc = Some("2026-10-01T12:00:00Z");
        check("2026-10-01T12:00:00Z", utc, utc);
        check("2026-10-01T14:00:00+02:00", utc, utc);
    }

    #[test]
    fn dates_are_whole_days() {
        check("2026-10-01", Some("2026-10-01T00:00:00Z"), Some("2026-10-02T00:00:00Z"));
        check("2024-02-29", Some("2024-02-29T00:00:00Z"), Some("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn all_else_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "2026-10-01T12:00:00", "20261001", "2026-02-30"] {
            check(text, None, None);
        }
    }
}
