//! Draws the pictures of `docs/anomaly-detection.md` as SVG, from series of the Numenta Anomaly Benchmark and made counts.
//!
//! `pictures FOLDER` writes them there; where the data is not at hand (see the example `nab`) it says so and does nothing.
#![expect(clippy::print_stdout, reason = "an example that says what it did")]

#[path = "nab/series.rs"]
mod series;

use keywatch_anomaly::{Detector, Model, Settings, Training};
use series::Series;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 28.0;
const RIGHT: f64 = 12.0;

/// A time, its value, the band there, whether an alarm was raised, and whether people labelled it as an anomaly's.
struct Drawn {
    at: i64,
    value: f64,
    band: Option<(f64, f64)>,
    alarm: bool,
    labelled: bool,
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        println!("usage: pictures FOLDER");
        return ExitCode::from(2);
    };
    let Some(all) = series::all() else {
        println!("skipped: no data/nab under KEYWATCH_SHARED or ../shared");
        return ExitCode::SUCCESS;
    };
    let named = |name: &str| all.iter().find(|series| series.name.ends_with(name));
    let mut pictures =
        vec![("counts", "Made counts, mostly 0: the model's band of three deviations", counts())];
    if let Some(series) = named("art_daily_small_noise.csv") {
        pictures.push((
            "daily",
            "A daily wave: the model, trained on the days before these, two deviations",
            forecast(series),
        ));
    }
    if let Some(series) = named("art_daily_jumpsup.csv") {
        let title = "A day that is higher than the others: alarm, the detector's band, and (yellow) the window of the label";
        pictures.push(("shift", title, scored(series, 2500..3300)));
    }
    if let Some(series) = named("Twitter_volume_AMZN.csv") {
        let title = "Mentions of a company in five minutes: alarms, the detector's band, and (yellow) the window of the label";
        pictures.push(("detected", title, scored(series, around_an_alarm(series))));
    }
    for (name, title, drawn) in pictures {
        let path = Path::new(&folder).join(format!("{name}.svg"));
        if let Err(error) = std::fs::write(&path, svg(title, &drawn)) {
            println!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{}", path.display());
    }
    ExitCode::SUCCESS
}

/// A thousand points around the first alarm in a labelled window.
fn around_an_alarm(series: &Series) -> std::ops::Range<usize> {
    let all = scored(series, 0..series.points.len());
    let place = all.iter().skip(750).position(|drawn| drawn.alarm && drawn.labelled).unwrap_or(0) + 750;
    place.saturating_sub(500)..place + 500
}

/// What the detector said of a part of a series, having seen all before it.
fn scored(series: &Series, part: std::ops::Range<usize>) -> Vec<Drawn> {
    let mut detector = Detector::new(Settings::default());
    let all = series.points.iter().enumerate().map(|(index, &(at, value))| {
        let verdict = detector.observe(at, value);
        let band = verdict.band.map(|band| (band.lower, band.upper));
        let labelled = series.windows.iter().any(|(from, to)| (*from..=*to).contains(&index));
        Drawn { at, value, band, alarm: verdict.score >= 0.5, labelled }
    });
    all.enumerate().filter(|(index, _)| part.contains(index)).map(|(_, drawn)| drawn).collect()
}

/// The last three days of a series, foretold by a model of the days before.
fn forecast(series: &Series) -> Vec<Drawn> {
    let (known, coming) = series.points.split_at(series.points.len() - 3 * 288);
    foretold(known, coming, 2.0)
}

fn counts() -> Vec<Drawn> {
    let mut state = 7u64;
    let mut even = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    // By night next to nothing, by day one in three.
    let mut count = |i: i64| {
        let busy = (96..216).contains(&(i % 288));
        if even() < if busy { 0.35 } else { 0.02 } { (1.0 + 3.0 * even() * even()).floor() } else { 0.0 }
    };
    let mut points: Vec<(i64, f64)> = (0..14 * 288).map(|i| (i * 300, count(i))).collect();
    if let Some(burst) = points.get_mut(13 * 288 + 60..13 * 288 + 64) {
        burst.iter_mut().for_each(|point| point.1 = 7.0);
    }
    let (known, coming) = points.split_at(12 * 288);
    foretold(known, coming, 3.0)
}

