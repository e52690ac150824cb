//! # Legends: which colour is which line
//! An **item** is a colour and a label. Items stand in rows below the plot or in a column at its right; those that have no room are
//! counted in the last one.

use crate::font;
use crate::svg::{Anchor, Style, Svg};
use crate::{Chart, Legend};

const SIZE: f64 = 12.0;
const ROW: f64 = 18.0;
const SWATCH: f64 = 10.0;
const GAP: f64 = 16.0;
/// Of the height below, of the width at the right.
const SHARE_MAX: f64 = 0.35;
const LABEL_MAX: f64 = 320.0;

struct Item<'a> {
    label: &'a str,
    color: &'a str,
}

/// A legend that knows where its items stand.
pub(crate) struct Laid<'a> {
    items: Vec<(Item<'a>, f64, f64, f64)>,
    /// Items without room.
    left_out: usize,
    /// How much it takes of the height, or of the width.
    pub(crate) taken: f64,
}

fn items(chart: &Chart) -> Vec<Item<'_>> {
    let lines = chart.lines.iter().enumerate();
    let mut items: Vec<Item<'_>> = lines
        .map(|(index, line)| Item { label: &line.label, color: chart.line_color(index) })
        .filter(|item| !item.label.is_empty())
        .collect();
    for band in chart.bands.iter().filter(|band| !band.label.is_empty()) {
        let color = crate::theme::checked(band.color.as_deref()).unwrap_or(chart.theme.band());
        items.push(Item { label: &band.label, color });
    }
    items
}

/// Lays the legend out: places are relative to its own corner.
pub(crate) fn lay(chart: &Chart, width: f64, height: f64) -> Laid<'_> {
    let items = items(chart);
    if chart.legend == Legend::Hidden || items.is_empty() {
        return Laid { items: Vec::new(), left_out: 0, taken: 0.0 };
    }
    if chart.legend == Legend::Right { column(items, width, height) } else { rows(items, width, height) }
}

fn rows(items: Vec<Item<'_>>, width: f64, height: f64) -> Laid<'_> {
    let rows_max = (height * SHARE_MAX / ROW).floor();
    let (mut x, mut row) = (0.0, 0.0);
    let mut laid = Laid { items: Vec::new(), left_out: 0, taken: 0.0 };
    for item in items {
        let label = font::width(item.label, SIZE).min(LABEL_MAX).min(width - SWATCH - 6.0).max(0.0);
        let wide = SWATCH + 6.0 + label + GAP;
        if x > 0.0 && x + wide - GAP > width {
            (x, row) = (0.0, row + 1.0);
        }
        if row >= rows_max {
            laid.left_out += 1;
            continue;
        }
        laid.items.push((item, x, row * ROW, label));
        laid.taken = (row + 1.0) * ROW + 4.0;
        x += wide;
    }
    laid
}

fn column(items: Vec<Item<'_>>, width: f64, height: f64) -> Laid<'_> {
    let widest = items.iter().map(|item| font::width(item.label, SIZE)).fold(0.0, f64::max);
    let label = widest.min(LABEL_MAX).min(width * SHARE_MAX - SWATCH - 6.0).max(0.0);
    let fit = (height / ROW).floor() as usize;
    let left_out = items.len().saturating_sub(fit);
    let place = |(row, item)| (item, 0.0, row as f64 * ROW, label);
    let items = items.into_iter().take(fit).enumerate().map(place).collect();
    Laid { items, left_out, taken: SWATCH + 6.0 + label + GAP }
}

impl Laid<'_> {
    pub(crate) fn draw(&self, svg: &mut Svg, corner: (f64, f64), color: &str) {
        let style = Style { size: SIZE, color, anchor: Anchor::Start, bold: false };
        for (at, (item, x, y, room)) in self.items.iter().enumerate() {
            let (x, y) = (corner.0 + x, corner.1 + y);
            svg.rect((x, y + 4.0), (SWATCH, SWATCH), item.color, r#"rx="2""#);
            let is_last = at + 1 == self.items.len();
            let more =
                if is_last && self.left_out > 0 { format!(" (+{})", self.left_out) } else { String::new() };
            svg.text(
                (x + SWATCH + 6.0, y + 13.0),
                &format!("{}{more}", item.label),
                room + font::width(&more, SIZE),
                style,
            );
        }
    }
}
