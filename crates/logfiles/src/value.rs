//! Walks one record's JSON along its marks, without building a tree.
//!
//! A **mark** is the offset of a structural character from the start of its record. A **value** is a slice of
//! the record with the marks inside it.
//! **Invariants:** nothing here recurses, so nesting costs no stack; every slice lies inside the record; what
//! is walked over is checked for its brackets, commas and colons, and scalars are checked when they are read.
//! **Not here:** finding the marks (`lexer`), and what a CloudTrail record must hold (`record`).

use std::borrow::Cow;

/// Nesting beyond this makes a record malformed; AWS nests fewer than twenty levels.
pub const DEPTH_MAX: i32 = 128;

/// What is wrong with a record's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("malformed JSON in a record")]
    Grammar,
    #[error("a record is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// One JSON value of a record.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    record: &'a [u8],
    start: usize,
    end: usize,
    /// For an object or array all its marks with its own brackets, for a scalar none.
    marks: &'a [u32],
}

impl<'a> Value<'a> {
    /// The whole record, an object, with all its marks.
    pub(super) fn whole(record: &'a [u8], marks: &'a [u32]) -> Self {
        Self { record, start: 0, end: record.len(), marks }
    }

    /// The value's JSON text, without blanks around it.
    pub fn json(&self) -> &'a [u8] {
        &self.record[self.start..self.end]
    }

    /// The text of a string with its escapes resolved; bytes that are not UTF-8 become U+FFFD. `None` for
    /// every other type and for a malformed string.
    #[inline]
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        let body = string_body(self.json())?;
        // Without an early end the compiler compares many bytes at a time.
        if body.iter().fold(false, |found, byte| found | (*byte == b'\\') | (*byte == b'"')) {
            let json = String::from_utf8_lossy(self.json());
            return serde_json::from_str::<String>(&json).ok().map(Cow::Owned);
        }
        // Almost all text is valid, and checking that alone is fastest.
        Some(match str::from_utf8(body) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(body),
        })
    }

    /// Whether the value is the literal `true`.
    pub fn is_true(&self) -> bool {
        self.json() == b"true"
    }

    /// The members of an object, none for every other type.
    pub fn members(&self) -> Members<'a> {
        Members(self.walk(b'{', b'}'))
    }

    /// The elements of an array, none for every other type.
    pub fn elements(&self) -> Elements<'a> {
        Elements(self.walk(b'[', b']'))
    }

    /// The member of that name, of an object without malformed members before it.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.members().map_while(Result::ok).find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// The text of the string member of that name.
    pub fn get_str(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name)?.as_str()
    }

    fn walk(&self, open: u8, close: u8) -> Walk<'a> {
        let is_container = !self.marks.is_empty() && self.record[self.start] == open;
        Walk {
            record: self.record,
            marks: self.marks,
            close,
            next: 1,
            text_start: self.start + 1,
            done: !is_container,
        }
    }
}

/// The members of an object as written: the key between its quotes (escapes unresolved) and the value.
#[derive(Debug)]
pub struct Members<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(&'a [u8], Value<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let walk = &mut self.0;
        if walk.finished() {
            return None;
        }
        let member = walk.key().and_then(|key| Ok((key, walk.value()?)));
        walk.done |= member.is_err();
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
        if walk.finished() {
            return None;
        }
        let element = walk.value();
        walk.done |= element.is_err();
        Some(element)
    }
}

/// A position between the members of one object or the elements of one array.
#[derive(Debug)]
struct Walk<'a> {
    record: &'a [u8],
    marks: &'a [u32],
    close: u8,
    /// Index of the first mark not passed yet.
    next: usize,
    /// Where the text after the last passed mark begins.
    text_start: usize,
    done: bool,
}

