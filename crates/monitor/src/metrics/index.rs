//! # The index: which metric is which series
//! A **family** is what shares partition, namespace and name; a metric is a family and an exact set of dimensions. The index gives
//! each metric a number, finds it again by its names, and lists a family. It holds a metric in twenty-some bytes besides its strings.
//! **Invariants:** numbers count up from 0 and never change; two numbers never share an identity.
//! **Not here:** points (`series.rs`).

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hasher},
};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{
    series::{MetricRef, SeriesId},
    symbols::{Symbol, Symbols},
};

/// The number of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(u32);

/// What metrics of one name have in common, and which they are, in the order they appeared.
#[derive(Debug)]
struct Family {
    partition: Symbol,
    namespace: Symbol,
    name: Symbol,
    series: Vec<SeriesId>,
}

/// Where a metric's names are; its dimensions end where those of the next begin.
#[derive(Debug, Clone, Copy)]
struct Place {
    family: FamilyId,
    dimensions: u32,
}

/// Every metric's names.
#[derive(Debug, Default)]
pub struct Index {
    symbols: Symbols,
    families: Vec<Family>,
    by_names: HashMap<[Symbol; 3], FamilyId, RandomState>,
    places: Vec<Place>,
    /// All metrics' dimensions after each other, each metric's sorted by name.
    dimensions: Vec<(Symbol, Symbol)>,
    by_identity: HashTable<SeriesId>,
    hasher: RandomState,
}

impl Index {
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// The family of these names, if any metric is in it.
    pub fn find_family(&self, partition: &str, namespace: &str, name: &str) -> Option<FamilyId> {
        let names = [self.symbols.find(partition)?, self.symbols.find(namespace)?, self.symbols.find(name)?];
        self.by_names.get(&names).copied()
    }

    /// The family of these names, made if it is new.
    pub fn family(&mut self, partition: &str, namespace: &str, name: &str) -> FamilyId {
        let names = [partition, namespace, name].map(|text| self.symbols.intern(text));
        let next = FamilyId(self.families.len() as u32);
        let id = *self.by_names.entry(names).or_insert(next);
        if id == next {
            let [partition, namespace, name] = names;
            self.families.push(Family { partition, namespace, name, series: Vec::new() });
        }
        id
    }

    /// The metric with exactly these dimensions, which are sorted by name.
    pub fn find(&self, family: FamilyId, dimensions: &[(&str, &str)]) -> Option<SeriesId> {
        self.by_identity
            .find(self.hash(family, dimensions.iter().copied()), |id| self.is(*id, family, dimensions))
            .copied()
    }

    pub fn find_metric(&self, metric: &MetricRef<'_>) -> Option<SeriesId> {
        let family = self.find_family(metric.partition, metric.namespace, metric.name)?;
        self.find(family, metric.dimensions)
    }

    /// Numbers a metric that [`Self::find`] does not find.
    pub fn insert(&mut self, family: FamilyId, dimensions: &[(&str, &str)]) -> SeriesId {
        debug_assert!(dimensions.is_sorted_by(|a, b| a.0 < b.0), "dimensions are sorted");
        let id = SeriesId(self.places.len() as u32);
        self.places.push(Place { family, dimensions: self.dimensions.len() as u32 });
        for (name, value) in dimensions {
            let pair = (self.symbols.intern(name), self.symbols.intern(value));
            self.dimensions.push(pair);
        }
        self.families[family.0 as usize].series.push(id);
        let hash = self.hash(family, dimensions.iter().copied());
        let mut table = std::mem::take(&mut self.by_identity);
        table.insert_unique(hash, id, |id| {
            let texts = self.dimensions(*id).iter();
            let texts = texts.map(|(name, value)| (self.symbols.text(*name), self.symbols.text(*value)));
            self.hash(self.places[id.0 as usize].family, texts)
        });
        self.by_identity = table;
        id
    }

