//! # Drawing: charts as SVG
//! Each kind of picture has a file of its own; title, legend and the sign of missing data are the same for all.

mod axes;
mod bars;
mod dial;
mod marks;
mod numbers;
mod over_time;
mod slices;

use crate::frame::{Inner, MARGIN, TITLE, inner};
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, View};

pub(crate) fn draw(chart: &Chart) -> String {
    let theme = chart.theme;
    let mut svg = Svg::new(chart.width, chart.height, theme.background());
    let Inner { area, legend, legend_corner } = inner(chart);
    let width = f64::from(chart.width);
    let style = Style { size: TITLE, color: theme.text(), anchor: Anchor::Start, bold: true };
    let warned = if chart.incomplete { 24.0 } else { 0.0 };
    svg.text((MARGIN, MARGIN + TITLE - 2.0), &chart.title, width - 2.0 * MARGIN - warned, style);
    match chart.view {
        View::Lines | View::Stacked => over_time::draw(&mut svg, chart, area),
        View::Bar => bars::draw(&mut svg, chart, area),
        View::Pie => slices::draw(&mut svg, chart, area),
        View::Number => numbers::draw(&mut svg, chart, area),
        View::Gauge => dial::draw(&mut svg, chart, area),
    }
    // Numbers bear their labels themselves.
    if chart.view != View::Number {
        legend.draw(&mut svg, legend_corner, theme.text());
    }
    if chart.incomplete {
        let (x, y) = (width - MARGIN - 18.0, MARGIN - 2.0);
        let triangle = format!("M{:.1} {:.1}l9 16h-18z", x + 9.0, y);
        svg.path(&triangle, &format!(r#"fill="{}" stroke-linejoin="round""#, theme.warning()));
        let style = Style { size: 12.0, color: theme.background(), anchor: Anchor::Middle, bold: true };
        svg.text((x + 9.0, y + 14.0), "!", 12.0, style);
    }
    svg.finish()
}

/// The newest value of a line.
fn newest(line: &crate::Line) -> Option<f64> {
    line.points.iter().rev().map(|point| point.1).find(|value| value.is_finite())
}

/// Said where a chart has nothing to show.
fn no_data(svg: &mut Svg, chart: &Chart, area: crate::frame::Area) {
    let style = Style { size: 13.0, color: chart.theme.faint_text(), anchor: Anchor::Middle, bold: false };
    svg.text((area.x + area.width / 2.0, area.y + area.height / 2.0), "No data", area.width, style);
}
