//! `keywatch detect`: scores a series of `timestamp,value` rows, one at a time. The detector is `keywatch_anomaly`.
//!
//! Nouns: a row in, a scored row out. A row is written before the next is read, so the command can stand in a pipe.

mod row;

use crate::exit;
use clap::{Args, ValueEnum};
use keywatch_anomaly::{Detector, Settings, Verdict};
use row::Row;
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// A longer line is not a row.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Score a series of numbers: how unusual each is, by what came before it
///
/// Reads rows of timestamp,value in order of time and writes timestamp,value,anomaly_score,expected,lower,upper for each.
/// The score is from 0 to 1; from 0.5 up an anomaly begins there. While there is too little data, expected, lower and
/// upper are empty.
#[derive(Debug, Args)]
#[command(after_help = "\
Timestamps are 2026-01-31 12:00:00 (UTC), 2026-01-31T12:00:00Z or seconds since 1970. A first line of names is passed over.

Exit codes:
  0  every row was scored
  1  a row could not be read; it was left out, and standard error names its line
  2  wrong usage, no such file, or the output cannot be written

Examples:
  keywatch detect requests.csv
  tail -f requests.csv | keywatch detect - --format json | jq 'select(.anomaly_score >= 0.5)'")]
pub struct DetectOptions {
    /// The file, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How to write the rows
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    pub format: Format,
}

/// How scored rows are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// With a line of names
    Csv,
    /// One object a line
    Json,
}

/// Runs the command, see [`DetectOptions`] for its exit codes.
pub fn run(options: &DetectOptions) -> ExitCode {
    let input: Box<dyn Read> = if options.file.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        match File::open(&options.file) {
            Ok(file) => Box::new(file),
            Err(error) => {
                exit::complain(&format!("detect: {}: {error}", options.file.display()));
                return exit::USAGE.into();
            }
        }
    };
    let output = BufWriter::new(io::stdout().lock());
    let complain = |line: u64, reason: &str| exit::complain(&format!("detect: line {line}: {reason}"));
    match detect(BufReader::new(input), output, options.format, &complain) {
        Ok(0) => exit::DONE.into(),
        Ok(_) => exit::FAILED.into(),
        // Who closed the pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::DONE.into(),
        Err(error) => {
            exit::complain(&format!("detect: {error}"));
            exit::USAGE.into()
        }
    }
}

