//! The newest values as slices of a ring.

use std::f64::consts::TAU;

use super::{newest, no_data};
use crate::frame::Area;
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, value};

/// Slices less than this of the whole bear no share.
const SHOWN_SHARE_MIN: f64 = 0.04;

pub(super) fn draw(svg: &mut Svg, chart: &Chart, area: Area) {
    let values: Vec<(usize, f64)> = chart
        .lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((index, newest(line).filter(|value| *value > 0.0)?)))
        .collect();
    let sum: f64 = values.iter().map(|(_, value)| value).sum();
    if !(sum > 0.0 && sum.is_finite()) {
        return no_data(svg, chart, area);
    }
    let center = (area.x + area.width / 2.0, area.y + area.height / 2.0);
    let outer = (area.width.min(area.height) / 2.0 - 4.0).max(1.0);
    let inner = outer * 0.58;
    let mut angle = 0.0;
    for (index, value) in values {
        let share = value / sum;
        let color = chart.line_color(index);
        let more = format!(r#"fill="{color}" stroke="{}" stroke-width="1.5""#, chart.theme.background());
        svg.path(&ring(center, (inner, outer), (angle, angle + share * TAU)), &more);
        if share >= SHOWN_SHARE_MIN {
            let (x, y) = at(center, (inner + outer) / 2.0, angle + share * TAU / 2.0);
            let style = Style { size: 11.0, color: "#ffffff", anchor: Anchor::Middle, bold: true };
            svg.text((x, y + 4.0), &format!("{:.0}%", share * 100.0), outer - inner, style);
        }
        angle += share * TAU;
    }
    let style = Style {
        size: (inner * 0.4).min(28.0),
        color: chart.theme.text(),
        anchor: Anchor::Middle,
        bold: true,
    };
    svg.text((center.0, center.1 + style.size * 0.35), &value::short(sum), inner * 1.8, style);
}

/// A point of a circle; angles begin at the top and go with the clock.
pub(super) fn at(center: (f64, f64), radius: f64, angle: f64) -> (f64, f64) {
    (center.0 + radius * angle.sin(), center.1 - radius * angle.cos())
}

/// A piece of a ring between two radii and two angles.
pub(super) fn ring(center: (f64, f64), (inner, outer): (f64, f64), (from, to): (f64, f64)) -> String {
    // An arc to its own beginning is nothing.
    let to = to.min(from + TAU - 1e-3);
    let long = u8::from(to - from > TAU / 2.0);
    let [a, b, c, d] =
        [at(center, outer, from), at(center, outer, to), at(center, inner, to), at(center, inner, from)];
    format!(
        "M{:.2} {:.2}A{outer:.2} {outer:.2} 0 {long} 1 {:.2} {:.2}L{:.2} {:.2}A{inner:.2} {inner:.2} 0 {long} 0 {:.2} {:.2}Z",
        a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1
    )
}
