//! Walks one record's JSON where it stands, without building a tree.
//!
//! A **value** is a slice of the text. What is asked for is walked, all else is passed over.
//! **Invariants:** nothing here recurses, so nesting costs no stack; every slice lies inside the text; what is
//! walked over is checked for its brackets, commas and colons, and scalars are checked when they are read.
//! **Not here:** finding the ends of values (`cursor`), and what a CloudTrail record must hold (`record`).

use super::cursor::{Cursor, closing};
use std::borrow::Cow;

pub use keywatch_json::{DEPTH_MAX, Malformed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string whose text is what stands between its quotes.
    PlainString,
    EscapedString,
    /// An object or an array.
    Container,
    /// A number or a literal.
    Scalar,
}

/// One JSON value of a record.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    /// Begins with the value and may go on after it.
    pub(super) text: &'a [u8],
    /// In bytes. A record has fewer than 2^32.
    pub(super) length: u32,
    pub(super) kind: Kind,
}

impl<'a> Value<'a> {
    /// The value's JSON text, without blanks around it.
    #[inline]
    pub fn json(&self) -> &'a [u8] {
        &self.text[..self.length as usize]
    }

    /// The text of a string with its escapes resolved; bytes that are not UTF-8 become U+FFFD. `None` for
    /// every other type and for a malformed string.
    #[inline]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self.as_bytes()? {
            // Almost all text is valid, and checking that alone is fastest.
            Cow::Borrowed(bytes) => Some(match str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            }),
            Cow::Owned(bytes) => Some(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())),
        }
    }

    /// The text of a string with its escapes resolved, not checked for being UTF-8. `None` as for
    /// [`Value::as_str`].
    #[inline]
    pub fn as_bytes(&self) -> Option<Cow<'a, [u8]>> {
        match self.kind {
            Kind::PlainString => Some(Cow::Borrowed(&self.text[1..self.length as usize - 1])),
            Kind::EscapedString => resolved(self.json()).map(|text| Cow::Owned(text.into_bytes())),
            Kind::Container | Kind::Scalar => None,
        }
    }

    /// Whether the value is the literal `true`.
    pub fn is_true(&self) -> bool {
        self.json() == b"true"
    }

    /// The members of an object, none for every other type.
    #[inline]
    pub fn members(&self) -> Members<'a> {
        Members(Walk::inside(self.text, b'{'))
    }

    /// The elements of an array, none for every other type.
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements(Walk::inside(self.text, b'['))
    }

    /// The member of that name, of an object without malformed members before it.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.members()
            .map_while(Result::ok)
            .find(|(key, _)| **key == *name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The text of the string member of that name.
    pub fn get_str(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.as_str()
    }
}

/// The text of a string with escapes.
#[cold]
pub(super) fn resolved(json: &[u8]) -> Option<String> {
    serde_json::from_str(&String::from_utf8_lossy(json)).ok()
}

/// The members of an object: the name, with its escapes resolved, and the value.
#[derive(Debug)]
pub struct Members<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, [u8]>, Value<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let walk = &mut self.0;
        if !walk.has_next() {
            return None;
        }
        let member = walk.cursor.name().and_then(|name| Ok((name, walk.value()?)));
        if member.is_err() {
            walk.place = Place::Over;
        }
        Some(member)
    }
}

/// The elements of an array.
#[derive(Debug)]
pub struct Elements<'a>(Walk<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Value<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let walk = &mut self.0;
        if !walk.has_next() {
            return None;
        }
        let element = walk.value();
        if element.is_err() {
            walk.place = Place::Over;
        }
        Some(element)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After the opening bracket.
    Opened,
    /// After a comma.
    Between,
    /// After the closing bracket or a fault, or in what is no such container.
    Over,
}

/// A position between the members of one object or the elements of one array.
#[derive(Debug)]
struct Walk<'a> {
    cursor: Cursor<'a>,
    close: u8,
    place: Place,
}

impl<'a> Walk<'a> {
    fn inside(text: &'a [u8], open: u8) -> Self {
        let place = if text.first() == Some(&open) { Place::Opened } else { Place::Over };
        Self { cursor: Cursor::inside(text, 1), close: closing(open), place }
    }

    fn has_next(&mut self) -> bool {
        if self.place == Place::Opened && self.cursor.peek() == Ok(self.close) {
            self.place = Place::Over;
        }
        self.place != Place::Over
    }

    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let value = self.cursor.value()?;
        self.place = match self.cursor.peek()? {
            b',' => Place::Between,
            byte if byte == self.close => Place::Over,
            _ => return Err(Malformed::Grammar),
        };
        self.cursor.pass();
        Ok(value)
    }
}
