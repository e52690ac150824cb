//! # Frames: where the parts of a chart over time stand
//! The **plot** is what the axes enclose; labels, title and legend stand around it.

use crate::scale::{Scale, times};
use crate::{Axis, Chart, Legend, Second, View, font, legend, value};

pub(crate) const LABEL: f64 = 11.0;
pub(crate) const TITLE: f64 = 16.0;
pub(crate) const MARGIN: f64 = 12.0;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// What is left of the picture after title and legend, and the legend.
pub(crate) struct Inner<'a> {
    pub(crate) area: Area,
    pub(crate) legend: legend::Laid<'a>,
    pub(crate) legend_corner: (f64, f64),
}

pub(crate) fn inner(chart: &Chart) -> Inner<'_> {
    let (width, height) = (f64::from(chart.width), f64::from(chart.height));
    let top = MARGIN + if chart.title.is_empty() { 0.0 } else { TITLE + 10.0 };
    let room = (width - 2.0 * MARGIN, height - top - MARGIN);
    let legend = legend::lay(chart, room.0, room.1);
    let mut area = Area { x: MARGIN, y: top, width: room.0.max(1.0), height: room.1.max(1.0) };
    let legend_corner = if chart.legend == Legend::Right {
        area.width = (area.width - legend.taken).max(1.0);
        (MARGIN + area.width + 8.0, top)
    } else {
        area.height = (area.height - legend.taken).max(1.0);
        (MARGIN, top + area.height + 4.0)
    };
    Inner { area, legend, legend_corner }
}

/// A plot over time with its scales.
pub(crate) struct Frame {
    pub(crate) plot: Area,
    pub(crate) left: Scale,
    pub(crate) right: Option<Scale>,
    pub(crate) times: Vec<Second>,
    pub(crate) time_step: Second,
    start: Second,
    end: Second,
}

impl Frame {
    pub(crate) fn new(chart: &Chart, area: Area, stacked: &[Vec<(Second, f64, f64)>]) -> Self {
        let count = ((area.height / 45.0) as usize).clamp(2, 8);
        let left = scale(chart, &chart.left, false, stacked, count);
        let has_right = chart.lines.iter().any(|line| line.on_right) && chart.view == View::Lines;
        let right = has_right.then(|| scale(chart, &chart.right, true, stacked, count));
        let room = |scale: &Scale, axis: &Axis| {
            let labels = scale.ticks.iter().map(|tick| font::width(&value::short(*tick), LABEL));
            labels.fold(0.0, f64::max) + 8.0 + if axis.label.is_empty() { 0.0 } else { LABEL + 6.0 }
        };
        let before = room(&left, &chart.left).min(area.width * 0.3);
        let after = right.as_ref().map_or(10.0, |scale| room(scale, &chart.right)).min(area.width * 0.3);
        let plot = Area {
            x: area.x + before,
            y: area.y + 4.0,
            width: (area.width - before - after).max(1.0),
            height: (area.height - LABEL - 14.0).max(1.0),
        };
        let count = ((plot.width / 80.0) as usize).clamp(1, 12);
        let (times, time_step) = times(chart.start, chart.end, chart.offset_seconds, count);
        Self { plot, left, right, times, time_step, start: chart.start, end: chart.end }
    }

    pub(crate) fn x(&self, time: Second) -> f64 {
        let span = self.end.saturating_sub(self.start).max(1) as f64;
        // Far outside is as good as just outside.
        let place = (time.saturating_sub(self.start) as f64 / span).clamp(-1.0, 2.0);
        self.plot.x + place * self.plot.width
    }

    pub(crate) fn y(&self, value: f64, on_right: bool) -> f64 {
        let scale = self.right.as_ref().filter(|_| on_right).unwrap_or(&self.left);
        self.plot.y + (1.0 - scale.place(value).clamp(-1.0, 2.0)) * self.plot.height
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.plot.y + self.plot.height
    }
}

/// The scale of one side, for all that is drawn by it.
fn scale(
    chart: &Chart,
    axis: &Axis,
    right: bool,
    stacked: &[Vec<(Second, f64, f64)>],
    count: usize,
) -> Scale {
    let levels = chart.levels.iter().filter(|level| level.on_right == right);
    let levels = levels.flat_map(|level| [Some(level.value), level.until]).flatten();
    if chart.view == View::Stacked {
        let sums = stacked.iter().flatten().flat_map(|(_, low, high)| [*low, *high]);
        return Scale::of(sums.chain(levels).chain([0.0]), axis.min, axis.max, count);
    }
    let shown = |time: Second| (chart.start..=chart.end).contains(&time);
    let lines = chart.lines.iter().filter(|line| line.on_right == right);
    let points = lines.flat_map(|line| &line.points).filter(|point| shown(point.0)).map(|point| point.1);
    let bands = chart.bands.iter().filter(|band| band.on_right == right);
    let bands = bands
        .flat_map(|band| &band.points)
        .filter(|point| shown(point.0))
        .flat_map(|point| [point.1, point.2]);
    Scale::of(points.chain(bands).chain(levels), axis.min, axis.max, count)
}