impl<'a> Walk<'a> {
    #[inline]
    fn finished(&mut self) -> bool {
        let is_empty = !self.done
            && self.next == 1
            && self.marks.len() == 2
            && self.record[self.mark(1)] == self.close
            && is_blank(&self.record[self.text_start..self.mark(1)]);
        self.done |= is_empty;
        self.done
    }

    #[inline]
    fn mark(&self, index: usize) -> usize {
        self.marks[index] as usize
    }

    /// The offset of the next mark and the character there.
    #[inline]
    fn peek(&self) -> Result<(usize, u8), Malformed> {
        let at = *self.marks.get(self.next).ok_or(Malformed::Grammar)? as usize;
        Ok((at, self.record[at]))
    }

    #[inline]
    fn pass(&mut self, at: usize) {
        self.text_start = at + 1;
        self.next += 1;
    }

    #[inline]
    fn key(&mut self) -> Result<&'a [u8], Malformed> {
        let (colon, character) = self.peek()?;
        if character != b':' {
            return Err(Malformed::Grammar);
        }
        let text = &self.record[self.text_start..colon];
        // CloudTrail writes no blanks.
        let key = string_body(text).or_else(|| string_body(trim(text))).ok_or(Malformed::Grammar)?;
        self.pass(colon);
        Ok(key)
    }

    #[inline]
    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let (at, character) = self.peek()?;
        let value = match character {
            b'{' | b'[' => self.container(at)?,
            _ => self.scalar(at)?,
        };
        let (at, character) = self.peek()?;
        if !is_blank(&self.record[value.end..at]) {
            return Err(Malformed::Grammar);
        }
        if self.next + 1 == self.marks.len() && character == self.close {
            self.done = true;
        } else if character != b',' {
            return Err(Malformed::Grammar);
        }
        self.pass(at);
        Ok(value)
    }

    #[inline]
    fn container(&mut self, start: usize) -> Result<Value<'a>, Malformed> {
        if !is_blank(&self.record[self.text_start..start]) {
            return Err(Malformed::Grammar);
        }
        let close = closing(self.record, self.marks, self.next)?;
        let value = Value {
            record: self.record,
            start,
            end: self.marks[close] as usize + 1,
            marks: &self.marks[self.next..=close],
        };
        self.next = close + 1;
        self.text_start = value.end;
        Ok(value)
    }

    #[inline]
    fn scalar(&self, end: usize) -> Result<Value<'a>, Malformed> {
        let text = &self.record[self.text_start..end];
        if string_body(text).is_some() {
            return Ok(Value { record: self.record, start: self.text_start, end, marks: &[] });
        }
        let lead = text.len() - text.trim_ascii_start().len();
        let text = trim(text);
        if text.is_empty() {
            return Err(Malformed::Grammar);
        }
        let start = self.text_start + lead;
        Ok(Value { record: self.record, start, end: start + text.len(), marks: &[] })
    }
}

/// The index of the mark that closes the container opened at the mark `open`. Brackets are only counted here;
/// their kinds are checked when the container itself is walked.
fn closing(record: &[u8], marks: &[u32], open: usize) -> Result<usize, Malformed> {
    let mut depth = 0;
    for (index, mark) in marks.iter().enumerate().skip(open) {
        depth += step(record[*mark as usize]);
        if depth == 0 {
            return Ok(index);
        }
        if depth > DEPTH_MAX {
            return Err(Malformed::TooDeep);
        }
    }
    Err(Malformed::Grammar)
}

/// How a structural character changes the depth.
pub(super) fn step(character: u8) -> i32 {
    // No branch: `{` and `[` differ only in bit 5 as `}` and `]` do, and brackets come without a pattern.
    let folded = character | 0x20;
    i32::from(folded == b'{') - i32::from(folded == b'}')
}

/// The text between the quotes of a JSON string.
#[inline]
pub(super) fn string_body(json: &[u8]) -> Option<&[u8]> {
    json.strip_prefix(b"\"")?.strip_suffix(b"\"")
}

pub(super) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

pub(super) fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}
