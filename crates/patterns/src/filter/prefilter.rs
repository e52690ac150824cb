//! Texts without which a JSON message cannot match, searched for before it is walked
//!
//! JSON can write one text in several ways: with `\u0041` for any character and `\/` for a slash. A message with such
//! an escape is not judged by the search.

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

/// Clauses that are searched for; more would seldom tell more.
const CLAUSES_MAX: usize = 3;
/// With more alternatives walking the message is cheaper.
const TEXTS_MAX: usize = 64;
/// So many texts are found quicker one after the other.
const TEXTS_APART_MAX: usize = 3;

/// Texts of which one at least occurs in every message that matches, unless written with escapes.
pub(super) type Clause = Vec<String>;

/// What must occur in a message: of each clause one text.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    clauses: Vec<Search>,
}

#[derive(Clone, Debug)]
enum Search {
    Apart(Vec<Finder<'static>>),
    Together(AhoCorasick),
}

impl Prefilter {
    /// A filter of the clauses that are worth the most; without any it lets everything pass.
    pub(super) fn new(mut clauses: Vec<Clause>) -> Self {
        clauses.retain(|clause| !clause.is_empty() && clause.len() <= TEXTS_MAX);
        clauses.sort();
        clauses.dedup();
        clauses.sort_by_key(|clause| std::cmp::Reverse(worth(clause)));
        clauses.truncate(CLAUSES_MAX);
        Self { clauses: clauses.iter().filter_map(Search::new).collect() }
    }

    pub(super) fn may_match(&self, message: &[u8]) -> bool {
        self.clauses.iter().all(|clause| clause.finds(message)) || has_escapes(message)
    }
}

/// Long texts are rare, and of a clause the shortest text decides.
pub(super) fn worth(clause: &Clause) -> usize {
    clause.iter().map(String::len).min().unwrap_or(0)
}

impl Search {
    fn new(clause: &Clause) -> Option<Self> {
        if clause.len() <= TEXTS_APART_MAX {
            return Some(Self::Apart(clause.iter().map(|text| Finder::new(text).into_owned()).collect()));
        }
        AhoCorasick::new(clause).ok().map(Self::Together)
    }

    fn finds(&self, message: &[u8]) -> bool {
        match self {
            Self::Apart(texts) => texts.iter().any(|text| text.find(message).is_some()),
            Self::Together(texts) => texts.is_match(message),
        }
    }
}

/// Whether characters that are searched for could be written as `\u0041` or `\/`. A backslash before another one
/// begins no such escape but may seem to: then the message is walked in vain.
fn has_escapes(message: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', message).any(|at| matches!(message.get(at + 1), Some(b'u' | b'/')))
}

/// The longest part of a text that JSON writes as it is, but for the escapes that are looked for.
pub(super) fn verbatim_part(text: &str) -> &str {
    text.split(|c: char| c == '"' || c == '\\' || c.is_control()).max_by_key(|part| part.len()).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(texts: &[&str]) -> Clause {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn escapes_let_pass() {
        let one = Prefilter::new(vec![clause(&["abc"])]);
        let several = Prefilter::new(vec![clause(&["abc", "xyz"])]);
        let many = Prefilter::new(vec![clause(&["abc", "xyz", "123", "456"])]);
        let both = Prefilter::new(vec![clause(&["abc"]), clause(&["xyz", "123"])]);
        for (message, want) in [
            ("-abc-", [true, true, true, false]),
            ("-xyz-", [false, true, true, false]),
            ("-abc-123", [true, true, true, true]),
            ("-ab-", [false; 4]),
            (r"\u0061bc", [true; 4]),
            (r"\/", [true; 4]),
            (r"\n\\\t", [false; 4]),
        ] {
            let got = [&one, &several, &many, &both].map(|filter| filter.may_match(message.as_bytes()));
            assert_eq!(got, want, "{message}");
        }
        for nothing in [vec![], vec![clause(&[])], vec![vec!["a".to_owned(); TEXTS_MAX + 1]]] {
            assert!(Prefilter::new(nothing).may_match(b""));
        }
    }

    #[test]
    fn the_best_clauses_are_taken() {
        let texts = ["a", "abcd", "abc", "abcde", "abcde"];
        let filter = Prefilter::new(texts.map(|text| clause(&[text])).into());
        assert!(filter.may_match(b"abcde"));
        assert!(!filter.may_match(b"abcd"));
        assert_eq!(filter.clauses.len(), CLAUSES_MAX);
    }

    #[test]
    fn verbatim() {
        assert_eq!(verbatim_part("a\"bcd\\e\nf"), "bcd");
        assert_eq!(verbatim_part(" is pending deletion."), " is pending deletion.");
    }
}
