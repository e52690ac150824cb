//! Finds the structural characters of JSON, `{ } [ ] : ,` outside strings, 64 bytes at a time.
//!
//! A **block** is 64 bytes; a **mask** has one bit for each of them, the lowest bit for the first byte.
//! **Invariant:** what the lexer knows between blocks is only whether the next byte is inside a string and
//! whether it is escaped, so a text may be cut into blocks at any byte.
//! **Not here:** whether the characters form valid JSON or what they bound.

use wide::u8x16;

/// Bytes in a block.
pub const BLOCK_BYTES: usize = 64;

/// What is remembered from block to block.
#[derive(Debug, Default)]
pub struct Lexer {
    /// Which bytes of the last block lie inside strings, opening quotes included.
    inside: u64,
    /// Whether a backslash before it escapes the next byte.
    escaped: bool,
}

impl Lexer {
    /// The structural characters of the next block.
    #[inline]
    pub fn structural(&mut self, block: &[u8; BLOCK_BYTES]) -> Structural {
        let (open, close) = self.brackets(block);
        Structural { all: open | close | separators(block) & !self.inside, open, close }
    }

    /// The opening and the closing brackets of the next block, of either kind.
    #[inline]
    pub fn brackets(&mut self, block: &[u8; BLOCK_BYTES]) -> (u64, u64) {
        let masks = masks(block);
        let quotes = if masks.backslash == 0 && !self.escaped {
            masks.quote
        } else {
            masks.quote & !self.escaped_bytes(masks.backslash)
        };
        // The last bit of the block before tells whether this one begins inside a string.
        self.inside = prefix_xor(quotes) ^ (self.inside as i64 >> 63) as u64;
        (masks.open & !self.inside, masks.close & !self.inside)
    }

    /// The mask of the bytes that follow an escaping backslash. Backslashes are rare in CloudTrail files, so
    /// this takes them one by one.
    fn escaped_bytes(&mut self, backslash: u64) -> u64 {
        let mut escaped = u64::from(self.escaped);
        self.escaped = false;
        let mut rest = backslash & !escaped;
        while rest != 0 {
            let at = rest.trailing_zeros();
            rest &= rest - 1;
            if at == 63 {
                self.escaped = true;
            } else {
                let next = 1 << (at + 1);
                escaped |= next;
                rest &= !next;
            }
        }
        escaped
    }
}

/// Masks of the structural characters of a block.
#[derive(Debug, Clone, Copy)]
pub struct Structural {
    pub all: u64,
    /// `{` and `[`.
    pub open: u64,
    /// `}` and `]`.
    pub close: u64,
}

struct Masks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

/// Setting bit 5 makes `[` and `{` one value, and `]` and `}` another, and moves nothing else onto them.
#[inline]
fn masks(block: &[u8; BLOCK_BYTES]) -> Masks {
    let mut masks = Masks { quote: 0, backslash: 0, open: 0, close: 0 };
    for (part, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let folded = bytes | u8x16::splat(0x20);
        masks.quote |= bits(bytes.simd_eq(u8x16::splat(b'"'))) << (16 * part);
        masks.backslash |= bits(bytes.simd_eq(u8x16::splat(b'\\'))) << (16 * part);
        masks.open |= bits(folded.simd_eq(u8x16::splat(b'{'))) << (16 * part);
        masks.close |= bits(folded.simd_eq(u8x16::splat(b'}'))) << (16 * part);
    }
    masks
}

/// `:` and `,`, also inside strings.
#[inline]
fn separators(block: &[u8; BLOCK_BYTES]) -> u64 {
    let mut mask = 0;
    for (part, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        mask |= bits(bytes.simd_eq(u8x16::splat(b':')) | bytes.simd_eq(u8x16::splat(b','))) << (16 * part);
    }
    mask
}

#[inline]
fn bits(lanes: u8x16) -> u64 {
    u64::from(lanes.to_bitmask())
}

/// Bit n of the result is the parity of bits 0 to n: between an opening quote and its closing one all are set.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The positions found, whatever byte the text is cut at.
    #[track_caller]
    fn check(text: &str, want: &[usize]) {
        for lead in 0..BLOCK_BYTES {
            let mut padded = vec![b' '; lead];
            padded.extend_from_slice(text.as_bytes());
            padded.resize(padded.len().next_multiple_of(BLOCK_BYTES), b' ');
            let mut lexer = Lexer::default();
            let mut found = Vec::new();
            for (number, block) in padded.as_chunks::<BLOCK_BYTES>().0.iter().enumerate() {
                let mask = lexer.structural(block).all;
                found.extend(
                    (0..BLOCK_BYTES)
                        .filter(|at| mask >> at & 1 == 1)
                        .map(|at| number * BLOCK_BYTES + at - lead),
                );
            }
            assert_eq!(found, want, "{text} after {lead} blanks");
        }
    }

    #[test]
    fn every_structural_character() {
        check("{}[]:,", &[0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn none_inside_strings() {
        check(r#"{"a{}[]:,":"b,"}"#, &[0, 10, 15]);
    }

    #[test]
    fn escaped_quotes_and_backslashes() {
        check(r#"["\"",","]"#, &[0, 5, 9]);
        check(r#"["\\",","]"#, &[0, 5, 9]);
        check(r#"["\\\"",","]"#, &[0, 7, 11]);
        check(r#"["\\\\",","]"#, &[0, 7, 11]);
    }

    #[test]
    fn neighbours_in_the_code_table_are_not_taken() {
        check("\u{1b}\u{1d}Zz\\|~;<+-.", &[]);
    }
}
