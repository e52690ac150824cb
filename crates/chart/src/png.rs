//! SVG text painted to a PNG.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

use crate::{Chart, font};

/// A picture that could not be painted.
#[derive(Debug, thiserror::Error)]
#[error("the picture could not be painted: {0}")]
pub struct PictureError(String);

/// Only the font that comes with the program: pictures look the same everywhere.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in [font::REGULAR, font::BOLD] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family(font::FAMILY);
    Arc::new(fonts)
});

/// The chart as a PNG; a few milliseconds of work.
///
/// # Errors
/// None of these is expected: the SVG is our own.
pub fn png(chart: &Chart) -> Result<Vec<u8>, PictureError> {
    let failed = |error: &dyn std::fmt::Display| PictureError(error.to_string());
    let options =
        Options { fontdb: FONTS.clone(), font_family: font::FAMILY.to_owned(), ..Options::default() };
    let tree = Tree::from_str(&chart.svg(), &options).map_err(|error| failed(&error))?;
    let mut pixels = Pixmap::new(chart.width, chart.height).ok_or_else(|| failed(&"a side has no length"))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| failed(&error))
}
