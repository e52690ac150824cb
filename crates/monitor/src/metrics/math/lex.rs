//! Names, numbers, texts and signs of an expression.

use super::{EXPRESSION_LENGTH_MAX, MathError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A query's id, a function or a keyword.
    Name(String),
    Number(f64),
    /// In single or double quotes.
    Text(String),
    Sign(&'static str),
    End,
}

/// Longer signs come before those they begin with.
const SIGNS: [&str; 19] =
    ["==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ",", "="];

/// Splits an expression; the last token is always [`Token::End`].
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, MathError> {
    if expression.chars().count() > EXPRESSION_LENGTH_MAX {
        return Err(MathError(format!("The expression is longer than {EXPRESSION_LENGTH_MAX} characters")));
    }
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '"' | '\'' => text(rest, first)?,
            '0'..='9' | '.' => number(rest)?,
            _ if first.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Name(rest[..end].to_owned()), &rest[end..])
            }
            _ => {
                let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign) && *sign != "=");
                let sign = sign.ok_or_else(|| MathError(format!("Unexpected character '{first}'")))?;
                (Token::Sign(sign), &rest[sign.len()..])
            }
        };
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens.push(Token::End);
    Ok(tokens)
}

fn number(rest: &str) -> Result<(Token, &str), MathError> {
    let digits =
        |from: usize| rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| from + n);
    let mut end = digits(0);
    if rest[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
        let signed = exponent.trim_start_matches(['+', '-']);
        let from = rest.len() - signed.len();
        if exponent.len() - signed.len() <= 1 && digits(from) > from {
            end = digits(from);
        }
    }
    let value = rest[..end].parse().ok().filter(|value: &f64| value.is_finite());
    let value = value.ok_or_else(|| MathError(format!("Invalid number '{}'", &rest[..end])))?;
    Ok((Token::Number(value), &rest[end..]))
}

/// A text up to the quote that opened it. A backslash keeps the next character from closing it; before the quote itself it is left
/// out, elsewhere it stays, for searches read it too.
fn text(rest: &str, quote: char) -> Result<(Token, &str), MathError> {
    let mut text = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => {
                if c != quote {
                    text.push('\\');
                }
                text.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            _ if c == quote => return Ok((Token::Text(text), &rest[at + 1..])),
            _ => text.push(c),
        }
    }
    Err(MathError(format!("Missing closing {quote}")))
}
