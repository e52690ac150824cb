//! Conditions, each kept once for all alternatives that have it
//!
//! Rules of one making share most of their conditions (`source`, `detail-type`), so that what an event is held
//! against stays in the processor's cache however many rules there are.

use std::{collections::HashMap, hash::BuildHasher, ops::Index, sync::Arc};

use foldhash::fast::RandomState;

use super::{
    index::Symbol,
    paths::NodeId,
    predicate::{Leaf, Predicate},
    reading::Field,
};

pub(super) type ConditionId = u32;

/// What is asked at one path: one of the predicates must hold.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) path: NodeId,
    /// The exact texts among the predicates.
    symbols: Symbols,
    /// There are other predicates than these.
    pub(super) has_others: bool,
    /// It holds where there is no value at all.
    pub(super) absent: bool,
    pub(super) predicates: Arc<[Predicate]>,
    /// The path as it is written.
    pub(super) name: Box<str>,
    users: usize,
    fingerprint: u64,
}

#[derive(Debug, PartialEq)]
enum Symbols {
    One(Symbol),
    /// Ascending.
    Some(Box<[Symbol]>),
}

impl Condition {
    #[inline]
    pub(super) fn holds_for<'l>(&self, field: &Field, leaf: impl FnOnce() -> Leaf<'l>) -> bool {
        let is_among = match &self.symbols {
            Symbols::One(symbol) => *symbol == field.symbol,
            Symbols::Some(symbols) => symbols.binary_search(&field.symbol).is_ok(),
        };
        is_among || self.has_others && self.others_hold_for(&leaf())
    }

    fn others_hold_for(&self, leaf: &Leaf<'_>) -> bool {
        self.predicates.iter().any(|predicate| predicate.exact_text().is_none() && predicate.holds(leaf))
    }
}

/// All conditions of a set.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    kept: Vec<Option<Condition>>,
    free: Vec<ConditionId>,
    /// Where two conditions have one fingerprint, one of them is here and the other is kept for its only user.
    by_fingerprint: HashMap<u64, ConditionId, RandomState>,
}

impl Index<ConditionId> for Conditions {
    type Output = Condition;
    fn index(&self, id: ConditionId) -> &Condition {
        self.kept[id as usize].as_ref().expect("a condition stays as long as it has users")
    }
}

impl Conditions {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.kept.len() == self.free.len() && self.by_fingerprint.is_empty()
    }

    /// The condition, with one more user.
    pub(super) fn share(
        &mut self,
        path: NodeId,
        name: &str,
        predicates: Arc<[Predicate]>,
        symbols: Box<[Symbol]>,
    ) -> ConditionId {
        let fingerprint = self.by_fingerprint.hasher().hash_one((path, format!("{predicates:?}")));
        let known = self.by_fingerprint.get(&fingerprint).copied();
        if let Some(id) = known
            && let Some(condition) = &mut self.kept[id as usize]
            && condition.path == path
            && condition.predicates == predicates
        {
            condition.users += 1;
            return id;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.kept.push(None);
            (self.kept.len() - 1) as ConditionId
        });
        self.kept[id as usize] = Some(Condition {
            path,
            has_others: predicates.len() > symbols.len(),
            absent: predicates.contains(&Predicate::Absent),
            symbols: match &*symbols {
                [one] => Symbols::One(*one),
                _ => Symbols::Some(symbols),
            },
            predicates,
            name: name.into(),
            users: 1,
            fingerprint,
        });
        if known.is_none() {
            self.by_fingerprint.insert(fingerprint, id);
        }
        id
    }

    /// Takes back one [`Conditions::share`].
    pub(super) fn leave(&mut self, id: ConditionId) {
        let Some(condition) = &mut self.kept[id as usize] else { return };
        condition.users -= 1;
        if condition.users == 0 {
            if self.by_fingerprint.get(&condition.fingerprint) == Some(&id) {
                self.by_fingerprint.remove(&condition.fingerprint);
            }
            self.kept[id as usize] = None;
            self.free.push(id);
        }
    }
}
