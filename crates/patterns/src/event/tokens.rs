//! JSON tokens with the positions AWS prints
//!
//! EventBridge answers a pattern it cannot read with a reason and a place, `\n at [Source: (String)"…"; line: 1,
//! column: 36]`. The column is where a streaming reader stands that looks one token ahead after a field name and
//! reads the text of a string only when asked for it. [`Tokens`] stands in the same places, so the texts agree.
//!
//! **Invariant:** only well-formed JSON yields tokens to the end. **Not here:** what the tokens mean.

use super::InvalidPattern;

/// Deeper patterns than this are refused; no event is read deeper either.
pub(super) const DEPTH_MAX: usize = 100;
/// Longer sources are cut in error texts.
const SOURCE_SHOWN_CHARS_MAX: usize = 500;

/// One lexical piece of a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Field(String),
    Text(String),
    /// The value and the text it was written as.
    Number(f64, String),
    True,
    False,
    Null,
    /// The text is over.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Within {
    Object,
    Array,
}

/// What the grammar allows next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expecting {
    Value,
    FirstElementOrEnd,
    FirstFieldOrEnd,
    CommaOrEnd,
    Nothing,
}

/// A reader of one JSON text. Cloning it is how a caller looks ahead.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    source: &'a str,
    /// Everything before it is consumed.
    next: usize,
    /// The place an error names; behind `next` while the last string's text is unread.
    shown: usize,
    nesting: Vec<Within>,
    expecting: Expecting,
    /// The value that was read together with its field name.
    ahead: Option<(Token, usize)>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(source: &'a str) -> Self {
        Self { source, next: 0, shown: 0, nesting: Vec::new(), expecting: Expecting::Value, ahead: None }
    }

    /// The next token, or why the text is not JSON.
    pub(super) fn next(&mut self) -> Result<Token, InvalidPattern> {
        if let Some((token, shown)) = self.ahead.take() {
            self.shown = shown;
            return Ok(token);
        }
        self.skip_blanks();
        match self.expecting {
            Expecting::Nothing => self.after_the_root(),
            Expecting::Value => self.value(),
            Expecting::FirstElementOrEnd if self.peek() == Some(b']') => Ok(self.close()),
            Expecting::FirstElementOrEnd => self.value(),
            Expecting::FirstFieldOrEnd if self.peek() == Some(b'}') => Ok(self.close()),
            Expecting::FirstFieldOrEnd => self.field(),
            Expecting::CommaOrEnd => self.after_a_value(),
        }
    }

    /// Says that the text of the string just returned was looked at: errors then point behind it.
    pub(super) fn read_text(&mut self) {
        if self.ahead.is_none() {
            self.shown = self.next;
        }
    }

    /// Passes over the rest of the object or array whose start was just returned.
    pub(super) fn skip_children(&mut self) -> Result<(), InvalidPattern> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                Token::ObjectStart | Token::ArrayStart => depth += 1,
                Token::ObjectEnd | Token::ArrayEnd => depth -= 1,
                Token::End => return Err(self.unexpected_end()),
                _ => {}
            }
        }
        Ok(())
    }

    /// An error at the place reached, worded and placed as AWS does.
    pub(super) fn error(&self, reason: &str) -> InvalidPattern {
        InvalidPattern::new(format!("{reason}{}", self.place(self.shown)))
    }

    /// ` at [Source: …]` for the place reached, as it follows a reason.
    pub(super) fn place_reached(&self) -> String {
        self.place(self.shown)
    }

    fn place(&self, offset: usize) -> String {
        let before = &self.source[..offset.min(self.source.len())];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before[line_start..].encode_utf16().count() + 1;
        let shown: String = self.source.chars().take(SOURCE_SHOWN_CHARS_MAX).collect();
        let cut = self.source.chars().count().saturating_sub(SOURCE_SHOWN_CHARS_MAX);
        let cut = if cut > 0 { format!("[truncated {cut} chars]") } else { String::new() };
        format!("\n at [Source: (String)\"{shown}\"{cut}; line: {line}, column: {column}]")
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.next).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.next += 1;
        }
    }

    fn after_the_root(&mut self) -> Result<Token, InvalidPattern> {
        self.shown = self.next;
        match self.peek() {
            None => Ok(Token::End),
            Some(_) => self.value(),
        }
    }

    fn after_a_value(&mut self) -> Result<Token, InvalidPattern> {
        let within = self.nesting.last().copied().unwrap_or(Within::Array);
        match (within, self.peek()) {
            (Within::Object, Some(b'}')) | (Within::Array, Some(b']')) => Ok(self.close()),
            (Within::Object, Some(b',')) => {
                self.next += 1;
                self.skip_blanks();
                self.field()
            }
            (Within::Array, Some(b',')) => {
                self.next += 1;
                self.skip_blanks();
                self.value()
            }
            (_, None) => Err(self.unexpected_end()),
            (within, Some(_)) => {
                let what = if within == Within::Object { "Object" } else { "Array" };
                Err(self.unexpected_character(&format!("was expecting comma to separate {what} entries")))
            }
        }
    }

    fn close(&mut self) -> Token {
        self.next += 1;
        self.shown = self.next;
        let within = self.nesting.pop();
        self.value_is_over();
        if within == Some(Within::Object) { Token::ObjectEnd } else { Token::ArrayEnd }
    }

    fn value_is_over(&mut self) {
        self.expecting = if self.nesting.is_empty() { Expecting::Nothing } else { Expecting::CommaOrEnd };
    }

    fn field(&mut self) -> Result<Token, InvalidPattern> {
        match self.peek() {
            Some(b'"') => {}
            None => return Err(self.unexpected_end()),
            Some(_) => {
                return Err(self.unexpected_character("was expecting double-quote to start field name"));
            }
        }
        let name = self.quoted()?;
        self.skip_blanks();
        match self.peek() {
            Some(b':') => self.next += 1,
            None => return Err(self.unexpected_end()),
            Some(_) => {
                return Err(
                    self.unexpected_character("was expecting a colon to separate field name and value")
                );
            }
        }
        self.skip_blanks();
        let value = self.value()?;
        self.ahead = Some((value, self.shown));
        Ok(Token::Field(name))
    }

    fn value(&mut self) -> Result<Token, InvalidPattern> {
        let Some(first) = self.peek() else { return Err(self.unexpected_end()) };
        let token = match first {
            b'{' => return self.open(Within::Object, Expecting::FirstFieldOrEnd, Token::ObjectStart),
            b'[' => return self.open(Within::Array, Expecting::FirstElementOrEnd, Token::ArrayStart),
            b'"' => {
                let unread = self.next + 1;
                let text = self.quoted()?;
                self.shown = unread;
                self.value_is_over();
                return Ok(Token::Text(text));
            }
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.word()?,
        };
        self.shown = self.next;
        self.value_is_over();
        Ok(token)
    }

    fn open(&mut self, within: Within, expecting: Expecting, token: Token) -> Result<Token, InvalidPattern> {
        self.next += 1;
        self.shown = self.next;
        if self.nesting.len() >= DEPTH_MAX {
            return Err(self.error(&format!("Nesting depth exceeds the maximum allowed ({DEPTH_MAX})")));
        }
        self.nesting.push(within);
        self.expecting = expecting;
        Ok(token)
    }

    /// A quoted string, unescaped; `serde_json` owns the escapes.
    fn quoted(&mut self) -> Result<String, InvalidPattern> {
        let start = self.next;
        let bytes = self.source.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                None => {
                    self.next = bytes.len();
                    return Err(self.unexpected_end());
                }
                Some(b'\\') => at += 2,
                Some(b'"') => break,
                Some(_) => at += 1,
            }
        }
        self.next = at + 1;
        serde_json::from_str(&self.source[start..self.next]).map_err(|_| {
            self.shown = self.next;
            self.error("Illegal character or escape in a string value")
        })
    }

    fn number(&mut self) -> Result<Token, InvalidPattern> {
        let rest = &self.source[self.next..];
        let length =
            rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let text = &rest[..length];
        self.next += length;
        self.shown = self.next;
        // `serde_json` knows the grammar; only the parser of events' numbers gives the same doubles as that one.
        match serde_json::from_str::<f64>(text).ok().and_then(|_| text.parse::<f64>().ok()) {
            Some(value) if value.is_finite() => Ok(Token::Number(value, text.to_owned())),
            _ => Err(self.error(&format!("Invalid numeric value: {text}"))),
        }
    }

    fn word(&mut self) -> Result<Token, InvalidPattern> {
        let rest = &self.source[self.next..];
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let word = &rest[..length];
        if word.is_empty() {
            return Err(self.unexpected_character(
                "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            ));
        }
        self.next += length;
        self.shown = self.next;
        match word {
            "true" => Ok(Token::True),
            "false" => Ok(Token::False),
            "null" => Ok(Token::Null),
            _ => Err(self.error(&format!(
                "Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', \
                 'true' or 'false')"
            ))),
        }
    }

    fn unexpected_character(&self, expectation: &str) -> InvalidPattern {
        let found = self.source[self.next..].chars().next().unwrap_or('\0');
        let code = u32::from(found);
        InvalidPattern::new(format!(
            "Unexpected character ('{found}' (code {code})): {expectation}{}",
            self.place(self.next)
        ))
    }

    pub(super) fn unexpected_end(&self) -> InvalidPattern {
        InvalidPattern::new(format!("Unexpected end-of-input{}", self.place(self.source.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &str) -> Result<Vec<Token>, String> {
        let mut tokens = Tokens::of(source);
        let mut read = Vec::new();
        loop {
            match tokens.next().map_err(|refused| refused.reason().to_owned())? {
                Token::End => return Ok(read),
                token => read.push(token),
            }
        }
    }

    #[test]
    fn reads_what_json_allows() {
        let read = all(r#" {"a" : [ "x\n", -1.5e2, true,false , null, {} , []] } "#).unwrap();
        assert_eq!(
            read,
            [
                Token::ObjectStart,
                Token::Field("a".into()),
                Token::ArrayStart,
                Token::Text("x\n".into()),
                Token::Number(-150.0, "-1.5e2".into()),
                Token::True,
                Token::False,
                Token::Null,
                Token::ObjectStart,
                Token::ObjectEnd,
                Token::ArrayStart,
                Token::ArrayEnd,
                Token::ArrayEnd,
                Token::ObjectEnd,
            ]
        );
    }

    #[test]
    fn refuses_what_json_does_not() {
        for source in [
            "",
            "{",
            "[",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "[1,]",
            "{\"a\":1,}",
            "{,}",
            "[1 2]",
            "{\"a\" 1}",
            "\"open",
            "\"bad \\q\"",
            "01",
            "1e",
            "--1",
            "nul",
            "1e999",
            "[\u{1}]",
            "{}}",
        ] {
            assert!(all(source).is_err(), "{source}");
        }
        assert!(all(&"[".repeat(DEPTH_MAX + 1)).unwrap_err().starts_with("Nesting depth"));
    }

    #[test]
    fn names_the_place() {
        let source = "{\"a\":\n  zebra}";
        let refused = all(source).unwrap_err();
        assert!(refused.ends_with("; line: 2, column: 8]"), "{refused}");
    }
}
