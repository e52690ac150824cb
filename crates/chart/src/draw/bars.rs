//! The newest values as bars, side by side.

use super::{newest, no_data};
use crate::font;
use crate::frame::{Area, LABEL};
use crate::scale::Scale;
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, value};

pub(super) fn draw(svg: &mut Svg, chart: &Chart, area: Area) {
    let values: Vec<(usize, f64)> =
        chart.lines.iter().enumerate().filter_map(|(index, line)| Some((index, newest(line)?))).collect();
    if values.is_empty() {
        return no_data(svg, chart, area);
    }
    let theme = chart.theme;
    let count = ((area.height / 45.0) as usize).clamp(2, 8);
    let numbers = values.iter().map(|(_, value)| *value).chain([0.0]);
    let scale = Scale::of(numbers, chart.left.min, chart.left.max, count);
    let labels = scale.ticks.iter().map(|tick| font::width(&value::short(*tick), LABEL)).fold(0.0, f64::max);
    let (left, top) = (area.x + labels + 8.0, area.y + LABEL + 4.0);
    let (width, height) = ((area.width - labels - 8.0).max(1.0), (area.height - LABEL - 10.0).max(1.0));
    let y = |value: f64| top + (1.0 - scale.place(value).clamp(0.0, 1.0)) * height;
    let style = Style { size: LABEL, color: theme.faint_text(), anchor: Anchor::End, bold: false };
    for tick in &scale.ticks {
        svg.line((left, y(*tick)), (left + width, y(*tick)), theme.grid(), "");
        svg.text((left - 6.0, y(*tick) + 4.0), &value::short(*tick), left, style);
    }
    let slot = width / values.len() as f64;
    let bar = (slot * 0.7).min(90.0);
    let base = y(0.0);
    let style = Style { color: theme.text(), anchor: Anchor::Middle, ..style };
    for (at, (index, value)) in values.iter().enumerate() {
        let x = left + slot * (at as f64 + 0.5);
        let tip = y(*value);
        svg.rect(
            (x - bar / 2.0, tip.min(base)),
            (bar, (tip - base).abs()),
            chart.line_color(*index),
            r#"rx="2""#,
        );
        svg.text((x, tip.min(base) - 4.0), &value::short(*value), slot, style);
    }
    svg.line((left, base), (left + width, base), theme.axis(), "");
}
