//! The `wildcard` operator: `*` stands for any run of characters, `\*` and `\\` for themselves
//!
//! EventBridge refuses patterns whose matching could keep many alternatives open at once. Its measure is not
//! published; ours ([`Wildcard::complexity`]) refuses what AWS is known to refuse and lets pass what it is known
//! to accept. **Not here:** the `*` of CloudWatch Logs filters, which has no escapes.

/// Patterns above this are "too complex".
const COMPLEXITY_MAX: usize = 12;
/// Each wildcard keeps two alternatives open: staying in its run and leaving it.
const COMPLEXITY_PER_WILDCARD: usize = 2;

/// A parsed wildcard pattern: literal pieces between the `*`s.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wildcard {
    /// Never empty; one piece means that the pattern has no `*`.
    pieces: Vec<String>,
}

/// Why a text is no wildcard pattern, in AWS's words.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// Byte position in the pattern as it stands between its quotes, the opening quote counted.
    Consecutive(usize),
    Escape(usize),
    TooComplex,
}

impl Refused {
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Consecutive(at) => format!("Consecutive wildcard characters at pos {at}"),
            Self::Escape(at) => format!("Invalid escape character at pos {at}"),
            Self::TooComplex => {
                "Rule is too complex - try using fewer wildcard characters or fewer repeating \
                                 character sequences after a wildcard character"
                    .to_owned()
            }
        }
    }
}

impl Wildcard {
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let mut pieces = vec![String::new()];
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '*' if matches!(chars.peek(), Some((_, '*'))) => return Err(Refused::Consecutive(at + 1)),
                '*' => pieces.push(String::new()),
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '\\'))) => push(&mut pieces, escaped),
                    _ => return Err(Refused::Escape(at + 1)),
                },
                plain => push(&mut pieces, plain),
            }
        }
        let parsed = Self { pieces };
        if parsed.complexity() > COMPLEXITY_MAX { Err(Refused::TooComplex) } else { Ok(parsed) }
    }

    /// Whether there is no `*` in it.
    pub(super) fn is_plain(&self) -> bool {
        self.pieces.len() == 1
    }

    /// The text itself, of a wildcard without `*`.
    pub(super) fn into_plain(self) -> String {
        self.pieces.concat()
    }

    /// The literal texts before, between and after the `*`s.
    pub(super) fn pieces(&self) -> &[String] {
        &self.pieces
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let (first, rest) = self.pieces.split_first().expect("a wildcard has at least one piece");
        let Some((last, middle)) = rest.split_last() else { return text == first };
        let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match left.find(piece.as_str()) {
                Some(at) => left = &left[at + piece.len()..],
                None => return false,
            }
        }
        left.ends_with(last.as_str())
    }

    /// The most alternatives a reader of some text may have to keep open: every wildcard's run, and every way in
    /// which the piece after a wildcard can have begun inside itself (`/dir` in `/dir/dir/dir`).
    fn complexity(&self) -> usize {
        let wildcards = self.pieces.len() - 1;
        let repeats =
            self.pieces.iter().skip(1).map(|piece| overlaps_max(piece.as_bytes())).max().unwrap_or(0);
        wildcards * COMPLEXITY_PER_WILDCARD + repeats
    }
}

fn push(pieces: &mut [String], c: char) {
    pieces.last_mut().expect("a wildcard has at least one piece").push(c);
}

/// The greatest number of prefixes of `piece` (itself cut short included) that end at one and the same place.
fn overlaps_max(piece: &[u8]) -> usize {
    // border[i]: length of the longest proper prefix of piece[..=i] that is also its suffix (Knuth, Morris, Pratt).
    let mut border = vec![0_usize; piece.len()];
    let mut depth = vec![1_usize; piece.len()];
    for i in 1..piece.len() {
        let mut length = border[i - 1];
        while length > 0 && piece[length] != piece[i] {
            length = border[length - 1];
        }
        if piece[length] == piece[i] {
            length += 1;
        }
        border[i] = length;
        if length > 0 {
            depth[i] = depth[length - 1] + 1;
        }
    }
    depth.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, want: bool) {
        assert_eq!(Wildcard::parse(pattern).unwrap().matches(text), want, "{pattern} on {text}");
    }

    #[test]
    fn matching() {
        check("", "", true);
        check("", "x", false);
        check("*", "", true);
        check("*", "anything", true);
        check("a*b", "ab", true);
        check("a*b", "a-b", true);
        check("a*b", "a-bc", false);
        check("a*a", "a", false);
        check("*ab*ab", "abab", true);
        check("*ab*ab", "ab", false);
        check("a\\*b", "a*b", true);
        check("a\\*b", "axb", false);
        check("a\\\\*", "a\\x", true);
        check("*.txt", "café.txt", true);
    }

    #[test]
    fn refusals() {
        assert_eq!(Wildcard::parse("arn:aws:events:us-east-1:**:event-bus/*"), Err(Refused::Consecutive(26)));
        assert_eq!(Wildcard::parse("a\\x"), Err(Refused::Escape(2)));
        assert_eq!(Wildcard::parse("a\\"), Err(Refused::Escape(2)));
        assert_eq!(Wildcard::parse("*:*:*:*:*:event-bus/*"), Err(Refused::TooComplex));
        assert!(Wildcard::parse("/Users/*/dir/dir/dir/dir/dir/doc.txt").is_ok());
        assert!(Wildcard::parse(&format!("*{}", "a".repeat(20))).is_err());
    }
}
