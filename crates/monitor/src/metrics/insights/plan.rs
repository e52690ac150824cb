//! A query with its names looked up once, so that each series costs comparisons of numbers only.

use super::{Condition, Key, Literal, Query};
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::metrics::{
    series::{SeriesId, SeriesStore},
    symbols::Symbol,
    tags::{RESOURCE_DIMENSIONS, Tags},
};

/// The label of metrics that lack a dimension of `GROUP BY`.
const OTHER: &str = "Other";

/// What a series is asked for.
pub(super) struct Plan<'a> {
    store: &'a SeriesStore,
    account: &'a str,
    /// The wanted dimension names; `Some(None)` when one of them is in no series at all.
    schema: Option<Option<Vec<Symbol>>>,
    test: Test,
    group_by: Vec<GroupKey>,
    values: TagValues,
    /// The dimension value that reads as what metrics without one are called.
    other: Option<Symbol>,
}

/// A condition on the dimensions of a series.
enum Test {
    Is { name: Symbol, values: Vec<Symbol> },
    Has(Symbol),
    TagIs { tag: Tag, values: Vec<Symbol> },
    HasTag(Tag),
    Always(bool),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

enum GroupKey {
    Account,
    /// The dimension's name; none when no series has it.
    Dimension(Option<Symbol>),
    Tag(Tag),
}

/// The values of one tag key by what names the resource, which is the value of one of the named dimensions.
struct Tag {
    dimensions: Vec<Symbol>,
    values: HashMap<Symbol, Symbol, RandomState>,
}

impl Tag {
    fn of(&self, dimensions: &[(Symbol, Symbol)]) -> Option<Symbol> {
        let resource = self.dimensions.iter().find_map(|name| find(dimensions, *name))?;
        self.values.get(&resource).copied()
    }
}

/// Values of tags, few of which any series has in its dimensions: they are numbered where the store's symbols end.
struct TagValues {
    begin: usize,
    texts: Vec<String>,
}

impl TagValues {
    fn symbol(&mut self, store: &SeriesStore, text: &str) -> Option<Symbol> {
        if let Some(known) = store.symbols().find(text) {
            return Some(known);
        }
        let at = self.texts.iter().position(|known| known == text).unwrap_or_else(|| {
            self.texts.push(text.to_owned());
            self.texts.len() - 1
        });
        Symbol::beyond(self.begin + at)
    }

    fn tag(&mut self, store: &SeriesStore, tags: &Tags, key: &str) -> Tag {
        let symbols = store.symbols();
        let dimensions = RESOURCE_DIMENSIONS.iter().filter_map(|name| symbols.find(name)).collect();
        // Resources that no series names have no part in the answer.
        let named = tags.with(key).filter_map(|(name, value)| Some((symbols.find(name)?, value)));
        let values = named.filter_map(|(name, value)| Some((name, self.symbol(store, value)?))).collect();
        Tag { dimensions, values }
    }
}

impl<'a> Plan<'a> {
    /// `account` is the one that asks, whose series these are.
    pub(super) fn new(store: &'a SeriesStore, query: &Query, account: &'a str, tags: &Tags) -> Self {
        let symbols = store.symbols();
        let mut values = TagValues { begin: symbols.len(), texts: Vec::new() };
        let schema = query.schema.as_ref().map(|names| {
            let mut names: Vec<Symbol> =
                names.iter().map(|name| symbols.find(name)).collect::<Option<_>>()?;
            names.sort_unstable();
            Some(names)
        });
        let group_by = query.group_by.iter().map(|key| match key {
            Key::AccountId => GroupKey::Account,
            Key::Dimension(name) => GroupKey::Dimension(symbols.find(name)),
            Key::Tag(key) => GroupKey::Tag(values.tag(store, tags, key)),
        });
        let group_by = group_by.collect();
        let condition = query.condition.as_ref();
        let test = condition
            .map_or(Test::Always(true), |condition| test(store, condition, account, tags, &mut values));
        Self { store, account, schema, test, group_by, values, other: symbols.find(OTHER) }
    }

    pub(super) fn takes(&self, id: SeriesId) -> bool {
        let dimensions = self.store.dimension_symbols(id);
        let schema_fits = match &self.schema {
            None => true,
            Some(None) => false,
            Some(Some(names)) => {
                names.len() == dimensions.len() && dimensions.iter().all(|(name, _)| names.contains(name))
            }
        };
        schema_fits && self.test.holds(dimensions)
    }

