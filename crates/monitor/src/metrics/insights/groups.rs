//! Series sorted into groups by the values of the keys of `GROUP BY`.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::plan::Plan;
use crate::metrics::{series::SeriesId, symbols::Symbol};

/// The groups, numbered from 0, each with its series in the order they appeared.
#[derive(Debug, Default)]
pub(super) struct Groups {
    keys_each: usize,
    /// The keys of all groups after each other.
    keys: Vec<Option<Symbol>>,
    /// The series of all groups after each other, and where each group's end.
    members: Vec<SeriesId>,
    ends: Vec<u32>,
}

impl Groups {
    /// The groups of the series that a plan takes; `symbols` is how many there are.
    pub(super) fn of(plan: &Plan<'_>, series: &[SeriesId], symbols: usize) -> Self {
        let mut numbers = Numbers::new(plan.keys(), symbols);
        let mut taken: Vec<(SeriesId, u32)> = Vec::with_capacity(series.len());
        let mut key = Vec::with_capacity(plan.keys());
        for &id in series.iter().filter(|id| plan.takes(**id)) {
            key.clear();
            key.extend(plan.group(id));
            taken.push((id, numbers.of(&key)));
        }
        let mut ends = vec![0u32; numbers.count as usize];
        for (_, group) in &taken {
            ends[*group as usize] += 1;
        }
        let mut next = 0;
        for end in &mut ends {
            next += std::mem::replace(end, next);
        }
        let mut members = vec![SeriesId(0); taken.len()];
        for (id, group) in taken {
            // Until here an end is where the group begins; with its last series it becomes where it ends.
            let at = &mut ends[group as usize];
            members[*at as usize] = id;
            *at += 1;
        }
        Self { keys_each: plan.keys(), keys: numbers.keys, members, ends }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn key(&self, group: u32) -> &[Option<Symbol>] {
        let at = group as usize * self.keys_each;
        &self.keys[at..at + self.keys_each]
    }

    pub(super) fn members(&self, group: u32) -> &[SeriesId] {
        let at = group as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.members[start as usize..self.ends[at] as usize]
    }
}

/// Gives keys numbers.
struct Numbers {
    count: u32,
    keys_each: usize,
    keys: Vec<Option<Symbol>>,
    lookup: Lookup,
}

enum Lookup {
    /// Without keys there is one group.
    One,
    /// By the symbol of the only key, the last for none; [`UNKNOWN`] where there is none yet.
    BySymbol(Vec<u32>),
    ByHash(HashTable<u32>, RandomState),
}

const UNKNOWN: u32 = u32::MAX;

impl Numbers {
    fn new(keys_each: usize, symbols: usize) -> Self {
        let lookup = match keys_each {
            0 => Lookup::One,
            1 => Lookup::BySymbol(vec![UNKNOWN; symbols + 1]),
            _ => Lookup::ByHash(HashTable::new(), RandomState::default()),
        };
        Self { count: 0, keys_each, keys: Vec::new(), lookup }
    }

    fn of(&mut self, key: &[Option<Symbol>]) -> u32 {
        let Self { count, keys_each, keys, lookup } = self;
        let each = *keys_each;
        let found = match lookup {
            Lookup::One => (*count > 0).then_some(0),
            Lookup::BySymbol(numbers) => {
                let at = key[0].map_or(numbers.len() - 1, Symbol::index);
                let known = numbers[at];
                if known == UNKNOWN {
                    numbers[at] = *count;
                }
                (known != UNKNOWN).then_some(known)
            }
            Lookup::ByHash(table, hasher) => {
                let of = |keys: &[Option<Symbol>], group: u32| {
                    let at = group as usize * each;
                    hasher.hash_one(&keys[at..at + each])
                };
                let same = |group: &u32| keys[*group as usize * each..][..each] == *key;
                let found = table.find(hasher.hash_one(key), same).copied();
                if found.is_none() {
                    table.insert_unique(hasher.hash_one(key), *count, |group| of(keys, *group));
                }
                found
            }
        };
        found.unwrap_or_else(|| {
            keys.extend(key);
            *count += 1;
            *count - 1
        })
    }
}
