//! The newest value of a line on a dial.

use std::f64::consts::TAU;

use super::slices::{at, ring};
use super::{newest, no_data};
use crate::frame::Area;
use crate::scale::Scale;
use crate::svg::{Anchor, Style, Svg};
use crate::theme::checked;
use crate::{Chart, value};

/// The dial is open at the bottom.
const FROM: f64 = -TAU * 0.3;
const TO: f64 = TAU * 0.3;

pub(super) fn draw(svg: &mut Svg, chart: &Chart, area: Area) {
    let Some(newest) = chart.lines.first().and_then(newest) else { return no_data(svg, chart, area) };
    let scale = Scale::of([newest, 0.0].into_iter(), chart.left.min, chart.left.max, 4);
    let center = (area.x + area.width / 2.0, area.y + area.height * 0.58);
    let outer = (area.width / 2.0 - 40.0).min(area.height * 0.55).max(1.0);
    let inner = outer * 0.72;
    let angle = |value: f64| FROM + scale.place(value).clamp(0.0, 1.0) * (TO - FROM);
    let theme = chart.theme;
    svg.path(&ring(center, (inner, outer), (FROM, TO)), &format!(r#"fill="{}""#, theme.grid()));
    let color = chart.line_color(0);
    svg.path(&ring(center, (inner, outer), (FROM, angle(newest))), &format!(r#"fill="{color}""#));
    for level in &chart.levels {
        let color = checked(level.color.as_deref()).unwrap_or(theme.mark());
        let (from, to) =
            (at(center, inner - 3.0, angle(level.value)), at(center, outer + 3.0, angle(level.value)));
        svg.line(from, to, color, r#"stroke-width="2""#);
    }
    let style = Style { size: 11.0, color: theme.faint_text(), anchor: Anchor::Middle, bold: false };
    for (bound, angle) in [(scale.low, FROM), (scale.high, TO)] {
        let (x, y) = at(center, (inner + outer) / 2.0, angle);
        svg.text((x, y + 16.0), &value::short(bound), outer, style);
    }
    let style = Style { size: (inner * 0.45).min(44.0), color: theme.text(), bold: true, ..style };
    svg.text((center.0, center.1 + style.size * 0.3), &value::short(newest), inner * 1.8, style);
}
