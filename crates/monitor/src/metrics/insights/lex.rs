//! Words, quoted names, literals and signs of a Metrics Insights query.

use super::SyntaxError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An unquoted word, which may be a keyword.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    /// A value in single quotes.
    Literal(String),
    Sign(&'static str),
    End,
}

/// A token and the character it starts at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) at: usize,
    pub(super) token: Token,
}

const SIGNS: [&str; 6] = ["!=", "=", "(", ")", ",", "."];

/// Splits a query; the last token is always [`Token::End`].
pub(super) fn tokens(query: &str) -> Result<Vec<Placed>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_end();
    loop {
        let trimmed = rest.trim_start();
        let at = query[..query.trim_end().len() - trimmed.len()].chars().count();
        rest = trimmed;
        let Some(first) = rest.chars().next() else {
            tokens.push(Placed { at, token: Token::End });
            return Ok(tokens);
        };
        let token = match first {
            '"' | '\'' => {
                let text = quoted(&mut rest, first).ok_or_else(|| unclosed(at, first))?;
                if first == '"' { Token::Quoted(text) } else { Token::Literal(text) }
            }
            _ if is_word(first) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let (word, tail) = rest.split_at(end);
                rest = tail;
                Token::Word(word.to_owned())
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
                let sign = sign
                    .ok_or_else(|| SyntaxError { at, reason: format!("Unexpected character '{first}'") })?;
                rest = &rest[sign.len()..];
                Token::Sign(sign)
            }
        };
        tokens.push(Placed { at, token });
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn unclosed(at: usize, quote: char) -> SyntaxError {
    SyntaxError { at, reason: format!("Missing closing {quote} of the text that starts") }
}

/// Takes a quoted text off `rest`; a backslash keeps the next character from closing it.
fn quoted(rest: &mut &str, quote: char) -> Option<String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => text.push(characters.next()?.1),
            _ if c == quote => {
                *rest = &rest[at + 1..];
                return Some(text);
            }
            _ => text.push(c),
        }
    }
    None
}
