//! Conditions on arrays of objects: all must hold inside the same element
//!
//! Where two conditions of one alternative look into arrays of objects, they are taken in the order of their paths,
//! and the sets of elements that are still possible are carried along. Elsewhere conditions are independent of each
//! other, and none of this is needed.

use std::collections::{HashMap, HashSet};

use super::{
    condition::Condition,
    paths::NodeId,
    reading::{Field, NONE, Reading},
};

/// Sets of elements that may be open at once; an event that needs more matches nothing. The number is beyond what
/// an event of the greatest size reaches unless sibling arrays whose names share a prefix are multiplied.
const OPEN_SETS_MAX: usize = 200_000;

/// Whether all conditions hold, where elements matter. `satisfies` tells whether one field satisfies one of them.
pub(super) fn hold(
    conditions: &[&Condition],
    reading: &Reading,
    satisfies: impl Fn(&Condition, &Field) -> bool,
) -> bool {
    let search = Search {
        reading,
        numbers: conditions
            .iter()
            .map(|condition| (condition.path, reading.numbers_at(condition.path)))
            .collect(),
    };
    let mut open: HashSet<Vec<u32>> = HashSet::from([Vec::new()]);
    for (done, condition) in conditions.iter().enumerate() {
        let later = &conditions[done + 1..];
        let mut next = HashSet::new();
        for elements in &open {
            let mut present = false;
            search.compatible(condition.path, elements, |number| {
                present = true;
                let field = &reading.fields[number as usize];
                if satisfies(condition, field) {
                    next.insert(search.joined(elements, field.element, later));
                }
            });
            if !present && condition.absent {
                next.insert(search.joined(elements, NONE, later));
            }
            if next.len() > OPEN_SETS_MAX {
                return false;
            }
        }
        if next.is_empty() {
            return false;
        }
        open = next;
    }
    true
}

struct Search<'r> {
    reading: &'r Reading,
    /// The fields of each path.
    numbers: HashMap<NodeId, Vec<u32>>,
}

impl Search<'_> {
    fn numbers_at(&self, path: NodeId) -> &[u32] {
        self.numbers.get(&path).map_or(&[], Vec::as_slice)
    }

    /// Calls `found` with the fields of a path that lie in no other element of an array than the one in `elements`.
    fn compatible(&self, path: NodeId, elements: &[u32], mut found: impl FnMut(u32)) {
        let numbers = self.numbers_at(path);
        let mut at = 0;
        'next: while let Some(&number) = numbers.get(at) {
            for element in elements.iter().map(|element| &self.reading.elements[*element as usize]) {
                let array = &self.reading.arrays[element.array as usize];
                if array.contains(&number) && !element.fields.contains(&number) {
                    let resume = if number < element.fields.start { element.fields.start } else { array.end };
                    at += numbers[at..].partition_point(|number| *number < resume);
                    continue 'next;
                }
            }
            at += 1;
            found(number);
        }
    }

    /// `elements` and the elements around a field just matched, without those whose arrays matter no more.
    fn joined(&self, elements: &[u32], mut around: u32, later: &[&Condition]) -> Vec<u32> {
        let mut all = elements.to_vec();
        while around != NONE {
            all.push(around);
            around = self.reading.elements[around as usize].parent;
        }
        all.retain(|element| {
            let element = &self.reading.elements[*element as usize];
            let array = &self.reading.arrays[element.array as usize];
            later.iter().any(|condition| {
                let numbers = self.numbers_at(condition.path);
                let first = numbers.get(numbers.partition_point(|number| *number < array.start));
                first.is_some_and(|number| *number < array.end)
            })
        });
        all.sort_unstable();
        all.dedup();
        all
    }
}
