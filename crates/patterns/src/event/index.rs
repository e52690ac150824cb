//! What is asked of the values at one path, by what a value must be to satisfy it
//!
//! A value names those whom it concerns without any of the others being looked at. Exact texts have a number each,
//! their **symbol**, so that a text is looked up once for an event and compared as a number from then on.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use ipnet::IpNet;

use super::{
    cidr::{self, Block},
    postings::{Affixes, Asker, Askers, ByKey, Counts, Grams, MostlyOne, withdraw},
    predicate::{Leaf, Predicate, folded},
    ranges::Ranges,
    reading::NONE,
    wildcard::Wildcard,
};

/// The number of an exact text among those of its path; never [`NONE`].
pub(super) type Symbol = u32;

#[derive(Debug, Default)]
pub(super) struct Index {
    texts: HashMap<Box<str>, AskedText, RandomState>,
    symbols_given: Symbol,
    others: Option<Box<Others>>,
    /// Conditions at this path; at none the index asks for nothing.
    conditions: usize,
}

#[derive(Debug)]
struct AskedText {
    symbol: Symbol,
    /// In how many conditions the text is.
    conditions: usize,
    askers: MostlyOne,
}

/// All but exact texts.
#[derive(Debug, Default)]
struct Others {
    folded: ByKey<Box<str>>,
    starts: Affixes,
    ends: Affixes,
    folded_starts: Affixes,
    folded_ends: Affixes,
    grams: Grams,
    /// By the bits of the double.
    numbers: ByKey<u64>,
    ranges: Ranges,
    blocks: ByKey<Block>,
    block_sizes: Counts<(bool, u8)>,
    truths: Askers,
    falsehoods: Askers,
    nulls: Askers,
    any: Askers,
}

/// How little it is worth to be found by a predicate: the number of others found with it, guessed where it cannot be
/// known.
pub(super) type Crowd = usize;

impl Index {
    /// Notes a condition and gives its exact texts their symbols, in ascending order.
    pub(super) fn note(&mut self, predicates: &[Predicate]) -> Box<[Symbol]> {
        self.conditions += 1;
        let mut symbols = Vec::new();
        for text in predicates.iter().filter_map(Predicate::exact_text) {
            let asked = match self.texts.get_mut(text) {
                Some(asked) => asked,
                None => {
                    let asked =
                        AskedText { symbol: self.symbols_given, conditions: 0, askers: MostlyOne::default() };
                    self.symbols_given += 1;
                    self.texts.entry(text.into()).or_insert(asked)
                }
            };
            asked.conditions += 1;
            symbols.push(asked.symbol);
        }
        symbols.sort_unstable();
        symbols.into()
    }

    /// Takes back [`Index::note`].
    pub(super) fn forget(&mut self, predicates: &[Predicate]) {
        self.conditions -= 1;
        for text in predicates.iter().filter_map(Predicate::exact_text) {
            if let Some(asked) = self.texts.get_mut(text) {
                asked.conditions -= 1;
                if asked.conditions == 0 {
                    self.texts.remove(text);
                }
            }
        }
    }

    pub(super) fn is_asked(&self) -> bool {
        self.conditions > 0
    }

    /// `None`: those who ask this can only be tried at every event.
    pub(super) fn crowd(&self, predicates: &[Predicate]) -> Option<Crowd> {
        predicates.iter().map(|predicate| self.crowd_of(predicate)).sum()
    }

    fn crowd_of(&self, predicate: &Predicate) -> Option<Crowd> {
        /// Guesses at how many unequal things one value satisfies.
        const AFFIX: Crowd = 8;
        const SPREAD: Crowd = 64;
        const MOST: Crowd = 4_096;
        let others = self.others.as_deref();
        let count = |counted: &dyn Fn(&Others) -> usize| others.map_or(0, counted);
        Some(match predicate {
            Predicate::Absent => return None,
            Predicate::Text(text) => self.texts.get(text.as_str()).map_or(0, |asked| asked.conditions),
            Predicate::Number(number) => count(&|others| others.numbers.get(&bits(*number)).len()),
            Predicate::EqualsIgnoringCase(text) => count(&|others| others.folded.get(text.as_str()).len()),
            Predicate::Cidr(block) => AFFIX + count(&|others| others.blocks.get(&Block::of(block)).len()),
            Predicate::Prefix(text) => AFFIX + count(&|others| others.starts.asked(text)),
            Predicate::Suffix(text) => AFFIX + count(&|others| others.ends.asked(text)),
            Predicate::PrefixIgnoringCase(text) => AFFIX + count(&|others| others.folded_starts.asked(text)),
            Predicate::SuffixIgnoringCase(text) => AFFIX + count(&|others| others.folded_ends.asked(text)),
            Predicate::Wildcard(wildcard) => {
                let rarest = others.map(|others| others.rarest_key(wildcard));
                SPREAD + rarest.map_or(0, |(_, crowd)| crowd.min(MOST))
            }
            Predicate::Range(_) => SPREAD + count(&|others| others.ranges.len()),
            Predicate::Bool(true) => SPREAD + count(&|others| others.truths.len()),
            Predicate::Bool(false) => SPREAD + count(&|others| others.falsehoods.len()),
            Predicate::Null => SPREAD + count(&|others| others.nulls.len()),
            Predicate::Exists | Predicate::AnythingBut(_) => MOST + count(&|others| others.any.len()),
        })
    }