    /// Partition, namespace and name of a metric.
    fn names(&self, id: SeriesId) -> [Symbol; 3] {
        let family = &self.families[self.places[id.0 as usize].family.0 as usize];
        [family.partition, family.namespace, family.name]
    }

    pub fn family_of(&self, id: SeriesId) -> FamilyId {
        self.places[id.0 as usize].family
    }

    /// The names of a metric.
    pub fn metric(&self, id: SeriesId) -> Metric<'_> {
        Metric { names: self.names(id), dimensions: self.dimensions(id), symbols: &self.symbols }
    }

    /// Sorted by the text of the name.
    pub fn dimensions(&self, id: SeriesId) -> &[(Symbol, Symbol)] {
        let at = id.0 as usize;
        let end = self.places.get(at + 1).map_or(self.dimensions.len(), |next| next.dimensions as usize);
        &self.dimensions[self.places[at].dimensions as usize..end]
    }

    /// The metrics of a family in the order they appeared.
    pub fn of_family(&self, family: FamilyId) -> &[SeriesId] {
        &self.families[family.0 as usize].series
    }

    fn is(&self, id: SeriesId, family: FamilyId, dimensions: &[(&str, &str)]) -> bool {
        let own = self.dimensions(id);
        let same = |((a, b), (name, value)): (&(Symbol, Symbol), &(&str, &str))| {
            self.symbols.text(*a) == *name && self.symbols.text(*b) == *value
        };
        self.places[id.0 as usize].family == family
            && own.len() == dimensions.len()
            && own.iter().zip(dimensions).all(same)
    }

    fn hash<'t>(&self, family: FamilyId, dimensions: impl Iterator<Item = (&'t str, &'t str)>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u32(family.0);
        for (name, value) in dimensions {
            // A byte that no name holds keeps names and values apart.
            hasher.write(name.as_bytes());
            hasher.write_u8(0xff);
            hasher.write(value.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }
}

/// The names of one series.
#[derive(Debug, Clone, Copy)]
pub struct Metric<'a> {
    names: [Symbol; 3],
    dimensions: &'a [(Symbol, Symbol)],
    symbols: &'a Symbols,
}

impl<'a> Metric<'a> {
    pub fn partition(&self) -> &'a str {
        self.symbols.text(self.names[0])
    }

    pub fn namespace(&self) -> &'a str {
        self.symbols.text(self.names[1])
    }

    pub fn name(&self) -> &'a str {
        self.symbols.text(self.names[2])
    }

    /// Names and values, by name.
    pub fn dimensions(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let symbols = self.symbols;
        self.dimensions.iter().map(|(name, value)| (symbols.text(*name), symbols.text(*value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_apart() {
        let mut index = Index::default();
        let family = index.family("p", "n", "m");
        let other = index.family("p", "n", "m2");
        assert_eq!(index.family("p", "n", "m"), family);
        let many: Vec<String> = (0..5_000).map(|at| at.to_string()).collect();
        for (at, value) in many.iter().enumerate() {
            let in_family = if at % 2 == 0 { family } else { other };
            assert_eq!(index.insert(in_family, &[("A", value), ("B", "x")]), SeriesId(at as u32));
        }
        let plain = index.insert(family, &[]);
        for (at, value) in many.iter().enumerate() {
            let (mine, theirs) = if at % 2 == 0 { (family, other) } else { (other, family) };
            assert_eq!(index.find(mine, &[("A", value), ("B", "x")]), Some(SeriesId(at as u32)));
            assert_eq!(index.find(theirs, &[("A", value), ("B", "x")]), None);
            assert_eq!(index.find(mine, &[("A", value)]), None);
        }
        assert_eq!(index.find(family, &[]), Some(plain));
        assert_eq!(index.find(other, &[]), None);
        assert_eq!(index.dimensions(plain), []);
        assert_eq!(index.of_family(other).len(), 2_500);
        assert_eq!(
            (index.find_family("p", "n", "x"), index.find_family("p", "n", "m2")),
            (None, Some(other))
        );
    }
}
