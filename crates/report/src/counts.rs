//! Counts by name, by hour and over time: what a tally is made of.
//!
//! A **named** list gives each distinct name a small number, so that counts by two names cost no text.
//! **Invariants:** merging is the same in any order; a list of names has a limit, after which they are counted
//! as [`OTHERS`].
//! **Not here:** what is counted (`tally`).

use jiff::Timestamp;
use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Distinct names kept of each kind.
const NAMES_MAX: usize = 1_000_000;
/// Stands for the names beyond a limit.
const OTHERS: &str = "(others)";

/// Hashed quickly, with a seed of this process.
pub(super) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// The number of a name in its list.
pub(super) type Number = u32;

/// Numbers of which there are mostly no more than `FEW`.
#[derive(Debug, Clone)]
pub(super) struct Numbers<const FEW: usize> {
    first: [Number; FEW],
    length: usize,
    more: Vec<Number>,
}

impl<const FEW: usize> Default for Numbers<FEW> {
    fn default() -> Self {
        Self { first: [0; FEW], length: 0, more: Vec::new() }
    }
}

impl<const FEW: usize> Numbers<FEW> {
    #[inline]
    pub(super) fn push(&mut self, number: Number) {
        match self.first.get_mut(self.length) {
            Some(place) => {
                *place = number;
                self.length += 1;
            }
            None => self.more.push(number),
        }
    }

    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = Number> {
        self.first[..self.length].iter().chain(&self.more).copied()
    }
}

/// A name that is looked up by its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name(Arc<str>);

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// As its bytes, which `Borrow` asks for.
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_bytes().hash(state);
    }
}

/// Distinct names with something about each.
#[derive(Debug, Default)]
pub(super) struct Named<T> {
    numbers: HashMap<Name, Number>,
    entries: Vec<(Arc<str>, T)>,
    /// The number asked for last.
    last: Number,
}

impl<T: Default> Named<T> {
    /// The number of a name; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn number(&mut self, name: &[u8]) -> Number {
        match self.numbers.get(name) {
            Some(number) => *number,
            None => self.new_number(name),
        }
    }

    /// The same, quicker for names that mostly come several times in a row.
    pub(super) fn number_again(&mut self, name: &[u8]) -> Number {
        if self.entries.get(self.last as usize).is_none_or(|(last, _)| last.as_bytes() != name) {
            self.last = self.number(name);
        }
        self.last
    }

    #[cold]
    fn new_number(&mut self, bytes: &[u8]) -> Number {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(text) = &text
            && let Some(number) = self.numbers.get(text.as_bytes())
        {
            return *number;
        }
        if self.entries.len() >= NAMES_MAX && text != OTHERS {
            return self.number(OTHERS.as_bytes());
        }
        let name: Arc<str> = text.into();
        // The limit on names keeps this below 2^32.
        let number = self.entries.len() as Number;
        self.numbers.insert(Name(name.clone()), number);
        self.entries.push((name, T::default()));
        number
    }

    pub(super) fn at(&mut self, number: Number) -> &mut T {
        &mut self.entries[number as usize].1
    }

    pub(super) fn add(&mut self, name: &[u8]) -> &mut T {
        let number = self.number(name);
        self.at(number)
    }

    pub(super) fn name(&self, number: Number) -> &str {
        &self.entries[number as usize].0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, &str, &T)> {
        (0..).zip(&self.entries).map(|(number, (name, entry))| (number, &**name, entry))
    }

    /// Takes over the names of another list. Returns its numbers in this one.
    pub(super) fn merge(&mut self, other: Self, mut join: impl FnMut(&mut T, T)) -> Vec<Number> {
        let take = |(name, entry): (Arc<str>, T)| {
            let number = self.number(name.as_bytes());
            join(self.at(number), entry);
            number
        };
        other.entries.into_iter().map(take).collect()
    }
}

/// Counts by a few numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(Vec<(Number, u64)>);

impl Counts {
    pub(super) fn add(&mut self, number: Number, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == number) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((number, count)),
        }
    }

    /// Counts one more, unless the number is new and there are `limit` already.
    pub(super) fn add_within(&mut self, number: Number, limit: usize) {
        let is_known = |(known, _): &&mut (Number, u64)| *known == number;
        if let Some((_, sum)) = self.0.iter_mut().find(is_known) {
            *sum += 1;
        } else if self.0.len() < limit {
            self.0.push((number, 1));
        }
    }

    pub(super) fn merge(&mut self, other: &Self, numbers: &[Number]) {
        for (number, count) in &other.0 {
            self.add(numbers[*number as usize], *count);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Number, u64)> {
        self.0.iter().copied()
    }
}

/// Counts by hour since 1970. Log files are in the order of time, so that mostly the same hour is counted on.
#[derive(Debug, Clone, Default)]
pub(super) struct Hours {
    hour: i64,
    counts: Counts,
    others: BTreeMap<i64, Counts>,
}

impl Hours {
    pub(super) fn add(&mut self, hour: i64, number: Number) {
        if hour != self.hour {
            self.close();
            self.hour = hour;
        }
        self.counts.add(number, 1);
    }

    /// Puts the open hour with the others.
    fn close(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        if !counts.0.is_empty() {
            let hour = self.others.entry(self.hour).or_default();
            counts.iter().for_each(|(number, count)| hour.add(number, count));
        }
    }

    pub(super) fn merge(&mut self, mut other: Self, numbers: &[Number]) {
        other.close();
        for (hour, counts) in other.others {
            self.others.entry(hour).or_default().merge(&counts, numbers);
        }
    }

    /// The oldest first.
    pub(super) fn sorted(&self) -> BTreeMap<i64, Counts> {
        let mut hours = self.clone();
        hours.close();
        hours.others
    }
}

/// The first and the last time of something.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    pub(super) fn add(&mut self, time: Timestamp) {
        self.merge(Self(Some((time, time))));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some((first, last)), Some((earlier, later))) => Some((first.min(earlier), last.max(later))),
            (one, another) => one.or(another),
        };
    }

    pub(super) fn first(&self) -> Option<Timestamp> {
        self.0.map(|(first, _)| first)
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        self.0.map(|(_, last)| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_their_text() {
        let mut names = Named::<u64>::default();
        let numbers =
            [&b"a"[..], b"\xff", b"a", "\u{fffd}".as_bytes(), b"\xfe"].map(|name| names.number(name));
        assert_eq!(numbers, [0, 1, 0, 1, 1], "bytes that are not UTF-8 are all U+FFFD");
        assert_eq!([&b"a"[..], b"a", b"\xff", b"a"].map(|name| names.number_again(name)), [0, 0, 1, 0]);
        assert_eq!(names.iter().map(|(_, name, _)| name).collect::<Vec<_>>(), ["a", "\u{fffd}"]);
    }

    #[test]
    fn hours_in_any_order() {
        let mut hours = Hours::default();
        for hour in [0, 7, 7, 0, -1, 7] {
            hours.add(hour, 3);
        }
        let mut others = Hours::default();
        others.add(0, 0);
        hours.merge(others, &[9]);
        let found: Vec<_> = hours
            .sorted()
            .into_iter()
            .map(|(hour, counts)| (hour, counts.iter().collect::<Vec<_>>()))
            .collect();
        assert_eq!(found, [(-1, vec![(3, 1)]), (0, vec![(3, 2), (9, 1)]), (7, vec![(3, 3)])]);
    }
}
