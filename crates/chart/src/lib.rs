//! # Charts: numbers over time as pictures
//! A **chart** is what is to be seen: **lines** of points, **bands** around them, **marks** across them, two **axes**, a legend.
//! It is laid out once (`frame.rs`), written as SVG (`draw/`), and the SVG is painted to a PNG (`png.rs`).
//! **Invariants:** whatever the numbers are, the picture has the size asked for and a bounded number of shapes; all text is escaped;
//! the same chart gives the same bytes.
//! **Not here:** where the numbers come from.

mod draw;
mod font;
mod frame;
mod legend;
mod png;
mod scale;
mod svg;
mod theme;
mod value;

pub use png::{PictureError, png};
pub use theme::Theme;

/// A point in time in seconds since 1970-01-01 UTC.
pub type Second = i64;

/// The longest side in pixels.
pub const SIDE_MAX: u32 = 2_000;

/// A picture to be drawn.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Pixels, 1 to [`SIDE_MAX`].
    pub width: u32,
    /// Pixels, 1 to [`SIDE_MAX`].
    pub height: u32,
    pub theme: Theme,
    pub title: String,
    pub view: View,
    /// The time from the left edge to the right one.
    pub start: Second,
    pub end: Second,
    /// How far labels of times are ahead of UTC.
    pub offset_seconds: i32,
    pub lines: Vec<Line>,
    pub bands: Vec<Band>,
    pub left: Axis,
    pub right: Axis,
    pub levels: Vec<Level>,
    pub moments: Vec<Moment>,
    pub legend: Legend,
    /// Some data could not be read; the picture says so.
    pub incomplete: bool,
}

/// How lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Lines,
    /// Areas, one upon the other.
    Stacked,
    /// The newest value of each line as a bar.
    Bar,
    /// The newest value of each line as a slice.
    Pie,
    /// The newest value of each line as a number.
    Number,
    /// The newest value of the first line on a dial between the left axis's bounds.
    Gauge,
}

/// A line and what it is called.
#[derive(Debug, Clone)]
pub struct Line {
    pub label: String,
    /// `#rrggbb`; otherwise one of the theme's.
    pub color: Option<String>,
    pub on_right: bool,
    /// Seconds between points; the line breaks where one is missing.
    pub period: Second,
    /// Oldest first.
    pub points: Vec<(Second, f64)>,
}

/// Between which values a line was expected.
#[derive(Debug, Clone)]
pub struct Band {
    pub label: String,
    pub color: Option<String>,
    pub on_right: bool,
    pub period: Second,
    /// Time, lower and upper value, oldest first.
    pub points: Vec<(Second, f64, f64)>,
}

/// The axis of values at one side.
#[derive(Debug, Clone, Default)]
pub struct Axis {
    pub label: String,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// A mark across all times.
#[derive(Debug, Clone)]
pub struct Level {
    pub value: f64,
    /// The other side of a band of values.
    pub until: Option<f64>,
    pub label: String,
    pub color: Option<String>,
    pub on_right: bool,
    pub fill: Fill,
}

/// A mark across all values.
#[derive(Debug, Clone)]
pub struct Moment {
    pub time: Second,
    /// The other end of a span of time.
    pub until: Option<Second>,
    pub label: String,
    pub color: Option<String>,
    pub fill: Fill,
}

/// Which side of a mark is shaded: above a level or after a moment, or the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    #[default]
    None,
    Beyond,
    Before,
}

/// Where the legend stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Legend {
    #[default]
    Bottom,
    Right,
    Hidden,
}

impl Chart {
    /// An empty chart of lines.
    pub fn new(width: u32, height: u32, start: Second, end: Second) -> Self {
        Self {
            width: width.clamp(1, SIDE_MAX),
            height: height.clamp(1, SIDE_MAX),
            theme: Theme::Light,
            title: String::new(),
            view: View::Lines,
            start,
            end: end.max(start.saturating_add(1)),
            offset_seconds: 0,
            lines: Vec::new(),
            bands: Vec::new(),
            left: Axis::default(),
            right: Axis::default(),
            levels: Vec::new(),
            moments: Vec::new(),
            legend: Legend::default(),
            incomplete: false,
        }
    }

    /// The picture as SVG text.
    pub fn svg(&self) -> String {
        draw::draw(self)
    }

    /// The colour of the line at `index`.
    fn line_color(&self, index: usize) -> &str {
        let own = self.lines.get(index).and_then(|line| line.color.as_deref());
        theme::checked(own).unwrap_or_else(|| self.theme.line(index))
    }
}

#[cfg(test)]
mod tests;