/// Scores all rows of `input`; answers how many could not be read.
///
/// # Errors
/// Input that cannot be read, output that cannot be written.
fn detect(
    mut input: impl BufRead,
    mut output: impl Write,
    format: Format,
    complain: &dyn Fn(u64, &str),
) -> io::Result<u64> {
    let mut detector = Detector::new(Settings::default());
    let (mut line, mut number, mut wrong) = (Vec::new(), 0, 0);
    if matches!(format, Format::Csv) {
        writeln!(output, "timestamp,value,anomaly_score,expected,lower,upper")?;
    }
    loop {
        line.clear();
        if input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            output.flush()?;
            return Ok(wrong);
        }
        number += 1;
        if line.len() as u64 == LINE_BYTES_MAX {
            return Err(io::Error::other(format!("line {number} is longer than {LINE_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim().trim_start_matches('\u{feff}');
        if text.is_empty() || (number == 1 && row::is_header(text)) {
            continue;
        }
        match row::parse(text) {
            Ok(row) => write(&mut output, format, &row, &detector.observe(row.at, row.value))?,
            Err(reason) => {
                wrong += 1;
                complain(number, &reason);
            }
        }
    }
}

#[derive(Serialize)]
struct Scored<'a> {
    timestamp: &'a str,
    value: f64,
    anomaly_score: f64,
    expected: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
}

fn write(output: &mut impl Write, format: Format, row: &Row<'_>, verdict: &Verdict) -> io::Result<()> {
    let band = verdict.band;
    match format {
        Format::Csv => {
            write!(output, "{},{},{:.6}", row.timestamp, row.value, verdict.score)?;
            match band {
                Some(band) => {
                    writeln!(output, ",{},{},{}", six(band.expected), six(band.lower), six(band.upper))?
                }
                None => writeln!(output, ",,,")?,
            }
        }
        Format::Json => {
            let scored = Scored {
                timestamp: row.timestamp,
                value: row.value,
                anomaly_score: (verdict.score * 1e6).round() / 1e6,
                expected: band.map(|band| six(band.expected)),
                lower: band.map(|band| six(band.lower)),
                upper: band.map(|band| six(band.upper)),
            };
            serde_json::to_writer(&mut *output, &scored)?;
            writeln!(output)?;
        }
    }
    // A reader at the other end of a pipe sees each row when it is scored.
    output.flush()
}

/// Six decimal digits behind the first, which is more than a forecast knows.
fn six(value: f64) -> f64 {
    let scale = 10f64.powf(6.0 - value.abs().log10().floor());
    if value == 0.0 || !scale.is_finite() || scale == 0.0 { value } else { (value * scale).round() / scale }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[track_caller]
    fn check(input: &str, format: Format, want: &str, complaints: &[(u64, &str)]) {
        let (mut output, said) = (Vec::new(), RefCell::new(Vec::new()));
        let wrong = detect(input.as_bytes(), &mut output, format, &|line, reason| {
            said.borrow_mut().push((line, reason.to_owned()));
        });
        assert_eq!(String::from_utf8_lossy(&output), want);
        assert_eq!(wrong.expect("a whole input"), complaints.len() as u64);
        for ((line, reason), (want_line, want)) in said.borrow().iter().zip(complaints) {
            assert!(line == want_line && reason.contains(want), "line {line}: {reason}");
        }
    }

    const NAMES: &str = "timestamp,value,anomaly_score,expected,lower,upper\n";

    #[test]
    fn too_little_data_has_no_band() {
        let want = format!("{NAMES}2014-04-01 00:00:00,20.5,0.000000,,,\n");
        check("timestamp,value\n2014-04-01 00:00:00,20.5\n", Format::Csv, &want, &[]);
        let want = "{\"timestamp\":\"60\",\"value\":1.0,\"anomaly_score\":0.0,\"expected\":null,\"lower\":null,\"upper\":null}\n";
        check("60,1", Format::Json, want, &[]);
    }

    #[test]
    fn wrong_rows_are_named_and_left_out() {
        let want = format!("{NAMES}60,1,0.000000,,,\n120,2,0.000000,,,\n");
        let complaints = [(3, "no number"), (4, "expected timestamp,value")];
        check("t,v\n60,1\n90,x\nhello\n\n120,2\n", Format::Csv, &want, &complaints);
        check("", Format::Csv, NAMES, &[]);
    }

    #[test]
    fn a_spike_is_an_anomaly() {
        let wave = |i: i64| 100.0 + ((i % 24) as f64 - 12.0).abs();
        let rows: String =
            (0..2000).map(|i| format!("{},{}\n", i * 300, if i == 1900 { 900.0 } else { wave(i) })).collect();
        let mut output = Vec::new();
        detect(rows.as_bytes(), &mut output, Format::Csv, &|_, _| ()).expect("a whole input");
        let output = String::from_utf8(output).expect("text");
        let scored = |line: &str| {
            let columns: Vec<f64> = line.split(',').filter_map(|column| column.parse().ok()).collect();
            (columns[0] as i64 / 300, columns[2], columns.get(5).copied())
        };
        let alarms: Vec<_> = output.lines().skip(1).map(scored).filter(|scored| scored.1 >= 0.5).collect();
        assert_eq!(alarms.iter().map(|alarm| alarm.0).collect::<Vec<_>>(), [1900]);
        assert!(
            alarms[0].2.is_some_and(|upper| upper < 150.0),
            "the band is near the wave: {:?}",
            alarms[0].2
        );
    }

    #[test]
    fn rounding() {
        for (value, want) in [(0.0, 0.0), (123.456_789_12, 123.456_8), (1e-300, 1e-300), (-2e12, -2e12)] {
            let got = six(value);
            assert!((got - want).abs() <= want.abs() * 1e-6, "{got}");
        }
    }
}
