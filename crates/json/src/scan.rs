//! Finds where JSON values end, many bytes at a time, without looking at what they mean.
//!
//! **Invariants:** nothing here recurses or allocates; brackets are only counted, their kinds are checked by
//! who walks the container; no offset leads outside the text.
//! **Not here:** members and elements.

use super::lexer::{BLOCK_BYTES, Lexer};
use super::{DEPTH_MAX, Malformed};
use wide::u8x16;

/// How much of a string is looked at in one step; most names and many values are shorter.
const STRING_STEP_BYTES: usize = 32;

/// Where a string ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringEnd {
    /// The offset after its closing quote.
    pub end: usize,
    pub has_escapes: bool,
}

/// The end of the string whose opening quote stands at `open`.
#[inline(always)]
pub fn string(text: &[u8], open: usize) -> Result<StringEnd, Malformed> {
    let mut at = open + 1;
    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let found = quotes_and_backslashes(bytes);
        if found != 0 {
            at += found.trailing_zeros() as usize;
            return string_from(text, at);
        }
        at += STRING_STEP_BYTES;
    }
    let rest = text.get(at..).unwrap_or_default();
    match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        Some(more) => string_from(text, at + more),
        None => Err(Malformed::Grammar),
    }
}

/// Goes on at the first quote or backslash inside a string.
#[inline]
fn string_from(text: &[u8], at: usize) -> Result<StringEnd, Malformed> {
    if text[at] == b'"' {
        Ok(StringEnd { end: at + 1, has_escapes: false })
    } else {
        escaped_string(text, at)
    }
}

/// Goes on at a backslash. Rare, so byte by byte from one backslash to the next.
#[cold]
fn escaped_string(text: &[u8], backslash: usize) -> Result<StringEnd, Malformed> {
    let mut at = backslash;
    loop {
        match text.get(at).ok_or(Malformed::Grammar)? {
            b'\\' => at += 2,
            b'"' => return Ok(StringEnd { end: at + 1, has_escapes: true }),
            _ => {
                let rest = &text[at..];
                at += memchr::memchr2(b'"', b'\\', rest).ok_or(Malformed::Grammar)?;
            }
        }
    }
}

#[inline]
fn quotes_and_backslashes(bytes: &[u8; STRING_STEP_BYTES]) -> u32 {
    let found = |bytes: [u8; 16]| {
        let bytes = u8x16::new(bytes);
        (bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'))).to_bitmask()
    };
    let ([low, high], _) = bytes.as_chunks::<16>() else { return 0 };
    found(*low) | found(*high) << 16
}

/// The offset after the bracket that closes the container opened at `open`.
#[inline]
pub fn container(text: &[u8], open: usize) -> Result<usize, Malformed> {
    let mut lexer = Lexer::default();
    let mut depth = 0;
    let mut at = open;
    while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        if let Some(length) = close_in(block, &mut lexer, &mut depth)? {
            return Ok(at + length);
        }
        at += BLOCK_BYTES;
    }
    let rest = text.get(at..).unwrap_or_default();
    let mut block = [b' '; BLOCK_BYTES];
    block[..rest.len()].copy_from_slice(rest);
    close_in(&block, &mut lexer, &mut depth)?.map(|length| at + length).ok_or(Malformed::Grammar)
}

/// Counts the brackets of a block; how many bytes of it belong to the container if it closes there.
#[inline]
fn close_in(
    block: &[u8; BLOCK_BYTES],
    lexer: &mut Lexer,
    depth: &mut u32,
) -> Result<Option<usize>, Malformed> {
    let (mut open, mut close) = lexer.brackets(block);
    if open | close == 0 {
        return Ok(None);
    }
    let (opened, closed) = (open.count_ones(), close.count_ones());
    if *depth > closed && *depth + opened <= DEPTH_MAX {
        *depth = *depth + opened - closed;
        return Ok(None);
    }
    while open | close != 0 {
        if open.trailing_zeros() < close.trailing_zeros() {
            open &= open - 1;
            *depth += 1;
            if *depth > DEPTH_MAX {
                return Err(Malformed::TooDeep);
            }
        } else {
            let at = close.trailing_zeros() as usize;
            close &= close - 1;
            *depth -= 1;
            if *depth == 0 {
                return Ok(Some(at + 1));
            }
        }
    }
    Ok(None)
}

/// The offset after the number or literal at `start`.
#[inline]
pub fn scalar(text: &[u8], start: usize) -> Result<usize, Malformed> {
    let rest = text.get(start..).unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    let length = rest.iter().position(is_end).ok_or(Malformed::Grammar)?;
    let is_wrong = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b':');
    if length == 0 || rest[..length].iter().any(is_wrong) {
        return Err(Malformed::Grammar);
    }
    Ok(start + length)
}

/// The offset of the first byte at or after `at` that is no blank. CloudTrail writes none.
#[inline]
pub fn blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end found by `scan` of `text`, whatever comes before and after it.
    #[track_caller]
    fn check(
        scan: impl Fn(&[u8], usize) -> Result<usize, Malformed>,
        text: &str,
        want: Result<usize, Malformed>,
    ) {
        for lead in [0, 1, 31, 63] {
            for after in ["", ",", &",\"x\":[{}]}".repeat(20)] {
                let padded = " ".repeat(lead) + text + after;
                let found = scan(padded.as_bytes(), lead).map(|end| end - lead);
                if want.is_ok() || after.is_empty() {
                    assert_eq!(found, want, "{text} after {lead} blanks, before {after}");
                }
            }
        }
    }

    fn string_end(text: &[u8], open: usize) -> Result<usize, Malformed> {
        string(text, open).map(|found| found.end)
    }

    #[test]
    fn strings() {
        for text in [r#""""#, r#""a""#, r#""\"""#, r#""\\""#, r#""\\\"\u0022""#, "\"{[:,]}\""] {
            check(string_end, text, Ok(text.len()));
            let long = format!("\"{}{}", "x".repeat(61), &text[1..]);
            check(string_end, &long, Ok(long.len()));
        }
        for text in ["\"", "\"a", r#""\"#, r#""\""#] {
            check(string_end, text, Err(Malformed::Grammar));
        }
    }

    #[test]
    fn containers() {
        for text in ["{}", "[]", r#"{"a":["}",{"b\"]}":[]}]}"#] {
            check(container, text, Ok(text.len()));
            let long = format!("[{},\"{}\",{text}]", format!("{text},").repeat(9), "]".repeat(99));
            check(container, &long, Ok(long.len()));
        }
        for text in ["{", "[[]", "[\"]"] {
            check(container, text, Err(Malformed::Grammar));
        }
    }

    #[test]
    fn depth() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let deepest = DEPTH_MAX as usize;
        check(container, &nested(deepest), Ok(2 * deepest));
        check(container, &nested(deepest + 1), Err(Malformed::TooDeep));
        // Up and down within a block.
        let spread =
            format!("{}{}[[[[[]]]]]{}", "[".repeat(deepest - 4), " ".repeat(200), "]".repeat(deepest - 4));
        check(container, &spread, Err(Malformed::TooDeep));
    }

    #[test]
    fn scalars() {
        for text in ["null", "true", "-1.5e+3"] {
            check(|text, at| scalar(&[text, b" ,"].concat(), at), text, Ok(text.len()));
        }
        for text in ["", ",", "1:", "nu\"ll", "1[", "null"] {
            let found = scalar(text.as_bytes(), 0);
            assert_eq!(found, Err(Malformed::Grammar), "{text}");
        }
    }
}
