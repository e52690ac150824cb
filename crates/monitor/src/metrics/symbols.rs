//! # Symbols: strings that are kept once
//! A million series share few strings: an ARN appears in one series per operation, a namespace in all of them. A **symbol** is the
//! number of such a string; equal strings have equal symbols for the life of the table, and symbols count up from 0.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The number of an interned string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

impl Symbol {
    /// For tables that are indexed by symbols.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The number of a string that is in no table; whoever asks keeps the string, and counts from where its table ends.
    pub(super) fn beyond(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self)
    }
}

/// The table of interned strings. It only grows: dropping a name would need a count of its users in every series.
#[derive(Debug, Default)]
pub struct Symbols {
    /// Only numbers: what they stand for is in `texts`. foldhash is seeded anew in each process.
    numbers: HashTable<Symbol>,
    hasher: RandomState,
    texts: Vec<Box<str>>,
}

impl Symbols {
    /// The symbol of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.find(text) {
            return symbol;
        }
        let symbol =
            Symbol(u32::try_from(self.texts.len()).expect("series are limited well below 2^32 names"));
        self.texts.push(text.into());
        let Self { numbers, hasher, texts } = self;
        numbers
            .insert_unique(hasher.hash_one(text), symbol, |symbol| hasher.hash_one(&*texts[symbol.index()]));
        symbol
    }

    /// The symbol of `text`, if any series uses it.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.numbers.find(self.hasher.hash_one(text), |symbol| &*self.texts[symbol.index()] == text).copied()
    }

    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.index()]
    }

    /// Every symbol's index is below this.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    #[test]
    fn equal_strings_share_a_symbol() {
        let mut symbols = Symbols::default();
        let (a, b) = (symbols.intern("a"), symbols.intern("b"));
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), a);
        assert_eq!(symbols.find("b"), Some(b));
        assert_eq!(symbols.find("c"), None);
        assert_eq!(symbols.text(b), "b");
        assert_eq!((symbols.len(), a.index(), b.index()), (2, 0, 1));
    }

    #[test]
    fn every_string_of_many_is_found_again() {
        let mut symbols = Symbols::default();
        let texts: Vec<String> = (0..10_000).map(|at| format!("key/{at}")).collect();
        let made: Vec<_> = texts.iter().map(|text| symbols.intern(text)).collect();
        assert!(texts.iter().zip(&made).all(|(text, symbol)| symbols.find(text) == Some(*symbol)));
    }
}
