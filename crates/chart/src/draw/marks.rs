//! Levels, moments and bands.

use std::fmt::Write as _;

use crate::frame::{Frame, LABEL};
use crate::svg::{Anchor, Style, Svg};
use crate::theme::checked;
use crate::{Band, Chart, Fill};

const SHADE: &str = r#"fill-opacity="0.15""#;
const DASHES: &str = r#"stroke-dasharray="5 4" stroke-width="1.5""#;

/// What lies behind the lines.
pub(super) fn behind(svg: &mut Svg, chart: &Chart, frame: &Frame) {
    let plot = frame.plot;
    for band in &chart.bands {
        draw_band(svg, chart, frame, band);
    }
    for level in &chart.levels {
        let color = checked(level.color.as_deref()).unwrap_or(chart.theme.mark());
        let y = frame.y(level.value, level.on_right);
        let (top, bottom) = match (level.until, level.fill) {
            (Some(until), _) => {
                let other = frame.y(until, level.on_right);
                (y.min(other), y.max(other))
            }
            (None, Fill::Beyond) => (plot.y, y),
            (None, Fill::Before) => (y, frame.bottom()),
            (None, Fill::None) => continue,
        };
        svg.rect((plot.x, top), (plot.width, bottom - top), color, SHADE);
    }
    for moment in &chart.moments {
        let color = checked(moment.color.as_deref()).unwrap_or(chart.theme.mark());
        let x = frame.x(moment.time);
        let (from, to) = match (moment.until, moment.fill) {
            (Some(until), _) => (x.min(frame.x(until)), x.max(frame.x(until))),
            (None, Fill::Beyond) => (x, plot.x + plot.width),
            (None, Fill::Before) => (plot.x, x),
            (None, Fill::None) => continue,
        };
        svg.rect((from, plot.y), (to - from, plot.height), color, SHADE);
    }
}

/// What lies before the lines.
pub(super) fn before(svg: &mut Svg, chart: &Chart, frame: &Frame) {
    let plot = frame.plot;
    for level in &chart.levels {
        let color = checked(level.color.as_deref()).unwrap_or(chart.theme.mark());
        for value in [Some(level.value), level.until].into_iter().flatten() {
            let y = frame.y(value, level.on_right);
            svg.line((plot.x, y), (plot.x + plot.width, y), color, DASHES);
        }
        let y = frame.y(level.value, level.on_right);
        let y = if y - 4.0 < plot.y + LABEL { y + LABEL + 3.0 } else { y - 4.0 };
        let style = Style { size: LABEL, color, anchor: Anchor::Start, bold: true };
        svg.text((plot.x + 6.0, y), &level.label, plot.width - 12.0, style);
    }
    for moment in &chart.moments {
        let color = checked(moment.color.as_deref()).unwrap_or(chart.theme.mark());
        for time in [Some(moment.time), moment.until].into_iter().flatten() {
            let x = frame.x(time);
            svg.line((x, plot.y), (x, frame.bottom()), color, DASHES);
        }
        let x = frame.x(moment.time);
        let (x, anchor, room) = if x > plot.x + plot.width * 0.7 {
            (x - 4.0, Anchor::End, x - plot.x)
        } else {
            (x + 4.0, Anchor::Start, plot.x + plot.width - x)
        };
        svg.text(
            (x, plot.y + LABEL + 1.0),
            &moment.label,
            room,
            Style { size: LABEL, color, anchor, bold: true },
        );
    }
}

fn draw_band(svg: &mut Svg, chart: &Chart, frame: &Frame, band: &Band) {
    let color = checked(band.color.as_deref()).unwrap_or(chart.theme.band());
    let joined = |points: &[(i64, f64, f64)]| {
        let mut data = String::new();
        for (at, (time, _, upper)) in points.iter().enumerate() {
            let letter = if at == 0 { 'M' } else { 'L' };
            let _ = write!(data, "{letter}{:.1} {:.1}", frame.x(*time), frame.y(*upper, band.on_right));
        }
        for (time, lower, _) in points.iter().rev() {
            let _ = write!(data, "L{:.1} {:.1}", frame.x(*time), frame.y(*lower, band.on_right));
        }
        data.push('Z');
        data
    };
    let finite: Vec<_> = band
        .points
        .iter()
        .copied()
        .filter(|(_, lower, upper)| lower.is_finite() && upper.is_finite())
        .collect();
    let apart = band.period.saturating_mul(2).max(1);
    for run in finite.chunk_by(|one, next| next.0.saturating_sub(one.0) < apart) {
        svg.path(
            &joined(run),
            &format!(r#"fill="{color}" fill-opacity="0.3" stroke="{color}" stroke-opacity="0.5""#),
        );
    }
}
