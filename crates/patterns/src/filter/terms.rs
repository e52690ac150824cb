//! Patterns for unstructured messages: `ERROR "in phase" -debug`, `?WARN ?ERROR`, `%4\d\d%`
//!
//! Terms are found anywhere in a message, also inside words, and always case-sensitively.

use memchr::memmem::Finder;

use super::{
    InvalidFilterPattern,
    scan::{Scan, is_word},
};

#[derive(Clone, Debug)]
pub(super) enum Terms {
    Words {
        /// All of these occur.
        required: Vec<Finder<'static>>,
        /// None of these occurs.
        excluded: Vec<Finder<'static>>,
        /// One of these occurs, unless there are terms of the other kinds: then they count for nothing.
        optional: Vec<Finder<'static>>,
    },
    Regex(regex::Regex),
}

impl Terms {
    pub(super) fn read(scan: &mut Scan<'_>) -> Result<Self, InvalidFilterPattern> {
        if scan.take("%") {
            let regex = scan.regex()?;
            scan.skip_blanks();
            return match scan.is_at_end() {
                true => Ok(Self::Regex(regex)),
                false => Err(InvalidFilterPattern::malformed("a regular expression stands alone")),
            };
        }
        let (mut required, mut excluded, mut optional) = (Vec::new(), Vec::new(), Vec::new());
        while !scan.is_at_end() {
            let before = scan.rest();
            let kind = match () {
                () if scan.take("?") => &mut optional,
                () if scan.take("-") => &mut excluded,
                () => &mut required,
            };
            let text = if scan.take("\"") { scan.quoted('"')? } else { scan.take_while(is_word).to_owned() };
            let ends = scan.peek().is_none_or(char::is_whitespace);
            if text.is_empty() || !ends {
                let term = before.split_whitespace().next().unwrap_or(before);
                return Err(InvalidFilterPattern::Term(term.to_owned()));
            }
            kind.push(Finder::new(&text).into_owned());
            scan.skip_blanks();
        }
        Ok(Self::Words { required, excluded, optional })
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let occurs = |finder: &Finder<'_>| finder.find(message.as_bytes()).is_some();
        match self {
            Self::Regex(regex) => regex.is_match(message),
            Self::Words { required, excluded, optional } => {
                if required.is_empty() && excluded.is_empty() {
                    optional.iter().any(occurs)
                } else {
                    required.iter().all(occurs) && !excluded.iter().any(occurs)
                }
            }
        }
    }
}
