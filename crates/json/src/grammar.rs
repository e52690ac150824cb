//! Whether a whole text is JSON
//!
//! Source: RFC 8259, with its leave to limit the depth ([`DEPTH_MAX`]). Escapes of half a surrogate pair and numbers
//! beyond a double are JSON by that grammar.

use wide::u8x16;

use crate::{DEPTH_MAX, scan};

/// Which containers are open, one bit each: set for an object.
type Open = u128;

const _: () = assert!(DEPTH_MAX <= Open::BITS);

/// Whether the text is one JSON value and nothing else but blanks.
pub fn is_json(text: &str) -> bool {
    let mut reader = Reader { text: text.as_bytes(), at: 0, open: 0, depth: 0 };
    reader.document().is_some()
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    open: Open,
    depth: u32,
}

impl Reader<'_> {
    fn document(&mut self) -> Option<()> {
        loop {
            // Before a value.
            match self.peek()? {
                b'{' => {
                    self.enter(true)?;
                    if self.peek()? != b'}' {
                        self.name()?;
                        continue;
                    }
                }
                b'[' => {
                    self.enter(false)?;
                    if self.peek()? != b']' {
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.word(b"true")?,
                b'f' => self.word(b"false")?,
                b'n' => self.word(b"null")?,
                _ => return None,
            }
            // After a value, or before the end of an empty container.
            loop {
                if self.depth == 0 {
                    return (scan::blanks(self.text, self.at) == self.text.len()).then_some(());
                }
                let in_object = self.open & 1 == 1;
                match (self.peek()?, in_object) {
                    (b'}', true) | (b']', false) => self.leave(),
                    (b',', true) => {
                        self.at += 1;
                        self.name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        self.at = scan::blanks(self.text, self.at);
        self.text.get(self.at).copied()
    }

    fn enter(&mut self, object: bool) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        self.open = self.open << 1 | Open::from(object);
        (self.depth <= DEPTH_MAX).then_some(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
        self.open >>= 1;
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += plain_length(self.text.get(self.at..)?);
            match self.text.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        let length = match self.text.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = self.text.get(self.at + 2..self.at + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                6
            }
            _ => return None,
        };
        self.at += length;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.take(|byte| byte == b'-');
        match self.text.get(self.at)? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.take(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.take(|byte| matches!(byte, b'e' | b'E')) {
            self.take(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += length;
        (length > 0).then_some(())
    }

    fn take(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let found = self.text.get(self.at).is_some_and(|byte| wanted(*byte));
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }
}

/// How many bytes come before the next quote, backslash or control character.
fn plain_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let bytes = u8x16::new(*bytes);
        let control = bytes.min(u8x16::splat(0x1F)).simd_eq(bytes);
        let found = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | control;
        let found = found.to_bitmask();
        if found != 0 {
            return at + found.trailing_zeros() as usize;
        }
        at += 16;
    }
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: bool) {
        assert_eq!(is_json(text), want, "{text}");
    }

    #[test]
    fn values() {
        for text in [
            "null",
            " true ",
            "false\n",
            "0",
            "-0",
            "12",
            "-1.5e+10",
            "1E5",
            "0.1e-7",
            "1e999",
            r#""""#,
            r#""a\"\\\/\b\f\n\r\t""#,
            r#""\u00e9\ud800""#,
            "\"\u{7f}é\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            "[1,[2,{}]]",
            r#"{"a":{"b":[1,"x"]},"a":null}"#,
            "[[],{}]",
        ] {
            check(text, true);
        }
    }

    #[test]
    fn refusals() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "True",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "--1",
            "0x1",
            "NaN",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\u{1f}\"",
            "\"\n\"",
            "[",
            "]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{1:2}",
            "{\"a\" 1}",
            "{}{}",
            "{} x",
            "\u{feff}{}",
            "'a'",
            "\u{a0}1",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn long_strings() {
        for length in 0..70 {
            let text = "x".repeat(length);
            check(&format!("\"{text}\""), true);
            check(&format!("\"{text}\\n{text}\""), true);
            check(&format!("\"{text}\u{1}{text}\""), false);
            check(&format!("\"{text}"), false);
        }
    }

    #[test]
    fn depth() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        check(&nested(DEPTH_MAX as usize), true);
        check(&nested(DEPTH_MAX as usize + 1), false);
    }
}
