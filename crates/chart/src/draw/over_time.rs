//! Lines and stacked areas over time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{axes, marks, no_data};
use crate::frame::{Area, Frame};
use crate::svg::Svg;
use crate::{Chart, Line, Second, View};

/// Points of one line that a picture can tell apart: two for each pixel.
const POINTS_PER_PIXEL: usize = 2;

pub(super) fn draw(svg: &mut Svg, chart: &Chart, area: Area) {
    let stacks = if chart.view == View::Stacked { stacked(&chart.lines) } else { Vec::new() };
    let frame = Frame::new(chart, area, &stacks);
    axes::draw(svg, chart, &frame);
    let plot = frame.plot;
    svg.clip((plot.x, plot.y - 2.0), (plot.width, plot.height + 3.0));
    marks::behind(svg, chart, &frame);
    for (index, stack) in stacks.iter().enumerate() {
        draw_area(svg, chart.line_color(index), &frame, stack);
    }
    if chart.view == View::Lines {
        for (index, line) in chart.lines.iter().enumerate() {
            draw_line(svg, chart.line_color(index), &frame, line);
        }
    }
    marks::before(svg, chart, &frame);
    svg.close();
    if chart.lines.iter().all(|line| line.points.is_empty()) && chart.bands.is_empty() {
        no_data(svg, chart, plot);
    }
}

/// Each line's lower and upper edge when it lies upon those before it; where it has no point it is zero.
fn stacked(lines: &[Line]) -> Vec<Vec<(Second, f64, f64)>> {
    let mut heights: BTreeMap<Second, f64> = BTreeMap::new();
    for (time, _) in lines.iter().flat_map(|line| &line.points) {
        heights.insert(*time, 0.0);
    }
    let stack = |line: &Line| {
        let own: BTreeMap<Second, f64> =
            line.points.iter().copied().filter(|point| point.1.is_finite()).collect();
        let edges = heights.iter_mut().map(|(time, height)| {
            let low = *height;
            *height += own.get(time).copied().unwrap_or(0.0);
            (*time, low, *height)
        });
        edges.collect()
    };
    lines.iter().map(stack).collect()
}

fn draw_area(svg: &mut Svg, color: &str, frame: &Frame, edges: &[(Second, f64, f64)]) {
    let (mut upper, mut lower) = (String::new(), String::new());
    for (at, (time, _, high)) in edges.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        let _ = write!(upper, "{letter}{:.1} {:.1}", frame.x(*time), frame.y(*high, false));
    }
    for (time, low, _) in edges.iter().rev() {
        let _ = write!(lower, "L{:.1} {:.1}", frame.x(*time), frame.y(*low, false));
    }
    if edges.is_empty() {
        return;
    }
    svg.path(&format!("{upper}{lower}Z"), &format!(r#"fill="{color}" fill-opacity="0.55""#));
    svg.path(&upper, &format!(r#"fill="none" stroke="{color}" stroke-width="1.5""#));
}

/// A line that breaks where points are missing; a point without neighbours is a dot.
fn draw_line(svg: &mut Svg, color: &str, frame: &Frame, line: &Line) {
    let apart = line.period.saturating_mul(2).max(1);
    let finite: Vec<(Second, f64)> =
        line.points.iter().copied().filter(|point| point.1.is_finite()).collect();
    let points = thinned(&finite, frame.plot.width as usize * POINTS_PER_PIXEL);
    // Thinned points are further apart than the period.
    let apart = if points.len() < finite.len() { Second::MAX } else { apart };
    let mut data = String::new();
    for run in points.chunk_by(|one, next| next.0.saturating_sub(one.0) < apart) {
        let place = |point: &(Second, f64)| (frame.x(point.0), frame.y(point.1, line.on_right));
        if let [alone] = run {
            svg.circle(place(alone), 2.5, color);
            continue;
        }
        for (at, point) in run.iter().enumerate() {
            let (x, y) = place(point);
            let letter = if at == 0 { 'M' } else { 'L' };
            let _ = write!(data, "{letter}{x:.1} {y:.1}");
        }
    }
    if !data.is_empty() {
        svg.path(
            &data,
            &format!(r#"fill="none" stroke="{color}" stroke-width="1.8" stroke-linejoin="round""#),
        );
    }
}

/// At most `max` points, of which the extremes stay: of each piece the least and the greatest.
fn thinned(points: &[(Second, f64)], max: usize) -> Vec<(Second, f64)> {
    let max = max.max(4);
    if points.len() <= max {
        return points.to_vec();
    }
    let piece = points.len().div_ceil(max / 2);
    let extremes = |piece: &[(Second, f64)]| {
        let by_value = |one: &&(Second, f64), other: &&(Second, f64)| one.1.total_cmp(&other.1);
        let mut two: Vec<(Second, f64)> = [piece.iter().min_by(by_value), piece.iter().max_by(by_value)]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        two.sort_by_key(|point| point.0);
        two.dedup();
        two
    };
    points.chunks(piece).flat_map(extremes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(Second, f64)]) -> Line {
        Line { label: String::new(), color: None, on_right: false, period: 60, points: points.to_vec() }
    }

    #[test]
    fn stacks() {
        let stacks = stacked(&[line(&[(0, 1.0), (60, 2.0)]), line(&[(60, 3.0), (120, 4.0)])]);
        assert_eq!(stacks[0], [(0, 0.0, 1.0), (60, 0.0, 2.0), (120, 0.0, 0.0)]);
        assert_eq!(stacks[1], [(0, 1.0, 1.0), (60, 2.0, 5.0), (120, 0.0, 4.0)]);
    }

    #[test]
    fn thinning_keeps_extremes() {
        let points: Vec<(Second, f64)> =
            (0..10_000).map(|at| (at, if at == 5_003 { 100.0 } else { 1.0 })).collect();
        let thin = thinned(&points, 100);
        assert!(thin.len() <= 100 && thin.contains(&(5_003, 100.0)), "{}", thin.len());
        assert!(thin.is_sorted_by_key(|point| point.0));
        assert_eq!(thinned(&points[..50], 100), &points[..50]);
    }
}
