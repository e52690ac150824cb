//! Lists of who asked for something, and the small structures that find the lists
//!
//! **Asker** is the number of an alternative of a pattern in its set. Each structure holds askers by what they asked,
//! takes them in and lets them go at any time, and names those that a value concerns. It may name more than match, by
//! a prefix where a wildcard was asked, never fewer.

use std::{collections::HashMap, hash::Hash};

use foldhash::fast::RandomState;

/// The number of an alternative.
pub(super) type Asker = u32;

/// Who asked for one thing.
pub(super) type Askers = Vec<Asker>;

/// Takes one entry of an asker out; the order of the others is of no meaning.
pub(super) fn withdraw(askers: &mut Askers, asker: Asker) {
    if let Some(at) = askers.iter().position(|known| *known == asker) {
        askers.swap_remove(at);
    }
}

/// Askers where there is mostly one: that one lies with its key and costs no further memory to look at.
#[derive(Debug)]
pub(super) enum MostlyOne {
    One([Asker; 1]),
    Others(Askers),
}

impl Default for MostlyOne {
    fn default() -> Self {
        Self::Others(Askers::new())
    }
}

impl MostlyOne {
    pub(super) fn push(&mut self, asker: Asker) {
        match self {
            Self::One([first]) => *self = Self::Others(vec![*first, asker]),
            Self::Others(askers) if askers.is_empty() => *self = Self::One([asker]),
            Self::Others(askers) => askers.push(asker),
        }
    }

    pub(super) fn withdraw(&mut self, asker: Asker) {
        match self {
            Self::One([first]) if *first == asker => *self = Self::default(),
            Self::One(_) => {}
            Self::Others(askers) => withdraw(askers, asker),
        }
    }

    pub(super) fn as_slice(&self) -> &[Asker] {
        match self {
            Self::One(one) => one,
            Self::Others(askers) => askers,
        }
    }
}

/// Askers by a key.
#[derive(Debug)]
pub(super) struct ByKey<K>(HashMap<K, MostlyOne, RandomState>);

impl<K> Default for ByKey<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash> ByKey<K> {
    pub(super) fn file(&mut self, key: K, asker: Asker) {
        self.0.entry(key).or_default().push(asker);
    }

    /// Takes back [`ByKey::file`]; whether nobody asks for the key any more.
    pub(super) fn withdraw(&mut self, key: &K, asker: Asker) -> bool {
        let Some(askers) = self.0.get_mut(key) else { return false };
        askers.withdraw(asker);
        let is_empty = askers.as_slice().is_empty();
        if is_empty {
            self.0.remove(key);
        }
        is_empty
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get<Q>(&self, key: &Q) -> &[Asker]
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.get(key).map_or(&[], MostlyOne::as_slice)
    }
}

/// Askers by how a text begins or ends: a text is looked up once for each length that some affix has.
#[derive(Debug, Default)]
pub(super) struct Affixes {
    by_text: ByKey<Box<[u8]>>,
    /// How many different affixes have a length, by length.
    lengths: Counts<usize>,
}

impl Affixes {
    pub(super) fn file(&mut self, affix: &str, asker: Asker) {
        if self.by_text.get(affix.as_bytes()).is_empty() {
            self.lengths.add(affix.len());
        }
        self.by_text.file(affix.as_bytes().into(), asker);
    }

    pub(super) fn withdraw(&mut self, affix: &str, asker: Asker) {
        if self.by_text.withdraw(&affix.as_bytes().into(), asker) {
            self.lengths.take(affix.len());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_text.is_empty()
    }

    /// How many ask for just this affix.
    pub(super) fn asked(&self, affix: &str) -> usize {
        self.by_text.get(affix.as_bytes()).len()
    }

    pub(super) fn starting(&self, text: &[u8], found: &mut Askers) {
        for length in self.lengths.up_to(text.len()) {
            found.extend_from_slice(self.by_text.get(&text[..length]));
        }
    }

    pub(super) fn ending(&self, text: &[u8], found: &mut Askers) {
        for length in self.lengths.up_to(text.len()) {
            found.extend_from_slice(self.by_text.get(&text[text.len() - length..]));
        }
    }
}

/// The most bytes of a gram.
const GRAM_BYTES_MAX: usize = 4;

/// Askers by some bytes that occur anywhere in a text, a **gram**: every place of the text is looked up.
#[derive(Debug, Default)]
pub(super) struct Grams {
    by_text: ByKey<Box<[u8]>>,
    lengths: Counts<usize>,
}

impl Grams {
    /// The grams of texts that all occur: those of full length, or the longest text if all are shorter.
    pub(super) fn of(texts: &[String]) -> impl Iterator<Item = &[u8]> {
        let full = texts.iter().flat_map(|text| text.as_bytes().windows(GRAM_BYTES_MAX));
        let longest = texts.iter().map(String::as_bytes).max_by_key(|text| text.len());
        full.chain(longest.filter(|text| (1..GRAM_BYTES_MAX).contains(&text.len())))
    }

