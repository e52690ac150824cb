//! The newest values as numbers, each with its label, and a small line of how it came there.

use std::fmt::Write as _;

use super::{newest, no_data};
use crate::frame::Area;
use crate::scale::Scale;
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, Line, font, value};

/// A number narrower than this goes to a next row.
const CELL_MIN: f64 = 140.0;

pub(super) fn draw(svg: &mut Svg, chart: &Chart, area: Area) {
    if chart.lines.is_empty() {
        return no_data(svg, chart, area);
    }
    let count = chart.lines.len();
    let columns = ((area.width / CELL_MIN) as usize).clamp(1, count);
    let rows = count.div_ceil(columns);
    let (width, height) = (area.width / columns as f64, area.height / rows as f64);
    for (index, line) in chart.lines.iter().enumerate() {
        let corner = (area.x + width * (index % columns) as f64, area.y + height * (index / columns) as f64);
        let cell = Area { x: corner.0, y: corner.1, width: width - 8.0, height: height - 4.0 };
        draw_cell(svg, chart, index, line, cell);
    }
}

fn draw_cell(svg: &mut Svg, chart: &Chart, index: usize, line: &Line, cell: Area) {
    let color = chart.line_color(index);
    if cell.height > 80.0 {
        sparkline(svg, color, chart, line, cell);
    }
    let text = newest(line).map_or_else(|| "–".to_owned(), value::short);
    let per_pixel = font::width(&text, 1.0).max(0.1);
    let size = (cell.height * 0.45).min(48.0).min(cell.width / per_pixel * 0.9).max(8.0);
    let middle = cell.y + cell.height / 2.0;
    svg.rect((cell.x, middle + 8.0), (10.0, 10.0), color, r#"rx="2""#);
    let style = Style { size: 12.0, color: chart.theme.faint_text(), anchor: Anchor::Start, bold: false };
    svg.text((cell.x + 16.0, middle + 17.0), &line.label, cell.width - 16.0, style);
    let style = Style { size, color: chart.theme.text(), anchor: Anchor::Start, bold: true };
    svg.text((cell.x, middle), &text, cell.width, style);
}

fn sparkline(svg: &mut Svg, color: &str, chart: &Chart, line: &Line, cell: Area) {
    let span = chart.end.saturating_sub(chart.start).max(1) as f64;
    let shown: Vec<(f64, f64)> = line
        .points
        .iter()
        .filter(|point| point.1.is_finite() && (chart.start..=chart.end).contains(&point.0))
        .map(|(time, value)| (time.saturating_sub(chart.start) as f64 / span, *value))
        .collect();
    if shown.len() < 2 {
        return;
    }
    let scale = Scale::of(shown.iter().map(|point| point.1), None, None, 4);
    let (top, height) = (cell.y + cell.height * 0.72, cell.height * 0.26);
    let mut data = String::new();
    for (at, (x, value)) in shown.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        let _ = write!(
            data,
            "{letter}{:.1} {:.1}",
            cell.x + x * cell.width,
            top + (1.0 - scale.place(*value)) * height
        );
    }
    svg.path(&data, &format!(r#"fill="none" stroke="{color}" stroke-width="1.5" stroke-opacity="0.7""#));
}
