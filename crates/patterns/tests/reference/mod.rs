//! Slow and obvious twins of the matchers, and what they are compared on
//!
//! Everything is grown from bytes by [`Choices`], so that tests of properties and fuzzing share it and a failing case
//! shrinks by shrinking its bytes.

pub mod event;
pub mod filter;
pub mod json;

/// Bytes as a series of decisions; when they run out, the first option is taken.
pub struct Choices<'b>(&'b [u8]);

impl<'b> Choices<'b> {
    pub fn of(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    pub fn below(&mut self, bound: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % bound
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}

/// Whether `text` is what `pattern` stands for, where `*` is any run of characters. `escapes`: `\*` and `\\` stand
/// for themselves.
pub fn is_like(pattern: &[char], text: &[char], escapes: bool) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|skipped| is_like(rest, &text[skipped..], escapes)),
        ['\\', escaped, rest @ ..] if escapes => {
            text.split_first().is_some_and(|(first, text)| first == escaped && is_like(rest, text, escapes))
        }
        [plain, rest @ ..] => {
            text.split_first().is_some_and(|(first, text)| first == plain && is_like(rest, text, escapes))
        }
    }
}