    pub(super) fn file(&mut self, gram: &[u8], asker: Asker) {
        if self.by_text.get(gram).is_empty() {
            self.lengths.add(gram.len());
        }
        self.by_text.file(gram.into(), asker);
    }

    pub(super) fn withdraw(&mut self, gram: &[u8], asker: Asker) {
        if self.by_text.withdraw(&gram.into(), asker) {
            self.lengths.take(gram.len());
        }
    }

    pub(super) fn asked(&self, gram: &[u8]) -> usize {
        self.by_text.get(gram).len()
    }

    pub(super) fn within(&self, text: &[u8], found: &mut Askers) {
        for length in self.lengths.up_to(text.len()) {
            for window in text.windows(length) {
                found.extend_from_slice(self.by_text.get(window));
            }
        }
    }
}

/// How often each of some small numbers is in use, in their order.
#[derive(Debug)]
pub(super) struct Counts<N>(Vec<(N, usize)>);

impl<N> Default for Counts<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Copy + Ord> Counts<N> {
    pub(super) fn add(&mut self, number: N) {
        match self.0.binary_search_by_key(&number, |(known, _)| *known) {
            Ok(at) => self.0[at].1 += 1,
            Err(at) => self.0.insert(at, (number, 1)),
        }
    }

    pub(super) fn take(&mut self, number: N) {
        if let Ok(at) = self.0.binary_search_by_key(&number, |(known, _)| *known) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.remove(at);
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = N> {
        self.0.iter().map(|(number, _)| *number)
    }

    fn up_to(&self, most: N) -> impl Iterator<Item = N> {
        self.iter().take_while(move |number| *number <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affixes_come_and_go() {
        let mut affixes = Affixes::default();
        for (asker, affix) in ["", "a", "ab", "ab", "abc", "xyz"].into_iter().enumerate() {
            affixes.file(affix, asker as Asker);
        }
        let starting = |affixes: &Affixes, text: &str| {
            let mut found = Askers::new();
            affixes.starting(text.as_bytes(), &mut found);
            found
        };
        assert_eq!(starting(&affixes, "abx"), [0, 1, 2, 3]);
        assert_eq!(starting(&affixes, "xy"), [0]);
        affixes.withdraw("ab", 2);
        affixes.withdraw("", 0);
        affixes.withdraw("ab", 7);
        assert_eq!(starting(&affixes, "abcd"), [1, 3, 4]);
        affixes.withdraw("ab", 3);
        assert_eq!(affixes.lengths.iter().collect::<Vec<_>>(), [1, 3]);
        let mut found = Askers::new();
        affixes.ending(b"wxyz", &mut found);
        assert_eq!(found, [5]);
    }

    #[test]
    fn grams() {
        let mut grams = Grams::default();
        grams.file(b"need", 1);
        grams.file(b"ne", 2);
        let within = |grams: &Grams, text: &str| {
            let mut found = Askers::new();
            grams.within(text.as_bytes(), &mut found);
            found
        };
        assert_eq!(within(&grams, "a needed one"), [2, 2, 1]);
        assert_eq!(within(&grams, "n"), Askers::new());
        grams.withdraw(b"ne", 2);
        assert_eq!(within(&grams, "ne"), Askers::new());
        assert_eq!(grams.asked(b"need"), 1);
        let of = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            Grams::of(&texts).map(|gram| String::from_utf8_lossy(gram).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(&["abcde", "xy", "1234"]), ["abcd", "bcde", "1234"]);
        assert_eq!(of(&["", "abc", "xy"]), ["abc"]);
        assert_eq!(of(&["", ""]), [""; 0]);
    }
}
