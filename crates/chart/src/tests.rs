//! Whole pictures.

use proptest::prelude::*;

use super::*;

/// A picture with something of everything.
fn full(view: View) -> Chart {
    let points = |factor: f64| (0..60).map(|at| (at * 60, factor * (1.0 + (at % 7) as f64))).collect();
    let line = |label: &str, factor| Line {
        label: label.into(),
        color: None,
        on_right: false,
        period: 60,
        points: points(factor),
    };
    let mut chart = Chart::new(600, 400, 0, 3_600);
    chart.view = view;
    chart.title = "Calls <per> minute & more".into();
    chart.lines = vec![line("Encrypt", 1.0), line("Decrypt", 2.0)];
    chart.levels = vec![Level {
        value: 10.0,
        until: None,
        label: "limit".into(),
        color: Some("#ff0000".into()),
        on_right: false,
        fill: Fill::Beyond,
    }];
    chart.moments = vec![Moment {
        time: 1_800,
        until: Some(2_400),
        label: "deploy".into(),
        color: None,
        fill: Fill::None,
    }];
    chart
}

const VIEWS: [View; 6] = [View::Lines, View::Stacked, View::Bar, View::Pie, View::Number, View::Gauge];

/// Width and height as the header of a PNG has them.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// The colours of all pixels, with how many have them.
fn colors(chart: &Chart) -> std::collections::HashMap<[u8; 3], usize> {
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&png(chart).unwrap()).unwrap();
    let mut colors = std::collections::HashMap::new();
    for pixel in pixels.pixels() {
        *colors.entry([pixel.red(), pixel.green(), pixel.blue()]).or_default() += 1;
    }
    colors
}

#[test]
fn every_view_is_painted() {
    for view in VIEWS {
        let chart = full(view);
        let found = colors(&chart);
        // The colours of the first two lines; pictures of numbers have small swatches of them.
        assert!(found.get(&[0x68, 0x8a, 0xe8]).copied().unwrap_or(0) > 50, "{view:?}");
        // A gauge shows its first line only, but its legend has both.
        assert!(found.contains_key(&[0xc3, 0x3d, 0x69]), "{view:?}");
        let svg = chart.svg();
        assert!(svg.contains("Calls &lt;per&gt; minute &amp; more") && svg.contains("Noto Sans"), "{view:?}");
    }
}

#[test]
fn texts_are_painted() {
    let mut chart = Chart::new(300, 100, 0, 60);
    let ink = |chart: &Chart| colors(chart).get(&[0x0f, 0x14, 0x1a]).copied().unwrap_or(0);
    assert_eq!(ink(&chart), 0);
    chart.title = "A title".into();
    assert!(ink(&chart) > 20, "letters have pixels of the colour of text");
}

#[test]
fn themes_and_signs() {
    let mut chart = full(View::Lines);
    assert!(!chart.svg().contains("#e07700"));
    chart.incomplete = true;
    assert!(chart.svg().contains("#e07700"), "an orange triangle");
    chart.theme = Theme::Dark;
    assert!(colors(&chart).get(&[0x16, 0x1d, 0x26]).copied().unwrap_or(0) > 100_000, "a dark background");
    let empty = Chart::new(200, 100, 0, 60);
    assert!(empty.svg().contains("No data"));
}

#[test]
fn a_colour_is_checked() {
    let mut chart = full(View::Lines);
    chart.lines[0].color = Some("#00ff00".into());
    assert!(chart.svg().contains("#00ff00"));
    chart.lines[0].color = Some("red\"/><script>".into());
    assert!(!chart.svg().contains("script"));
}

fn strange() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -100.0..100.0f64,
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE)
    ]
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let points = proptest::collection::vec((any::<i64>(), strange()), 0..20);
    let line = ("\\PC{0,40}", any::<bool>(), any::<i64>(), points).prop_map(
        |(label, on_right, period, mut points)| {
            points.sort_by_key(|point| point.0);
            Line { label, color: None, on_right, period, points }
        },
    );
    proptest::collection::vec(line, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked for, the picture has its size and is well-formed.
    #[test]
    fn strange_charts_are_painted(
        (width, height) in (1u32..=300, 1u32..=300),
        (start, end) in (any::<i64>(), any::<i64>()),
        lines in lines(),
        (title, view, legend) in (".{0,40}", 0usize..6, 0usize..3),
        (value, min, max) in (strange(), strange(), strange()),
    ) {
        let mut chart = Chart::new(width, height, start, end);
        chart.title = title;
        chart.view = VIEWS[view];
        chart.legend = [Legend::Bottom, Legend::Right, Legend::Hidden][legend];
        chart.lines = lines;
        chart.left = Axis { label: "calls".into(), min: Some(min), max: Some(max) };
        chart.levels = vec![Level { value, until: Some(min), label: "l".into(), color: None, on_right: true, fill: Fill::Before }];
        chart.bands = vec![Band { label: "b".into(), color: None, on_right: false, period: 60, points: vec![(start, value, max)] }];
        prop_assert_eq!(size(&png(&chart).unwrap()), (width, height));
        prop_assert!(chart.svg().len() < 1 << 20);
    }
}
