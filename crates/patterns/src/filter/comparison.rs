//! What a condition asks of one value: shared by JSON and space-delimited patterns

use regex::Regex;

use super::{InvalidFilterPattern, scan::Scan};

/// One value that a message holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found<'m> {
    Text(&'m str),
    /// The number and the text it is written as.
    Number(f64, &'m str),
}

/// Right-hand side and operator of a condition.
#[derive(Clone, Debug)]
pub(super) enum Comparison {
    Equal(Operand),
    NotEqual(Operand),
    /// `<`, `<=`, `>`, `>=`.
    Order(Order, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Glob(Glob),
    /// An unquoted number, and its text for comparing with texts.
    Number(f64, String),
    Regex(Regex),
}

/// A text in which `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Glob {
    /// Never empty; one piece means that there is no `*`.
    pieces: Vec<String>,
}

impl Comparison {
    /// Reads operator and value.
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        let order = if scan.take("<=") {
            Order::LessOrEqual
        } else if scan.take(">=") {
            Order::GreaterOrEqual
        } else if scan.take("<") {
            Order::Less
        } else if scan.take(">") {
            Order::Greater
        } else if scan.take("!=") {
            return Ok(Self::NotEqual(Operand::read(scan)?));
        } else if scan.take("=") {
            return Ok(Self::Equal(Operand::read(scan)?));
        } else {
            return Err(InvalidFilterPattern::malformed("a condition has no operator"));
        };
        match Operand::read(scan)? {
            Operand::Number(value, _) => Ok(Self::Order(order, value)),
            _ => Err(InvalidFilterPattern::malformed("only numbers can be compared by order")),
        }
    }

    pub(super) fn holds(&self, found: Found<'_>) -> bool {
        match self {
            Self::Equal(operand) => operand.equals(found),
            Self::NotEqual(operand) => !operand.equals(found),
            Self::Order(order, limit) => match found {
                Found::Number(value, _) => order.holds(value, *limit),
                Found::Text(_) => false,
            },
        }
    }

    /// A text without which no value can satisfy the condition, if there is a useful one.
    pub(super) fn required_text(&self) -> Option<&str> {
        match self {
            Self::Equal(Operand::Glob(glob)) => glob
                .pieces
                .iter()
                .map(String::as_str)
                // A number can be written in several ways, so its text need not occur.
                .filter(|piece| piece.contains(|c: char| !"0123456789+-.eE".contains(c)))
                .max_by_key(|piece| piece.len()),
            _ => None,
        }
    }

    pub(super) fn has_regex(&self) -> bool {
        matches!(self, Self::Equal(Operand::Regex(_)) | Self::NotEqual(Operand::Regex(_)))
    }
}

impl Order {
    pub(super) fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
        }
    }
}

impl Operand {
    fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        scan.skip_blanks();
        if scan.take("\"") {
            return Ok(Self::Glob(Glob::new(&scan.quoted('"')?)));
        }
        if scan.take("%") {
            return Ok(Self::Regex(scan.regex()?));
        }
        let word = scan.take_while(|c| !c.is_whitespace() && !",[]{}()&|=<>!\"%".contains(c));
        if word.is_empty() {
            return Err(InvalidFilterPattern::malformed("a condition has no value"));
        }
        if word == "null" {
            return Err(InvalidFilterPattern::malformed("null is compared by IS NULL"));
        }
        match word.parse::<f64>() {
            Ok(value) if value.is_finite() && !word.contains(['i', 'n', 'I', 'N']) => {
                Ok(Self::Number(value, word.to_owned()))
            }
            _ => Ok(Self::Glob(Glob::new(word))),
        }
    }

    fn equals(&self, found: Found<'_>) -> bool {
        match (self, found) {
            (Self::Glob(glob), Found::Text(text) | Found::Number(_, text)) => glob.matches(text),
            (Self::Regex(regex), Found::Text(text) | Found::Number(_, text)) => regex.is_match(text),
            (Self::Number(wanted, _), Found::Number(value, _)) => *wanted == value,
            (Self::Number(_, wanted), Found::Text(text)) => wanted == text,
        }
    }
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        Self { pieces: text.split('*').map(str::to_owned).collect() }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.pieces.as_slice() else { return false };
        let [middle @ .., last] = rest else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match left.find(piece.as_str()) {
                Some(at) => left = &left[at + piece.len()..],
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, text, want) in [
            ("kms*", "kms.amazonaws.com", true),
            ("* is pending deletion.", "arn:aws:kms:…:key/1 is pending deletion.", true),
            ("* is pending deletion.", "x is pending deletion", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("a?c", "abc", false),
            ("*b*", "abc", true),
        ] {
            assert_eq!(Glob::new(glob).matches(text), want, "{glob} on {text}");
        }
    }
}
