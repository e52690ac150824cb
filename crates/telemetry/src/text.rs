//! Families as text, in the form that the asker takes.
//!
//! Sources: Prometheus documentation, "Exposition formats"; OpenMetrics 1.0.0.

use std::fmt::Write;

use crate::{Family, Histogram, Kind, Sample, Value};

/// A form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Prometheus text format 0.0.4.
    Text,
    /// Prometheus text format 1.0.0; our names need none of what it adds.
    Text1,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Form {
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Text1 => "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
            Self::OpenMetrics => {
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
            }
        }
    }

    /// The form that an `Accept` header likes best; the oldest where it names none that we write.
    pub fn accepted(header: Option<&str>) -> Self {
        let mut best = (Self::Text, 0.0);
        for range in header.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let (mut version, mut quality) = (None, 1.0);
            for (name, value) in parts.filter_map(|part| part.split_once('=')) {
                match name.trim() {
                    "version" => version = Some(value.trim()),
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    _ => {}
                }
            }
            let form = match (media, version) {
                ("application/openmetrics-text", None | Some("1.0.0")) => Self::OpenMetrics,
                ("text/plain", Some("1.0.0")) => Self::Text1,
                ("text/plain", None | Some("0.0.4")) => Self::Text,
                _ => continue,
            };
            if quality > best.1 {
                best = (form, quality);
            }
        }
        best.0
    }
}

/// Writes families one after the other.
pub fn write(families: &[Family], form: Form) -> String {
    let mut out = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        describe(&mut out, family, form);
        for sample in &family.samples {
            match &sample.value {
                Value::Number(number) => {
                    let suffix = suffix(family.kind);
                    line(&mut out, family.name, suffix, sample, None, *number);
                }
                Value::Histogram(histogram) => write_histogram(&mut out, family, sample, histogram),
            }
        }
    }
    if form == Form::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

/// OpenMetrics names a family without the suffix of its samples; the older text knows only names of samples.
fn describe(out: &mut String, family: &Family, form: Form) {
    let open = form == Form::OpenMetrics;
    let suffix = if open { "" } else { suffix(family.kind) };
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Info if open => "info",
        Kind::Info => "gauge",
    };
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {}{suffix} {}", family.name, escaped(family.help, open));
    let _ = writeln!(out, "# TYPE {}{suffix} {kind}", family.name);
    if let Some(unit) = family.unit.filter(|_| open) {
        let _ = writeln!(out, "# UNIT {} {unit}", family.name);
    }
}

const fn suffix(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram => "",
    }
}

fn write_histogram(out: &mut String, family: &Family, sample: &Sample, histogram: &Histogram) {
    let mut below = 0;
    for (at, count) in histogram.counts.iter().enumerate() {
        below += count;
        let bound = histogram.bounds.get(at).map_or_else(|| "+Inf".to_owned(), |bound| format!("{bound:?}"));
        line(out, family.name, "_bucket", sample, Some(&bound), below as f64);
    }
    line(out, family.name, "_sum", sample, None, histogram.sum);
    line(out, family.name, "_count", sample, None, histogram.count() as f64);
}

fn line(out: &mut String, name: &str, suffix: &str, sample: &Sample, bound: Option<&str>, value: f64) {
    out.push_str(name);
    out.push_str(suffix);
    let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
    let mut before = '{';
    for (name, value) in labels.chain(bound.map(|bound| ("le", bound))) {
        let _ = write!(out, "{before}{name}=\"{}\"", escaped(value, true));
        before = ',';
    }
    if before == ',' {
        out.push('}');
    }
    let _ = writeln!(out, " {value}");
}

/// With a backslash before what would end a line, and where asked, before quotes.
fn escaped(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_asked_for() {
        for (header, expected) in [
            (None, Form::Text),
            (Some("*/*"), Form::Text),
            (Some("application/json"), Form::Text),
            (Some("text/plain"), Form::Text),
            (Some("text/plain;version=1.0.0"), Form::Text1),
            (Some("application/openmetrics-text"), Form::OpenMetrics),
            (Some("application/openmetrics-text;version=2.0.0, text/plain;version=0.0.4;q=0.1"), Form::Text),
            (
                Some(
                    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                     text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                ),
                Form::OpenMetrics,
            ),
            (Some("text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5"), Form::Text),
        ] {
            assert_eq!(Form::accepted(header), expected, "{header:?}");
        }
    }

    #[test]
    fn families_as_text() {
        let mut durations =
            Family::new("wait_seconds", Kind::Histogram, "How long.\nReally.").in_unit("seconds");
        let histogram = Histogram { bounds: &[0.5, 1.0], counts: vec![2, 0, 1], sum: 3.25 };
        durations.push(&[("of", "a\"b\\c")], Value::Histogram(histogram));
        let families = [
            Family::new("calls", Kind::Counter, "Calls.").with(&[], 5.0),
            Family::new("empty", Kind::Gauge, "Nothing."),
            Family::new("build", Kind::Info, "What this is.").with(&[("version", "1")], 1.0),
            durations,
        ];
        let histogram = "wait_seconds_bucket{of=\"a\\\"b\\\\c\",le=\"0.5\"} 2\n\
             wait_seconds_bucket{of=\"a\\\"b\\\\c\",le=\"1.0\"} 2\n\
             wait_seconds_bucket{of=\"a\\\"b\\\\c\",le=\"+Inf\"} 3\n\
             wait_seconds_sum{of=\"a\\\"b\\\\c\"} 3.25\nwait_seconds_count{of=\"a\\\"b\\\\c\"} 3\n";
        let text = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 5\n\
             # HELP build_info What this is.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
             # HELP wait_seconds How long.\\nReally.\n# TYPE wait_seconds histogram\n";
        assert_eq!(write(&families, Form::Text), format!("{text}{histogram}"));
        let open = "# HELP calls Calls.\n# TYPE calls counter\ncalls_total 5\n\
             # HELP build What this is.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
             # HELP wait_seconds How long.\\nReally.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n";
        assert_eq!(write(&families, Form::OpenMetrics), format!("{open}{histogram}# EOF\n"));
    }
}
