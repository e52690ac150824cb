//! Reading the characters of a filter pattern

use super::InvalidFilterPattern;

/// A position in a pattern's text.
#[derive(Clone, Debug)]
pub(super) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Consumes `token` when it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Consumes the upper-case `word` when it comes next and does not go on.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) if !rest.starts_with(is_word) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// The longest run of characters for which `wanted` holds, maybe empty.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let length = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// The text up to `quote`, which was opened already; `\"` and `\\` stand for the quote and the backslash.
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, InvalidFilterPattern> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, escaped)) if escaped == quote || escaped == '\\' => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                c if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        Err(InvalidFilterPattern::malformed("a quotation mark is not closed"))
    }

    /// A regular expression, its first `%` consumed.
    pub(super) fn regex(&mut self) -> Result<regex::Regex, InvalidFilterPattern> {
        let Some((source, rest)) = self.rest.split_once('%') else {
            return Err(InvalidFilterPattern::malformed("a regular expression is not closed by %"));
        };
        self.rest = rest;
        regex(source)
    }
}

/// Characters of names and plain terms.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Bytes a compiled regular expression may take.
const REGEX_BYTES_MAX: usize = 256 * 1024;

/// CloudWatch Logs takes a subset of what the engine takes: no groups, only ASCII.
fn regex(source: &str) -> Result<regex::Regex, InvalidFilterPattern> {
    const OPERATORS: &str = ":_#=@/;,-^$?[]{}|\\*+. ";
    if let Some(odd) = source.chars().find(|c| !c.is_ascii_alphanumeric() && !OPERATORS.contains(*c)) {
        return Err(InvalidFilterPattern::malformed(&format!(
            "'{odd}' is not allowed in a regular expression"
        )));
    }
    if source.is_empty() {
        return Err(InvalidFilterPattern::malformed("a regular expression is empty"));
    }
    regex::RegexBuilder::new(&ascii_classes(source))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|_| InvalidFilterPattern::malformed(&format!("%{source}% is not a regular expression")))
}

/// `\d`, `\s` and `\w` mean ASCII here, as they do in AWS's engine; everything else passes through.
fn ascii_classes(source: &str) -> String {
    let mut out = String::new();
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str("[ \\t\\n\\r\\x0B\\f]"),
            Some('S') => out.push_str("[^ \\t\\n\\r\\x0B\\f]"),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_expressions() {
        for (source, text, want) in [
            ("AUTHORIZED", "UNAUTHORIZED", true),
            (r"10\.\d+", "x10.2", true),
            (r"10\.\d+", "10.٣", false),
            (r"[\d-]+x", "1-2x", true),
            (r"^\w{2,3}$", "abcd", false),
            (r"\x41", "A", true),
        ] {
            assert_eq!(regex(source).unwrap().is_match(text), want, "{source} on {text}");
        }
        for source in ["", "(a)", "a{9999}{9999}", "[", "é"] {
            assert!(regex(source).is_err(), "{source}");
        }
    }

    #[test]
    fn quoted_texts() {
        let mut scan = Scan::of(r#"a\"b\\c\d" rest"#);
        assert_eq!(scan.quoted('"').unwrap(), r#"a"b\c\d"#);
        assert_eq!(scan.rest(), " rest");
        assert!(Scan::of(r#"open\"#).quoted('"').is_err());
    }
}