fn foretold(known: &[(i64, f64)], coming: &[(i64, f64)], deviations: f64) -> Vec<Drawn> {
    let training = Training { points: known, period: 300, excluded: &[], offset: &|_| 0, spikes: false };
    let Some(model) = Model::train(&training) else { return Vec::new() };
    let mut outside = false;
    let draw = |&(at, value): &(i64, f64)| {
        let band = model.band(at, 0, deviations);
        let out = value < band.0 || value > band.1;
        let alarm = out && !outside && value > band.1 * 1.5;
        outside = out;
        Drawn { at, value, band: Some(band), alarm, labelled: false }
    };
    coming.iter().map(draw).collect()
}

fn svg(title: &str, drawn: &[Drawn]) -> String {
    let (Some(first), Some(last)) = (drawn.first(), drawn.last()) else { return String::new() };
    let ends = drawn.iter().flat_map(|d| {
        [d.value, d.band.map_or(d.value, |band| band.1), d.band.map_or(d.value, |band| band.0)]
    });
    let (low, high) = ends.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let span = (high - low).max(1e-9);
    let x =
        |at: i64| LEFT + (at - first.at) as f64 / (last.at - first.at).max(1) as f64 * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - (value - low) / span * (HEIGHT - TOP - BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#ffffff\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"13\" fill=\"#24292f\">{title}</text>\n"
    );
    for run in drawn.chunk_by(|a, b| a.labelled == b.labelled).filter(|run| run[0].labelled) {
        let (from, to) = (x(run[0].at), x(run[run.len() - 1].at));
        let (wide, tall) = (to - from, HEIGHT - TOP - BOTTOM);
        let _ = writeln!(
            out,
            "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" height=\"{tall}\" fill=\"#fff3c4\"/>"
        );
    }
    axes(&mut out, (first.at, last.at), (low, high), (&x, &y));
    let mut upper = String::new();
    let mut lower: Vec<String> = Vec::new();
    for d in drawn {
        if let Some(band) = d.band {
            let _ = write!(upper, "{:.1},{:.1} ", x(d.at), y(band.1));
            lower.push(format!("{:.1},{:.1}", x(d.at), y(band.0)));
        }
    }
    lower.reverse();
    let _ = writeln!(
        out,
        "<polygon points=\"{upper}{}\" fill=\"#8fb8e8\" fill-opacity=\"0.45\"/>",
        lower.join(" ")
    );
    let line: Vec<String> = drawn.iter().map(|d| format!("{:.1},{:.1}", x(d.at), y(d.value))).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f4e8c\" stroke-width=\"1.1\" stroke-linejoin=\"round\"/>",
        line.join(" ")
    );
    for d in drawn.iter().filter(|d| d.alarm) {
        let (x, y) = (x(d.at), y(d.value));
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#c62828\" stroke-dasharray=\"3 3\"/>\n\
             <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#c62828\" stroke=\"#ffffff\"/>",
            HEIGHT - BOTTOM
        );
    }
    out.push_str("</svg>\n");
    out
}

type Places<'a> = (&'a dyn Fn(i64) -> f64, &'a dyn Fn(f64) -> f64);

/// Four levels with their values, and each midnight.
fn axes(out: &mut String, (from, to): (i64, i64), (low, high): (f64, f64), (x, y): Places<'_>) {
    for quarter in 0..=3 {
        let value = low + (high - low) * f64::from(quarter) / 3.0;
        let label = if high - low < 20.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1}\" y2=\"{0:.1}\" stroke=\"#e3e7eb\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\" fill=\"#57606a\">{label}</text>",
            y(value),
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(value) + 4.0
        );
    }
    let first = from.div_euclid(86_400) + 1;
    for (number, day) in (first..=to.div_euclid(86_400)).enumerate() {
        let _ = writeln!(
            out,
            "<line x1=\"{0:.1}\" y1=\"{TOP}\" x2=\"{0:.1}\" y2=\"{1}\" stroke=\"#e3e7eb\"/><text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"middle\" fill=\"#57606a\">day {3}</text>",
            x(day * 86_400),
            HEIGHT - BOTTOM,
            HEIGHT - 10.0,
            number + 1
        );
    }
}
