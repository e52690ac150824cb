//! SVG text.

use std::fmt::Write as _;

use crate::font::{FAMILY, fitted};

/// Where a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style<'a> {
    pub(crate) size: f64,
    pub(crate) color: &'a str,
    pub(crate) anchor: Anchor,
    pub(crate) bold: bool,
}

/// An SVG that grows.
#[derive(Debug)]
pub(crate) struct Svg {
    text: String,
}

impl Svg {
    pub(crate) fn new(width: u32, height: u32, background: &str) -> Self {
        let text = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FAMILY}, sans-serif"><rect width="100%" height="100%" fill="{background}"/>"#
        );
        Self { text }
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>");
        self.text
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(element);
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, more: &str) {
        self.add(format_args!(
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{color}" {more}/>"#,
            from.0, from.1, to.0, to.1
        ));
    }

    pub(crate) fn rect(&mut self, corner: (f64, f64), size: (f64, f64), color: &str, more: &str) {
        self.add(format_args!(
            r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="{color}" {more}/>"#,
            corner.0,
            corner.1,
            size.0.max(0.0),
            size.1.max(0.0)
        ));
    }

    pub(crate) fn circle(&mut self, center: (f64, f64), radius: f64, color: &str) {
        self.add(format_args!(
            r#"<circle cx="{:.1}" cy="{:.1}" r="{radius:.1}" fill="{color}"/>"#,
            center.0, center.1
        ));
    }

    /// `data` holds the commands of a path: numbers and letters.
    pub(crate) fn path(&mut self, data: &str, attributes: &str) {
        self.add(format_args!(r#"<path d="{data}" {attributes}/>"#));
    }

    /// Until [`close`](Self::close), nothing is drawn outside of a rectangle.
    pub(crate) fn clip(&mut self, corner: (f64, f64), size: (f64, f64)) {
        self.add(format_args!(
            r##"<clipPath id="plot"><rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}"/></clipPath><g clip-path="url(#plot)">"##,
            corner.0,
            corner.1,
            size.0.max(0.0),
            size.1.max(0.0)
        ));
    }

    pub(crate) fn close(&mut self) {
        self.text.push_str("</g>");
    }

    /// A text no wider than `room`; nothing where none of it fits.
    pub(crate) fn text(&mut self, at: (f64, f64), text: &str, room: f64, style: Style<'_>) {
        self.text_with(at, text, room, style, "");
    }

    /// A text that is read from below.
    pub(crate) fn turned(&mut self, at: (f64, f64), text: &str, room: f64, style: Style<'_>) {
        let turn = format!(r#" transform="rotate(-90 {:.1} {:.1})""#, at.0, at.1);
        self.text_with(at, text, room, style, &turn);
    }

    fn text_with(&mut self, at: (f64, f64), text: &str, room: f64, style: Style<'_>, more: &str) {
        let fitted = fitted(text, style.size, room);
        if fitted.is_empty() {
            return;
        }
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if style.bold { r#" font-weight="bold""# } else { "" };
        self.add(format_args!(
            r#"<text x="{:.1}" y="{:.1}" font-size="{:.1}" fill="{}" text-anchor="{anchor}"{weight}{more}>"#,
            at.0, at.1, style.size, style.color
        ));
        for letter in fitted.chars() {
            match letter {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                // Control characters are not allowed in XML.
                letter if letter.is_control() => self.text.push(' '),
                '\u{fffe}' | '\u{ffff}' => self.text.push('\u{fffd}'),
                letter => self.text.push(letter),
            }
        }
        self.text.push_str("</text>");
    }
}
