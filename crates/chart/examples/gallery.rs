//! Paints one picture of each kind into a directory: `cargo run -p keywatch-chart --example gallery -- DIRECTORY`.
//! The pictures of `docs/` are made with it.

use std::f64::consts::TAU;
use std::path::Path;
use std::{env, fs, io};

use keywatch_chart::{Axis, Band, Chart, Fill, Legend, Level, Line, Moment, Theme, View, png};

const DAY: i64 = 86_400;
const PERIOD: i64 = 300;

/// Calls of a day: many at noon, few at night, some noise.
fn calls(label: &str, most: f64, seed: u32) -> Line {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5
    };
    let value = |at: i64| most * (0.55 - 0.4 * (at as f64 / DAY as f64 * TAU).cos());
    let points =
        (0..DAY / PERIOD).map(|at| (at * PERIOD, value(at * PERIOD) * (1.0 + 0.15 * noise()))).collect();
    Line { label: label.into(), color: None, on_right: false, period: PERIOD, points }
}

fn chart(title: &str, view: View) -> Chart {
    let mut chart = Chart::new(720, 340, 0, DAY);
    chart.title = title.into();
    chart.view = view;
    chart.lines =
        vec![calls("Decrypt", 900.0, 1), calls("GenerateDataKey", 500.0, 2), calls("Encrypt", 220.0, 3)];
    chart
}

fn alarm() -> Chart {
    let mut chart = chart("Calls of alias/orders: alarm “runaway use”", View::Lines);
    chart.lines.truncate(1);
    for point in chart.lines[0].points.iter_mut().filter(|point| (54_000..58_000).contains(&point.0)) {
        point.1 *= 1.9;
    }
    let expected = calls("expected", 900.0, 1);
    let points = expected.points.iter().map(|(time, value)| (*time, value * 0.7, value * 1.3)).collect();
    let band = Band {
        label: "expected (2 deviations)".into(),
        color: None,
        on_right: false,
        period: PERIOD,
        points,
    };
    chart.bands = vec![band];
    chart.levels = vec![Level {
        value: 1_300.0,
        until: None,
        label: "threshold".into(),
        color: None,
        on_right: false,
        fill: Fill::Beyond,
    }];
    let moment = Moment { time: 54_000, until: None, label: "ALARM".into(), color: None, fill: Fill::None };
    chart.moments = vec![moment];
    chart.left = Axis { label: "calls".into(), ..Axis::default() };
    chart
}

fn main() -> io::Result<()> {
    let directory = env::args().nth(1).unwrap_or_else(|| "gallery".into());
    fs::create_dir_all(&directory)?;
    let mut dark = alarm();
    dark.theme = Theme::Dark;
    let mut right = chart("Two axes, legend at the right", View::Lines);
    right.legend = Legend::Right;
    right.lines[2].on_right = true;
    right.incomplete = true;
    let mut gauge = chart("Share of the request quota", View::Gauge);
    gauge.lines[0].points = vec![(0, 71.0)];
    gauge.left = Axis { label: String::new(), min: Some(0.0), max: Some(100.0) };
    let pictures = [
        ("lines", chart("Calls by operation", View::Lines)),
        ("stacked", chart("Calls by operation, stacked", View::Stacked)),
        ("bar", chart("Calls by operation, newest", View::Bar)),
        ("pie", chart("Calls by operation, share", View::Pie)),
        ("number", chart("Calls by operation", View::Number)),
        ("gauge", gauge),
        ("alarm", alarm()),
        ("dark", dark),
        ("right", right),
    ];
    for (name, chart) in pictures {
        let png = png(&chart).map_err(io::Error::other)?;
        fs::write(Path::new(&directory).join(format!("{name}.png")), png)?;
    }
    Ok(())
}
