//! The font of pictures, and how wide texts are in it.

use std::borrow::Cow;
use std::sync::LazyLock;

use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

pub(crate) const FAMILY: &str = "Noto Sans";
pub(crate) const REGULAR: &[u8] = notosans::REGULAR_TTF;
pub(crate) const BOLD: &[u8] = notosans::BOLD_TTF;

/// Advances of the printable ASCII characters in thousandths of the size; others are as wide as an `m`.
static ADVANCES: LazyLock<[f32; 95]> = LazyLock::new(|| {
    let mut advances = [600.0; 95];
    if let Ok(font) = FontRef::new(REGULAR) {
        let metrics = font.glyph_metrics(Size::new(1_000.0), LocationRef::default());
        let map = font.charmap();
        for (at, advance) in advances.iter_mut().enumerate() {
            let letter = char::from_u32(0x20 + at as u32);
            let glyph = letter.and_then(|letter| map.map(letter));
            *advance = glyph.and_then(|glyph| metrics.advance_width(glyph)).unwrap_or(600.0);
        }
    }
    advances
});

/// Pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let of = |letter: char| {
        let at = (letter as usize).checked_sub(0x20).filter(|at| *at < ADVANCES.len());
        f64::from(at.map_or(ADVANCES['m' as usize - 0x20], |at| ADVANCES[at]))
    };
    text.chars().map(of).sum::<f64>() * size / 1_000.0
}

/// A text that is no wider than `room`, with an ellipsis for what does not fit.
pub(crate) fn fitted(text: &str, size: f64, room: f64) -> Cow<'_, str> {
    if width(text, size) <= room {
        return text.into();
    }
    let room = room - width("…", size);
    let mut taken = 0.0;
    let mut short = String::new();
    for letter in text.chars() {
        taken += width(letter.encode_utf8(&mut [0; 4]), size);
        if taken > room {
            break;
        }
        short.push(letter);
    }
    if !short.is_empty() || room > 0.0 {
        short.push('…');
    }
    short.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_fit() {
        assert!(width("i", 10.0) < width("m", 10.0));
        assert_eq!(fitted("short", 10.0, 100.0), "short");
        let long = fitted("a rather long text", 10.0, 40.0);
        assert!(long.ends_with('…') && width(&long, 10.0) <= 40.0, "{long}");
        assert_eq!(fitted("text", 10.0, 0.0), "");
    }
}
