//! A query with its names looked up once, so that each series costs comparisons of numbers only.

use super::{Condition, Key, Literal, Query};
use crate::metrics::{
    series::{SeriesId, SeriesStore},
    symbols::Symbol,
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
    /// The dimension value that reads as what metrics without one are called.
    other: Option<Symbol>,
}

/// A condition on the dimensions of a series.
enum Test {
    Is { name: Symbol, values: Vec<Symbol> },
    Has(Symbol),
    Always(bool),
    Not(Box<Test>),
    All(Vec<Test>),
    Any(Vec<Test>),
}

enum GroupKey {
    Account,
    /// The dimension's name; none when no series has it.
    Dimension(Option<Symbol>),
}

impl<'a> Plan<'a> {
    /// `account` is the one that asks, whose series these are.
    pub(super) fn new(store: &'a SeriesStore, query: &Query, account: &'a str) -> Self {
        let symbols = store.symbols();
        let schema = query.schema.as_ref().map(|names| {
            let mut names: Vec<Symbol> =
                names.iter().map(|name| symbols.find(name)).collect::<Option<_>>()?;
            names.sort_unstable();
            Some(names)
        });
        let group_by = query.group_by.iter().map(|key| match key {
            Key::AccountId => GroupKey::Account,
            Key::Dimension(name) => GroupKey::Dimension(symbols.find(name)),
        });
        Self {
            store,
            account,
            schema,
            test: query
                .condition
                .as_ref()
                .map_or(Test::Always(true), |condition| test(store, condition, account)),
            group_by: group_by.collect(),
            other: symbols.find(OTHER),
        }
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
        })
    }

    /// What the keys of a group read as.
    pub(super) fn parts(&self, group: &[Option<Symbol>]) -> impl Iterator<Item = &str> {
        self.group_by.iter().zip(group).map(|(key, value)| match (key, value) {
            (GroupKey::Account, _) => self.account,
            (GroupKey::Dimension(_), Some(value)) => self.store.symbols().text(*value),
            (GroupKey::Dimension(_), None) => OTHER,
        })
    }
}

fn test(store: &SeriesStore, condition: &Condition, account: &str) -> Test {
    let each =
        |conditions: &[Condition]| conditions.iter().map(|inner| test(store, inner, account)).collect();
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
        Condition::Not(inner) => Test::Not(Box::new(test(store, inner, account))),
        Condition::All(inner) => Test::All(each(inner)),
        Condition::Any(inner) => Test::Any(each(inner)),
    }
}

impl Test {
    fn holds(&self, dimensions: &[(Symbol, Symbol)]) -> bool {
        match self {
            Self::Is { name, values } => find(dimensions, *name).is_some_and(|value| values.contains(&value)),
            Self::Has(name) => find(dimensions, *name).is_some(),
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