    /// From now on values that may satisfy one of the predicates name the asker.
    pub(super) fn file(&mut self, predicates: &[Predicate], asker: Asker) {
        for predicate in predicates {
            match predicate.exact_text() {
                Some(text) => {
                    if let Some(asked) = self.texts.get_mut(text) {
                        asked.askers.push(asker);
                    }
                }
                None => self.others.get_or_insert_default().file(predicate, asker),
            }
        }
    }

    /// Takes back [`Index::file`].
    pub(super) fn withdraw(&mut self, predicates: &[Predicate], asker: Asker) {
        for predicate in predicates {
            match (predicate.exact_text(), self.others.as_deref_mut()) {
                (Some(text), _) => {
                    if let Some(asked) = self.texts.get_mut(text) {
                        asked.askers.withdraw(asker);
                    }
                }
                (None, Some(others)) => others.withdraw(predicate, asker),
                (None, None) => {}
            }
        }
    }

    /// Adds those whom a value may concern; answers the symbol of its text, or [`NONE`].
    #[inline]
    pub(super) fn concerned(&self, leaf: &Leaf<'_>, found: &mut Askers) -> Symbol {
        let mut symbol = NONE;
        if let Leaf::Text(text) = leaf
            && !self.texts.is_empty()
            && let Some(asked) = self.texts.get(*text)
        {
            symbol = asked.symbol;
            found.extend_from_slice(asked.askers.as_slice());
        }
        if let Some(others) = &self.others {
            others.concerned(leaf, found);
        }
        symbol
    }
}

/// The two zeros are one number.
fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

