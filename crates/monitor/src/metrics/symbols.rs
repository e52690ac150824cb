//! # Symbols: strings that are kept once
//! A million series share few strings: an ARN appears in one series per operation, a namespace in all of them. A **symbol** is the
//! number of such a string; equal strings have equal symbols for the life of the table.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;

/// The number of an interned string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

/// The table of interned strings. It only grows: dropping a name would need a count of its users in every series.
#[derive(Debug, Default)]
pub struct Symbols {
    /// Looked up for every name of every point; foldhash is seeded anew in each process.
    numbers: HashMap<Arc<str>, Symbol, RandomState>,
    texts: Vec<Arc<str>>,
}

impl Symbols {
    /// The symbol of `text`, made if it is new.
    pub fn intern(&mut self, text: &str) -> Symbol {
        if let Some(&symbol) = self.numbers.get(text) {
            return symbol;
        }
        let symbol =
            Symbol(u32::try_from(self.texts.len()).expect("series are limited well below 2^32 names"));
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, symbol);
        symbol
    }

    /// The symbol of `text`, if any series uses it.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.numbers.get(text).copied()
    }

    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.0 as usize]
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
    }
}
