//! `keywatch clock now` and `keywatch clock advance DURATION`.

use std::process::ExitCode;

use jiff::{Span, SpanRelativeTo};
use keywatch_api::WireTime;
use serde::{Deserialize, Serialize};

use super::{ClientError, finish, print, request};
use crate::cli::{ClockAction, ClockOptions};
use crate::data_dir;

/// Prints the server's time, after having moved it when asked to.
pub fn run(options: ClockOptions) -> ExitCode {
    finish(act(options))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Advance {
    seconds: i64,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ClockReading {
    now: WireTime,
}

fn act(options: ClockOptions) -> Result<(), ClientError> {
    let directory = data_dir::locate(options.client.data_dir)?;
    let reading: ClockReading = match options.action {
        ClockAction::Now => request::call(&directory, "DescribeClock", &Nothing {})?,
        ClockAction::Advance { by } => {
            let seconds = parse_seconds(&by).map_err(ClientError::Usage)?;
            request::call(&directory, "AdvanceClock", &Advance { seconds })?
        }
    };
    print(&reading.now.0.to_string())
}

/// Whole seconds of `10d`, `1d12h`, `90s` or ISO 8601; days have 24 hours.
fn parse_seconds(text: &str) -> Result<i64, String> {
    let wrong = |reason: &str| format!("cannot advance by `{text}`: {reason}");
    let span: Span = text.parse().map_err(|_| wrong("expected a duration such as 10d, 36h or 1d12h"))?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong("months and years have no fixed length, say how many days"))?;
    if duration.as_secs() < 1 {
        return Err(wrong("the clock moves forward, by whole seconds"));
    }
    Ok(duration.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        check("10d", Some(864_000));
        check("36h", Some(129_600));
        check("1d12h", Some(129_600));
        check("90s", Some(90));
        check("PT1M", Some(60));
        check("2w", Some(1_209_600));
        check("0s", None);
        check("-1d", None);
        check("1y", None);
        check("soon", None);
        check("", None);

        fn check(text: &str, want: Option<i64>) {
            assert_eq!(parse_seconds(text).ok(), want, "{text}");
        }
    }
}