    /// How many keys a group has.
    pub(super) fn keys(&self) -> usize {
        self.group_by.len()
    }

    /// The value of each key of `GROUP BY`.
    pub(super) fn group(&self, id: SeriesId) -> impl Iterator<Item = Option<Symbol>> {
        let dimensions = self.store.dimension_symbols(id);
        self.group_by.iter().map(move |key| match key {
            GroupKey::Account => None,
            GroupKey::Dimension(name) => name.and_then(|name| find(dimensions, name)).or(self.other),
            GroupKey::Tag(tag) => tag.of(dimensions).or(self.other),
        })
    }

    /// What the keys of a group read as.
    pub(super) fn parts(&self, group: &[Option<Symbol>]) -> impl Iterator<Item = &str> {
        self.group_by.iter().zip(group).map(|(key, value)| match (key, value) {
            (GroupKey::Account, _) => self.account,
            (_, Some(value)) => self.text(*value),
            (_, None) => OTHER,
        })
    }

    /// Every key of a group is a symbol below this.
    pub(super) fn symbols(&self) -> usize {
        self.values.begin + self.values.texts.len()
    }

    fn text(&self, symbol: Symbol) -> &str {
        match symbol.index().checked_sub(self.values.begin) {
            Some(at) => &self.values.texts[at],
            None => self.store.symbols().text(symbol),
        }
    }
}

fn test(
    store: &SeriesStore,
    condition: &Condition,
    account: &str,
    tags: &Tags,
    known: &mut TagValues,
) -> Test {
    let mut each = |conditions: &[Condition]| {
        conditions.iter().map(|inner| test(store, inner, account, tags, known)).collect()
    };
    match condition {
        Condition::Is(Key::AccountId, literals) => {
            Test::Always(literals.iter().any(|literal| match literal {
                Literal::Text(text) => text == account,
                Literal::CurrentAccount => true,
            }))
        }
        Condition::IsMissing(Key::AccountId) => Test::Always(false),
        Condition::Is(Key::Dimension(name), literals) => {
            let texts = literals.iter().filter_map(|literal| match literal {
                Literal::Text(text) => Some(text),
                Literal::CurrentAccount => None,
            });
            let values = texts.filter_map(|text| store.symbols().find(text)).collect();
            store.symbols().find(name).map_or(Test::Always(false), |name| Test::Is { name, values })
        }
        Condition::IsMissing(Key::Dimension(name)) => {
            store.symbols().find(name).map_or(Test::Always(true), |name| Test::Not(Box::new(Test::Has(name))))
        }
        Condition::Is(Key::Tag(key), literals) => {
            let texts = literals.iter().filter_map(|literal| match literal {
                Literal::Text(text) => Some(text),
                Literal::CurrentAccount => None,
            });
            let values = texts.filter_map(|text| known.symbol(store, text)).collect();
            Test::TagIs { tag: known.tag(store, tags, key), values }
        }
        Condition::IsMissing(Key::Tag(key)) => Test::Not(Box::new(Test::HasTag(known.tag(store, tags, key)))),
        Condition::Not(inner) => Test::Not(Box::new(test(store, inner, account, tags, known))),
        Condition::All(inner) => Test::All(each(inner)),
        Condition::Any(inner) => Test::Any(each(inner)),
    }
}

impl Test {
    fn holds(&self, dimensions: &[(Symbol, Symbol)]) -> bool {
        match self {
            Self::Is { name, values } => find(dimensions, *name).is_some_and(|value| values.contains(&value)),
            Self::Has(name) => find(dimensions, *name).is_some(),
            Self::TagIs { tag, values } => tag.of(dimensions).is_some_and(|value| values.contains(&value)),
            Self::HasTag(tag) => tag.of(dimensions).is_some(),
            Self::Always(holds) => *holds,
            Self::Not(inner) => !inner.holds(dimensions),
            Self::All(inner) => inner.iter().all(|test| test.holds(dimensions)),
            Self::Any(inner) => inner.iter().any(|test| test.holds(dimensions)),
        }
    }
}

fn find(dimensions: &[(Symbol, Symbol)], name: Symbol) -> Option<Symbol> {
    dimensions.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}
