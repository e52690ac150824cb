//! Grid, ticks and labels around a plot over time.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::frame::{Frame, LABEL};
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, Second, value};

const DAY: Second = 86_400;

pub(super) fn draw(svg: &mut Svg, chart: &Chart, frame: &Frame) {
    let theme = chart.theme;
    let (left, right) = (frame.plot.x, frame.plot.x + frame.plot.width);
    let style = Style { size: LABEL, color: theme.faint_text(), anchor: Anchor::End, bold: false };
    for tick in &frame.left.ticks {
        let y = frame.y(*tick, false);
        svg.line((left, y), (right, y), theme.grid(), "");
        svg.text((left - 6.0, y + 4.0), &value::short(*tick), left, style);
    }
    if let Some(scale) = &frame.right {
        let style = Style { anchor: Anchor::Start, ..style };
        for tick in &scale.ticks {
            let y = frame.y(*tick, true);
            svg.text((right + 6.0, y + 4.0), &value::short(*tick), left, style);
        }
    }
    svg.line((left, frame.bottom()), (right, frame.bottom()), theme.axis(), "");
    let style = Style { anchor: Anchor::Middle, ..style };
    for time in &frame.times {
        let x = frame.x(*time);
        svg.line((x, frame.bottom()), (x, frame.bottom() + 4.0), theme.axis(), "");
        svg.text(
            (x, frame.bottom() + 15.0),
            &time_label(*time, frame.time_step, chart.offset_seconds),
            78.0,
            style,
        );
    }
    names(svg, chart, frame, style);
}

/// What the axes count, written along them.
fn names(svg: &mut Svg, chart: &Chart, frame: &Frame, style: Style<'_>) {
    let middle = frame.plot.y + frame.plot.height / 2.0;
    let edges = [(&chart.left, 10.0), (&chart.right, f64::from(chart.width) - 10.0)];
    for (axis, x) in edges.into_iter().filter(|(axis, _)| !axis.label.is_empty()) {
        svg.turned((x, middle), &axis.label, frame.plot.height, style);
    }
}

/// Seconds where they matter, days from one day on.
fn time_label(time: Second, step: Second, offset: i32) -> String {
    let (Ok(time), Ok(offset)) = (Timestamp::from_second(time), Offset::from_seconds(offset)) else {
        return String::new();
    };
    let local = offset.to_datetime(time);
    let is_midnight = local.hour() == 0 && local.minute() == 0 && local.second() == 0;
    let form = match step {
        ..60 => "%H:%M:%S",
        60..DAY if !is_midnight => "%H:%M",
        _ => "%b %-d",
    };
    local.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::time_label;

    #[test]
    fn labels() {
        let noon = 1_700_049_600 - 1_700_049_600 % 86_400 + 43_200;
        assert_eq!(time_label(noon, 3_600, 0), "12:00");
        assert_eq!(time_label(noon, 10, 0), "12:00:00");
        assert_eq!(time_label(noon - 43_200, 3_600, 0), "Nov 15");
        assert_eq!(time_label(noon, 86_400, 0), "Nov 15");
        assert_eq!(time_label(noon, 3_600, 19_800), "17:30");
        assert_eq!(time_label(i64::MAX, 1, 0), "");
    }
}
