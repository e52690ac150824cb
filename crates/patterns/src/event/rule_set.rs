//! Many patterns, one reading of the event
//!
//! All patterns of a set share one tree of field paths, so an event is read once. An alternative that asks some
//! field for one of a few exact texts is found by that text, so the cost of an event does not grow with the number
//! of such rules; the others are tried one by one.
//!
//! Within arrays of objects all fields of one pattern object must hold inside the same element. The matcher takes
//! an alternative's fields in the order of their paths and carries along the sets of elements still possible.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    EventPattern,
    flat::{Flat, PathId, Paths},
    predicate::{Leaf, Predicate},
};

/// Sets of elements that may be open at once; an event that needs more matches nothing. The number is beyond what
/// an event of the greatest size reaches unless sibling arrays whose names share a prefix are multiplied.
const OPEN_SETS_MAX: usize = 200_000;

/// Patterns with what each stands for.
#[derive(Debug)]
pub struct RuleSet<T> {
    rules: Vec<T>,
    paths: Paths,
    alternatives: Vec<Alternative>,
    /// Alternatives by one of their paths and the exact texts asked for there.
    by_text: HashMap<PathId, HashMap<String, Vec<usize>>>,
    /// Alternatives without such a path.
    others: Vec<usize>,
}

#[derive(Debug)]
struct Alternative {
    rule: usize,
    /// In the order of the paths' texts.
    conditions: Vec<(PathId, Arc<[Predicate]>)>,
}

impl<T> RuleSet<T> {
    /// Compiles the patterns together.
    pub fn new(rules: impl IntoIterator<Item = (T, EventPattern)>) -> Self {
        let mut set = Self {
            rules: Vec::new(),
            paths: Paths::new(),
            alternatives: Vec::new(),
            by_text: HashMap::new(),
            others: Vec::new(),
        };
        for (rule, pattern) in rules {
            for alternative in pattern.alternatives {
                let conditions = alternative
                    .into_iter()
                    .map(|(path, predicates)| (set.paths.intern(&path), predicates))
                    .collect();
                set.alternatives.push(Alternative { rule: set.rules.len(), conditions });
            }
            set.rules.push(rule);
        }
        set.index();
        set
    }

    /// The rules whose pattern the event (a JSON object) matches, in the order they were given.
    pub fn matching<'s>(&'s self, event: &[u8]) -> impl Iterator<Item = &'s T> + use<'s, T> {
        self.matching_numbers(event).into_iter().map(|rule| &self.rules[rule])
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn matching_numbers(&self, event: &[u8]) -> BTreeSet<usize> {
        let mut matched = BTreeSet::new();
        let Some(flat) = Flat::read(event, &self.paths) else { return matched };
        for candidate in self.candidates(&flat) {
            let alternative = &self.alternatives[candidate];
            if !matched.contains(&alternative.rule) && holds(&alternative.conditions, &flat) {
                matched.insert(alternative.rule);
            }
        }
        matched
    }

    fn candidates(&self, flat: &Flat<'_>) -> BTreeSet<usize> {
        let mut candidates: BTreeSet<usize> = self.others.iter().copied().collect();
        for (path, by_text) in &self.by_text {
            for number in flat.numbers_at(*path) {
                if let Leaf::Text(text) = &flat.fields[*number].leaf {
                    candidates.extend(by_text.get(text.as_ref()).into_iter().flatten());
                }
            }
        }
        candidates
    }

    /// Files each alternative under the path whose texts the fewest other alternatives ask for.
    fn index(&mut self) {
        let mut asked: HashMap<(PathId, &str), usize> = HashMap::new();
        for alternative in &self.alternatives {
            for (path, predicates) in &alternative.conditions {
                for text in exact_texts(predicates).unwrap_or_default() {
                    *asked.entry((*path, text)).or_default() += 1;
                }
            }
        }
        for (number, alternative) in self.alternatives.iter().enumerate() {
            let rarest = alternative
                .conditions
                .iter()
                .filter_map(|(path, predicates)| Some((*path, exact_texts(predicates)?)))
                .min_by_key(|(path, texts)| texts.iter().map(|text| asked[&(*path, *text)]).sum::<usize>());
            let Some((path, texts)) = rarest else {
                self.others.push(number);
                continue;
            };
            let by_text = self.by_text.entry(path).or_default();
            for text in texts {
                by_text.entry(text.to_owned()).or_default().push(number);
            }
        }
    }
}

/// The texts of predicates that are all exact texts.
fn exact_texts(predicates: &[Predicate]) -> Option<Vec<&str>> {
    predicates
        .iter()
        .map(|predicate| match predicate {
            Predicate::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn holds(conditions: &[(PathId, Arc<[Predicate]>)], flat: &Flat<'_>) -> bool {
    let mut open: HashSet<Vec<usize>> = HashSet::from([Vec::new()]);
    for (done, (path, predicates)) in conditions.iter().enumerate() {
        let later = &conditions[done + 1..];
        let mut next = HashSet::new();
        for elements in &open {
            let mut present = false;
            for number in compatible(flat, flat.numbers_at(*path), elements) {
                present = true;
                let field = &flat.fields[number];
                if predicates.iter().any(|predicate| predicate.holds(&field.leaf)) {
                    next.insert(joined(flat, elements, field.element, later));
                }
            }
            if !present && predicates.contains(&Predicate::Absent) {
                next.insert(joined(flat, elements, None, later));
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

/// The fields among `numbers` that lie in no other element of an array than the one in `elements`.
fn compatible<'f>(
    flat: &'f Flat<'_>,
    numbers: &'f [usize],
    elements: &'f [usize],
) -> impl Iterator<Item = usize> + use<'f> {
    let mut at = 0;
    std::iter::from_fn(move || {
        'next: while let Some(&number) = numbers.get(at) {
            for element in elements.iter().map(|element| &flat.elements[*element]) {
                let array = &flat.arrays[element.array];
                if array.contains(&number) && !element.fields.contains(&number) {
                    let resume = if number < element.fields.start { element.fields.start } else { array.end };
                    at += numbers[at..].partition_point(|number| *number < resume);
                    continue 'next;
                }
            }
            at += 1;
            return Some(number);
        }
        None
    })
}

/// `elements` and the elements around a field just matched, without those whose arrays matter no more.
fn joined(
    flat: &Flat<'_>,
    elements: &[usize],
    mut around: Option<usize>,
    later: &[(PathId, Arc<[Predicate]>)],
) -> Vec<usize> {
    let mut all = elements.to_vec();
    while let Some(element) = around {
        all.push(element);
        around = flat.elements[element].parent;
    }
    all.retain(|element| {
        let array = &flat.arrays[flat.elements[*element].array];
        later.iter().any(|(path, _)| {
            let numbers = flat.numbers_at(*path);
            numbers.get(numbers.partition_point(|n| *n < array.start)).is_some_and(|n| *n < array.end)
        })
    });
    all.sort_unstable();
    all.dedup();
    all
}
