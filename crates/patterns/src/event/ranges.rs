//! Ranges of numbers, by what lies in them
//!
//! An interval tree over the doubles in their order, written as whole numbers of 64 bits. A range is kept at the
//! place where its two ends part: the bits they share. A number passes 65 such places on its way down, of which only
//! those in use are visited; at each, all ranges begin at or before the parting and end at or after it, so those
//! that hold the number are the first ones in the order of their one end. Nothing is visited in vain.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::{
    postings::{Asker, Askers, Counts},
    predicate::{Limit, Range},
};

/// A double as a whole number of the same order. The two zeros are one.
fn ordered(value: f64) -> u64 {
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The first and the last number of a range; `None`: it is empty.
fn ends(range: &Range) -> Option<(u64, u64)> {
    let ordered_at = |limit: &Limit| ordered(limit.value);
    let first = range.bottom.as_ref().map_or(Some(0), |limit| {
        if limit.included { Some(ordered_at(limit)) } else { ordered_at(limit).checked_add(1) }
    })?;
    let last = range.top.as_ref().map_or(Some(u64::MAX), |limit| {
        if limit.included { Some(ordered_at(limit)) } else { ordered_at(limit).checked_sub(1) }
    })?;
    (first <= last).then_some((first, last))
}

/// How many leading bits are shared, and these bits.
type Place = (u32, u64);

/// The leading bits of a number, at most 64.
fn lead(number: u64, bits: u32) -> u64 {
    number.checked_shr(u64::BITS - bits).unwrap_or(0)
}

fn place(first: u64, last: u64) -> Place {
    let shared = (first ^ last).leading_zeros();
    (shared, lead(first, shared))
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    by_place: HashMap<Place, Parting, RandomState>,
    /// How many places share so many bits.
    depths: Counts<u32>,
    length: usize,
}

/// Ranges whose ends part at one place.
#[derive(Debug, Default)]
struct Parting {
    by_first: BTreeSet<(u64, Asker)>,
    by_last: BTreeSet<(u64, Asker)>,
}

impl Ranges {
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// A range that is empty is not kept: no number is in it.
    pub(super) fn file(&mut self, range: &Range, asker: Asker) {
        let Some((first, last)) = ends(range) else { return };
        let place = place(first, last);
        let depths = &mut self.depths;
        let parting = self.by_place.entry(place).or_insert_with(|| {
            depths.add(place.0);
            Parting::default()
        });
        self.length += usize::from(parting.by_first.insert((first, asker)));
        parting.by_last.insert((last, asker));
    }

    pub(super) fn withdraw(&mut self, range: &Range, asker: Asker) {
        let Some((first, last)) = ends(range) else { return };
        let place = place(first, last);
        let Some(parting) = self.by_place.get_mut(&place) else { return };
        self.length -= usize::from(parting.by_first.remove(&(first, asker)));
        parting.by_last.remove(&(last, asker));
        if parting.by_first.is_empty() {
            self.by_place.remove(&place);
            self.depths.take(place.0);
        }
    }

    pub(super) fn holding(&self, value: f64, found: &mut Askers) {
        let number = ordered(value);
        for depth in self.depths.iter() {
            let Some(parting) = self.by_place.get(&(depth, lead(number, depth))) else { continue };
            let goes_low = number.checked_shl(depth).unwrap_or(0) >> 63 == 0;
            if depth == u64::BITS || goes_low {
                found.extend(parting.by_first.range(..=(number, Asker::MAX)).map(|(_, asker)| asker));
            } else {
                found.extend(parting.by_last.range((number, 0)..).map(|(_, asker)| asker));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range() -> impl Strategy<Value = Range> {
        let values =
            prop_oneof![-10.0..10.0_f64, Just(0.0), Just(-0.0), Just(5e9), Just(f64::MIN), Just(1e-300)];
        let limit = (values, any::<bool>()).prop_map(|(value, included)| Limit { value, included });
        (proptest::option::of(limit.clone()), proptest::option::of(limit))
            .prop_map(|(bottom, top)| Range { bottom, top })
    }

    proptest! {
        #[test]
        fn a_number_is_in_the_ranges_that_hold_it(
            ranges in proptest::collection::vec((range(), any::<bool>()), 0..20),
            value in prop_oneof![-11.0..11.0_f64, Just(0.0), Just(-0.0), Just(5e9), Just(f64::INFINITY)],
        ) {
            let mut kept = Ranges::default();
            for (asker, (range, _)) in ranges.iter().enumerate() {
                kept.file(range, asker as Asker);
            }
            for (asker, (range, stays)) in ranges.iter().enumerate() {
                if !stays {
                    kept.withdraw(range, asker as Asker);
                }
            }
            let mut found = Askers::new();
            kept.holding(value, &mut found);
            found.sort_unstable();
            let stay = ranges.iter().zip(0..).filter(|((_, stays), _)| *stays);
            let want: Askers =
                stay.filter(|((range, _), _)| range.contains(value)).map(|(_, asker)| asker).collect();
            prop_assert_eq!(found, want);
        }
    }

    #[test]
    fn nothing_is_left_behind() {
        let mut kept = Ranges::default();
        let limit = |value| Some(Limit { value, included: false });
        let range = Range { bottom: limit(1.0), top: limit(2.0) };
        kept.file(&range, 1);
        kept.file(&Range { bottom: limit(1.0), top: limit(1.0) }, 2);
        assert_eq!(kept.len(), 1);
        kept.withdraw(&range, 1);
        assert_eq!((kept.len(), kept.by_place.len(), kept.depths.iter().count()), (0, 0, 0));
    }
}
