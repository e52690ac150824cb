//! Reads JSON from front to back, where it stands: containers that are asked for are entered, all else is
//! passed over.
//!
//! **Invariants:** every value begins and ends inside the text; a container that was entered is checked for
//! its brackets, commas and colons; what is passed over is only counted out (`scan`).
//! **Not here:** values to look at later (`value`).

use super::splitter::RECORD_BYTES_MAX;
use super::value::{Kind, Malformed, Value, resolved};
use keywatch_json::scan::{self, StringEnd};
use std::borrow::Cow;

/// A place in a text.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    /// Offset of the next byte.
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Before the first byte of `text`, which may go on after the value that is wanted; nothing is read beyond
    /// [`RECORD_BYTES_MAX`].
    pub fn new(text: &'a [u8]) -> Self {
        Self { text: &text[..text.len().min(RECORD_BYTES_MAX)], at: 0 }
    }

    #[inline]
    pub(super) fn inside(text: &'a [u8], at: usize) -> Self {
        Self { text, at }
    }

    /// How many bytes were read.
    #[inline]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Reads a value of any type.
    #[inline]
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let first = self.peek()?;
        let start = self.at;
        let (end, kind) = match first {
            b'"' => {
                let StringEnd { end, has_escapes } = scan::string(self.text, start)?;
                (end, if has_escapes { Kind::EscapedString } else { Kind::PlainString })
            }
            b'{' | b'[' => (scan::container(self.text, start)?, Kind::Container),
            _ => (scan::scalar(self.text, start)?, Kind::Scalar),
        };
        self.at = end;
        Ok(self.value_from(start, kind))
    }

    /// Enters an object: `member` is called with each name, its escapes resolved, and reads the value. Of
    /// another type the value is read without a call.
    #[inline]
    pub fn object(
        &mut self,
        mut member: impl FnMut(&[u8], &mut Self) -> Result<(), Malformed>,
    ) -> Result<Value<'a>, Malformed> {
        self.entered(b'{', |cursor| {
            let owned;
            let name = match cursor.name()? {
                Cow::Borrowed(name) => name,
                Cow::Owned(name) => {
                    owned = name;
                    &owned
                }
            };
            member(name, cursor)
        })
    }

    /// Enters an array: `element` is called before each element and reads it. Of another type the value is
    /// read without a call.
    #[inline]
    pub fn array(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<Value<'a>, Malformed> {
        self.entered(b'[', element)
    }

    /// What was read from `start` on. A text is a record and what follows it within its limit of size, so that
    /// lengths are below 2^32.
    #[inline]
    fn value_from(&self, start: usize, kind: Kind) -> Value<'a> {
        Value { text: &self.text[start..], length: (self.at - start) as u32, kind }
    }

    #[inline]
    fn entered(
        &mut self,
        open: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<Value<'a>, Malformed> {
        if self.peek()? != open {
            return self.value();
        }
        let start = self.at;
        let close = closing(open);
        self.pass();
        if self.peek()? != close {
            loop {
                item(self)?;
                match self.peek()? {
                    b',' => self.pass(),
                    byte if byte == close => break,
                    _ => return Err(Malformed::Grammar),
                }
            }
        }
        self.pass();
        Ok(self.value_from(start, Kind::Container))
    }

    /// The byte at the next place that is no blank.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Malformed> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            _ => {
                self.at = scan::blanks(self.text, self.at);
                self.text.get(self.at).copied().ok_or(Malformed::Grammar)
            }
        }
    }

    /// Goes on after the byte that [`Cursor::peek`] found.
    #[inline]
    pub(super) fn pass(&mut self) {
        self.at += 1;
    }

    /// Reads a member's name and the colon.
    #[inline]
    pub(super) fn name(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        if self.peek()? != b'"' {
            return Err(Malformed::Grammar);
        }
        let open = self.at;
        let StringEnd { end, has_escapes } = scan::string(self.text, open)?;
        self.at = end;
        if self.peek()? != b':' {
            return Err(Malformed::Grammar);
        }
        self.pass();
        if has_escapes && let Some(name) = resolved(&self.text[open..end]) {
            return Ok(Cow::Owned(name.into_bytes()));
        }
        Ok(Cow::Borrowed(&self.text[open + 1..end - 1]))
    }
}

/// In ASCII each closing bracket is two after its opening one.
#[inline]
pub(super) fn closing(open: u8) -> u8 {
    open + 2
}