/// By which of its literal texts a wildcard can be found.
enum WildcardKey<'w> {
    Start(&'w str),
    End(&'w str),
    Within(&'w [u8]),
    /// By none, which is always possible.
    None,
}

fn keys_of(wildcard: &Wildcard) -> impl Iterator<Item = WildcardKey<'_>> {
    let pieces = wildcard.pieces();
    let start = pieces.first().filter(|piece| !piece.is_empty()).map(|piece| WildcardKey::Start(piece));
    let end = pieces.last().filter(|piece| !piece.is_empty()).map(|piece| WildcardKey::End(piece));
    let within = Grams::of(pieces).map(WildcardKey::Within);
    start.into_iter().chain(end).chain(within).chain([WildcardKey::None])
}

impl Others {
    /// The key of a wildcard by which the fewest others are found, and how many these are.
    fn rarest_key<'w>(&self, wildcard: &'w Wildcard) -> (WildcardKey<'w>, Crowd) {
        /// Every place of a text is looked up for grams, so an affix is better even if some share it.
        const GRAM: Crowd = 4;
        let crowd = |key: &WildcardKey<'_>| match key {
            WildcardKey::Start(text) => self.starts.asked(text),
            WildcardKey::End(text) => self.ends.asked(text),
            WildcardKey::Within(gram) => GRAM + self.grams.asked(gram),
            WildcardKey::None => Crowd::MAX,
        };
        let keys = keys_of(wildcard).map(|key| (crowd(&key), key));
        let rarest = keys.min_by_key(|(crowd, _)| *crowd);
        rarest.map_or((WildcardKey::None, Crowd::MAX), |(crowd, key)| (key, crowd))
    }

    fn file(&mut self, predicate: &Predicate, asker: Asker) {
        match predicate {
            Predicate::Text(_) | Predicate::Absent => {}
            Predicate::Number(number) => self.numbers.file(bits(*number), asker),
            Predicate::EqualsIgnoringCase(text) => self.folded.file(text.as_str().into(), asker),
            Predicate::Prefix(text) => self.starts.file(text, asker),
            Predicate::Suffix(text) => self.ends.file(text, asker),
            Predicate::PrefixIgnoringCase(text) => self.folded_starts.file(text, asker),
            Predicate::SuffixIgnoringCase(text) => self.folded_ends.file(text, asker),
            Predicate::Wildcard(wildcard) => match self.rarest_key(wildcard).0 {
                WildcardKey::Start(text) => self.starts.file(text, asker),
                WildcardKey::End(text) => self.ends.file(text, asker),
                WildcardKey::Within(gram) => self.grams.file(gram, asker),
                WildcardKey::None => self.any.push(asker),
            },
            Predicate::Range(range) => self.ranges.file(range, asker),
            Predicate::Cidr(block) => self.file_block(block, asker),
            Predicate::Bool(true) => self.truths.push(asker),
            Predicate::Bool(false) => self.falsehoods.push(asker),
            Predicate::Null => self.nulls.push(asker),
            Predicate::Exists | Predicate::AnythingBut(_) => self.any.push(asker),
        }
    }

    fn withdraw(&mut self, predicate: &Predicate, asker: Asker) {
        match predicate {
            Predicate::Text(_) | Predicate::Absent => {}
            Predicate::Number(number) => drop(self.numbers.withdraw(&bits(*number), asker)),
            Predicate::EqualsIgnoringCase(text) => drop(self.folded.withdraw(&text.as_str().into(), asker)),
            Predicate::Prefix(text) => self.starts.withdraw(text, asker),
            Predicate::Suffix(text) => self.ends.withdraw(text, asker),
            Predicate::PrefixIgnoringCase(text) => self.folded_starts.withdraw(text, asker),
            Predicate::SuffixIgnoringCase(text) => self.folded_ends.withdraw(text, asker),
            // Which key was the rarest when it was filed is not kept: it is looked for under all.
            Predicate::Wildcard(wildcard) => {
                for key in keys_of(wildcard) {
                    match key {
                        WildcardKey::Start(text) => self.starts.withdraw(text, asker),
                        WildcardKey::End(text) => self.ends.withdraw(text, asker),
                        WildcardKey::Within(gram) => self.grams.withdraw(gram, asker),
                        WildcardKey::None => withdraw(&mut self.any, asker),
                    }
                }
            }
            Predicate::Range(range) => self.ranges.withdraw(range, asker),
            Predicate::Cidr(block) => self.withdraw_block(block, asker),
            Predicate::Bool(true) => withdraw(&mut self.truths, asker),
            Predicate::Bool(false) => withdraw(&mut self.falsehoods, asker),
            Predicate::Null => withdraw(&mut self.nulls, asker),
            Predicate::Exists | Predicate::AnythingBut(_) => withdraw(&mut self.any, asker),
        }
    }

    fn file_block(&mut self, block: &IpNet, asker: Asker) {
        let block = Block::of(block);
        if self.blocks.get(&block).is_empty() {
            self.block_sizes.add(block.size());
        }
        self.blocks.file(block, asker);
    }

    fn withdraw_block(&mut self, block: &IpNet, asker: Asker) {
        let block = Block::of(block);
        if self.blocks.withdraw(&block, asker) {
            self.block_sizes.take(block.size());
        }
    }

    fn concerned(&self, leaf: &Leaf<'_>, found: &mut Askers) {
        found.extend_from_slice(&self.any);
        match leaf {
            Leaf::Text(text) => self.concerned_by_text(text, found),
            Leaf::Number(number) => {
                found.extend_from_slice(self.numbers.get(&bits(*number)));
                self.ranges.holding(*number, found);
                if let Some(address) = cidr::number_as_address(*number) {
                    self.concerned_by_address(address.into(), found);
                }
            }
            Leaf::Bool(true) => found.extend_from_slice(&self.truths),
            Leaf::Bool(false) => found.extend_from_slice(&self.falsehoods),
            Leaf::Null => found.extend_from_slice(&self.nulls),
        }
    }

    fn concerned_by_text(&self, text: &str, found: &mut Askers) {
        self.starts.starting(text.as_bytes(), found);
        self.ends.ending(text.as_bytes(), found);
        self.grams.within(text.as_bytes(), found);
        if !self.folded.is_empty() || !self.folded_starts.is_empty() || !self.folded_ends.is_empty() {
            let folded = folded(text);
            found.extend_from_slice(self.folded.get(folded.as_str()));
            self.folded_starts.starting(folded.as_bytes(), found);
            self.folded_ends.ending(folded.as_bytes(), found);
        }
        if !self.blocks.is_empty()
            && let Ok(address) = text.parse()
        {
            self.concerned_by_address(address, found);
        }
    }

    fn concerned_by_address(&self, address: std::net::IpAddr, found: &mut Askers) {
        for size in self.block_sizes.iter() {
            if let Some(block) = Block::around(address, size) {
                found.extend_from_slice(self.blocks.get(&block));
            }
        }
    }
}

impl Predicate {
    /// The text, of a predicate that asks for just one.
    pub(super) fn exact_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
