//! Many patterns, one reading of the event
//!
//! All patterns of a set share one tree of field paths, so an event is read once. Every alternative of a pattern is
//! filed under one of its conditions, the one it shares with the fewest others, in the index of that condition's
//! path. The values of an event name the alternatives whose condition they may satisfy (the **candidates**), and only
//! those are looked at. So what an event costs depends on how many rules it nearly matches and not on how many there are.
//! What only asks for the absence of fields is a candidate at every event.
//!
//! **Invariant:** a rule that is taken out leaves nothing behind.

use std::sync::Arc;

use super::{
    EventPattern, arrays,
    condition::{Condition, ConditionId, Conditions},
    paths::Paths,
    postings::{Asker, Askers},
    predicate::Predicate,
    reading::{Field, Reading},
};

/// Patterns with what each stands for.
#[derive(Debug)]
pub struct RuleSet<T> {
    rules: Vec<Option<Rule<T>>>,
    free_rules: Vec<u32>,
    rules_given: u64,
    alternatives: Vec<Option<Alternative>>,
    free_alternatives: Vec<Asker>,
    conditions: Conditions,
    paths: Paths,
    /// Candidates at every event.
    unfiled: Askers,
}

/// Names a rule of one set for as long as it is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleId {
    slot: u32,
    given: u64,
}

#[derive(Debug)]
struct Rule<T> {
    value: T,
    /// Its place in the order in which rules were given.
    given: u64,
    alternatives: Vec<Asker>,
}

#[derive(Debug)]
struct Alternative {
    rule: u32,
    /// Under which condition it is filed.
    filed: Option<ConditionId>,
    /// Whoever is found by that condition satisfies it.
    filed_exactly: bool,
    /// In the order of the paths' texts.
    conditions: ConditionIds,
}

/// The few conditions that most alternatives have lie with them.
#[derive(Debug)]
enum ConditionIds {
    Few(u8, [ConditionId; 5]),
    Many(Box<[ConditionId]>),
}

impl ConditionIds {
    fn new(ids: &[ConditionId]) -> Self {
        let mut few = [0; 5];
        match few.get_mut(..ids.len()) {
            Some(first) => {
                first.copy_from_slice(ids);
                Self::Few(ids.len() as u8, few)
            }
            None => Self::Many(ids.into()),
        }
    }

    fn as_slice(&self) -> &[ConditionId] {
        match self {
            Self::Few(length, ids) => &ids[..usize::from(*length)],
            Self::Many(ids) => ids,
        }
    }
}

/// The memory that matching takes, to be used again for the next event.
#[derive(Debug, Default)]
pub struct Scratch {
    reading: Reading,
    candidates: Askers,
    /// Slots and places of the rules that match.
    matched: Vec<(u64, u32)>,
}

impl<T> Default for RuleSet<T> {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            free_rules: Vec::new(),
            rules_given: 0,
            alternatives: Vec::new(),
            free_alternatives: Vec::new(),
            conditions: Conditions::default(),
            paths: Paths::new(),
            unfiled: Askers::new(),
        }
    }
}

impl<T> FromIterator<(T, EventPattern)> for RuleSet<T> {
    fn from_iter<I: IntoIterator<Item = (T, EventPattern)>>(rules: I) -> Self {
        let mut set = Self::default();
        for (rule, pattern) in rules {
            set.insert(rule, &pattern);
        }
        set
    }
}

impl<T> RuleSet<T> {
    /// Takes in a rule. It costs what its own pattern costs, however many rules there are.
    pub fn insert(&mut self, value: T, pattern: &EventPattern) -> RuleId {
        let slot = self.free_rules.pop().unwrap_or_else(|| {
            self.rules.push(None);
            (self.rules.len() - 1) as u32
        });
        let alternatives = pattern.alternatives.iter().map(|alternative| {
            let conditions = alternative
                .iter()
                .map(|(path, predicates)| (path.as_str(), Arc::clone(predicates)))
                .collect();
            self.insert_alternative(slot, conditions)
        });
        let alternatives = alternatives.collect();
        let given = self.rules_given;
        self.rules_given += 1;
        self.rules[slot as usize] = Some(Rule { value, given, alternatives });
        RuleId { slot, given }
    }

    /// Takes a rule out; `None` if it is in the set no more.
    pub fn remove(&mut self, id: RuleId) -> Option<T> {
        let rule = self.rules.get_mut(id.slot as usize)?.take_if(|rule| rule.given == id.given)?;
        self.free_rules.push(id.slot);
        for number in rule.alternatives {
            if let Some(alternative) = self.alternatives[number as usize].take() {
                self.remove_alternative(number, &alternative);
            }
        }
        Some(rule.value)
    }

    fn insert_alternative(&mut self, rule: u32, conditions: Vec<(&str, Arc<[Predicate]>)>) -> Asker {
        let number = self.free_alternatives.pop().unwrap_or_else(|| {
            self.alternatives.push(None);
            (self.alternatives.len() - 1) as Asker
        });
        let ids: Vec<ConditionId> = conditions
            .into_iter()
            .map(|(name, predicates)| {
                let path = self.paths.join(name);
                let symbols = self.paths.index_mut(path).note(&predicates);
                self.conditions.share(path, name, predicates, symbols)
            })
            .collect();
        let crowd = |id: &ConditionId| {
            let condition = &self.conditions[*id];
            self.paths.index(condition.path)?.crowd(&condition.predicates)
        };
        let crowds = ids.iter().filter_map(|id| Some((*id, crowd(id)?)));
        let filed = crowds.min_by_key(|(_, crowd)| *crowd).map(|(id, _)| id);
        let condition = filed.map(|id| &self.conditions[id]);
        let filed_exactly = condition.is_some_and(|condition| !condition.has_others);
        match condition {
            Some(condition) => self.paths.index_mut(condition.path).file(&condition.predicates, number),
            None => self.unfiled.push(number),
        }
        let conditions = ConditionIds::new(&ids);
        self.alternatives[number as usize] = Some(Alternative { rule, filed, filed_exactly, conditions });
        number
    }

    fn remove_alternative(&mut self, number: Asker, alternative: &Alternative) {
        self.free_alternatives.push(number);
        match alternative.filed.map(|id| &self.conditions[id]) {
            Some(condition) => self.paths.index_mut(condition.path).withdraw(&condition.predicates, number),
            None => self.unfiled.retain(|unfiled| *unfiled != number),
        }
        for id in alternative.conditions.as_slice() {
            let condition = &self.conditions[*id];
            self.paths.forget(condition.path, &condition.predicates);
            self.paths.leave(&condition.name);
            self.conditions.leave(*id);
        }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len() - self.free_rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rules whose pattern the event matches, in the order they were given.
    ///
    /// The event is the text of a JSON object; who takes events in checks that. Of a text that is none the answer
    /// is some rules or none.
    pub fn matching<'s>(
        &'s self,
        event: &str,
        scratch: &'s mut Scratch,
    ) -> impl Iterator<Item = &'s T> + use<'s, T> {
        scratch.matched.clear();
        if scratch.reading.read(event, &self.paths).is_ok() {
            self.find_candidates(event, scratch);
            for number in &scratch.candidates {
                let Some(alternative) = &self.alternatives[*number as usize] else { continue };
                if self.holds(alternative, &scratch.reading, event)
                    && let Some(rule) = &self.rules[alternative.rule as usize]
                {
                    scratch.matched.push((rule.given, alternative.rule));
                }
            }
            scratch.matched.sort_unstable();
            scratch.matched.dedup();
        }
        let rules = scratch.matched.iter().filter_map(|(_, slot)| self.rules[*slot as usize].as_ref());
        rules.map(|rule| &rule.value)
    }

    /// Collects the candidates and gives the fields their symbols.
    fn find_candidates(&self, event: &str, scratch: &mut Scratch) {
        let Scratch { reading, candidates, .. } = scratch;
        candidates.clear();
        candidates.extend_from_slice(&self.unfiled);
        for number in 0..reading.fields.len() {
            let field = &reading.fields[number];
            let Some(index) = reading.is_current(field).then(|| self.paths.index(field.path)).flatten()
            else {
                continue;
            };
            reading.fields[number].symbol = index.concerned(&reading.leaf(field, event), candidates);
        }
        candidates.sort_unstable();
        candidates.dedup();
    }

    fn holds(&self, alternative: &Alternative, reading: &Reading, event: &str) -> bool {
        let ids = alternative.conditions.as_slice();
        let satisfies =
            |condition: &Condition, field: &Field| condition.holds_for(field, || reading.leaf(field, event));
        let in_element = |id| reading.at(self.conditions[id].path).any(Field::is_in_element);
        let found_by = alternative.filed.filter(|_| alternative.filed_exactly);
        let mut in_elements = 0;
        let mut each_holds = true;
        for condition in ids.iter().filter(|id| Some(**id) != found_by).map(|id| &self.conditions[*id]) {
            let (mut present, mut satisfied, mut in_element) = (false, false, false);
            for field in reading.at(condition.path) {
                present = true;
                in_element |= field.is_in_element();
                satisfied = satisfied || satisfies(condition, field);
            }
            let holds = satisfied || condition.absent && !present;
            // A field may be absent in an element that another condition chose, and present in others.
            if !(holds || condition.absent && in_element) {
                return false;
            }
            each_holds &= holds;
            in_elements += usize::from(in_element);
        }
        // Elements tie conditions together only where at least two look into them.
        if in_elements == 0 || in_elements == 1 && !found_by.is_some_and(in_element) {
            return each_holds;
        }
        let conditions: Vec<&Condition> = ids.iter().map(|id| &self.conditions[*id]).collect();
        arrays::hold(&conditions, reading, satisfies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str) -> EventPattern {
        EventPattern::parse(source).unwrap()
    }

    fn matching(set: &RuleSet<&'static str>, event: &str) -> Vec<&'static str> {
        set.matching(event, &mut Scratch::default()).copied().collect()
    }

    #[test]
    fn a_set_names_every_rule_that_matches() {
        let set: RuleSet<_> = [
            ("by source", r#"{"source":["aws.kms"]}"#),
            ("by name", r#"{"source":["aws.kms"],"detail":{"eventName":["Encrypt","Decrypt"]}}"#),
            ("not this", r#"{"source":["aws.kms"],"detail":{"eventName":["CreateKey"]}}"#),
            ("by prefix", r#"{"source":[{"prefix":"aws."}]}"#),
            ("either", r#"{"$or":[{"source":["x"]},{"detail":{"eventName":["Decrypt"]}}]}"#),
            ("both", r#"{"$or":[{"source":["aws.kms"]},{"detail":{"eventName":["Decrypt"]}}]}"#),
            ("absent", r#"{"error":[{"exists":false}]}"#),
        ]
        .map(|(name, source)| (name, pattern(source)))
        .into_iter()
        .collect();
        assert_eq!(
            matching(&set, r#"{"source":"aws.kms","detail":{"eventName":"Decrypt"}}"#),
            ["by source", "by name", "by prefix", "either", "both", "absent"]
        );
        assert_eq!(matching(&set, r#"{"error":1}"#), [""; 0]);
    }

    #[test]
    fn rules_come_and_go() {
        let mut set = RuleSet::default();
        let sources = [
            ("text", r#"{"a":["x"]}"#),
            ("number", r#"{"a":[1]}"#),
            ("range", r#"{"a":[{"numeric":[">",0]}]}"#),
            ("prefix", r#"{"a":[{"prefix":"x"}]}"#),
            ("suffix", r#"{"a":[{"suffix":"x"}]}"#),
            ("folded", r#"{"a":[{"equals-ignore-case":"X"}]}"#),
            ("folded prefix", r#"{"a":[{"prefix":{"equals-ignore-case":"X"}}]}"#),
            ("folded suffix", r#"{"a":[{"suffix":{"equals-ignore-case":"X"}}]}"#),
            ("wild", r#"{"a":[{"wildcard":"*x*"}]}"#),
            ("wild start", r#"{"a":[{"wildcard":"x*"}]}"#),
            ("wild end", r#"{"a":[{"wildcard":"*x"}]}"#),
            ("wilder", r#"{"a":[{"wildcard":"*"}]}"#),
            ("address", r#"{"a":[{"cidr":"10.0.0.0/8"}]}"#),
            ("truth", r#"{"a":[true]}"#),
            ("falsehood", r#"{"a":[false]}"#),
            ("null", r#"{"a":[null]}"#),
            ("there", r#"{"a":[{"exists":true}]}"#),
            ("absent", r#"{"a":[{"exists":false}]}"#),
            ("else", r#"{"a":[{"anything-but":"x"}]}"#),
            ("deep", r#"{"a":{"b":["x"]}}"#),
        ];
        let events = [r#""x""#, "1", "true", "false", "null", r#""10.1.1.1""#, r#"{"b":"x"}"#];
        let ids = sources.map(|(name, source)| (set.insert(name, &pattern(source)), name, source));
        for (removed, (id, name, _)) in ids.iter().enumerate() {
            for event in events {
                let event = format!(r#"{{"a":{event}}}"#);
                let left = ids[removed..].iter();
                let want: Vec<_> = left
                    .filter(|(_, _, source)| pattern(source).matches(&event))
                    .map(|(_, name, _)| *name)
                    .collect();
                assert_eq!(matching(&set, &event), want, "{event} without the first {removed}");
            }
            assert_eq!(set.remove(*id), Some(*name));
            assert_eq!(set.remove(*id), None);
        }
        assert!(set.is_empty());
        assert!(set.unfiled.is_empty());
        assert!(set.conditions.is_empty());
        let (nodes, slots) = (set.paths.len(), set.alternatives.len());
        for (name, source) in sources {
            let id = set.insert(name, &pattern(source));
            set.remove(id);
        }
        assert_eq!((set.paths.len(), set.alternatives.len()), (nodes, slots));
    }

    #[test]
    fn a_rule_is_filed_where_the_fewest_others_are() {
        let mut set = RuleSet::default();
        for number in 0..100 {
            let source = format!(r#"{{"detail":{{"key":["k{number}"]}},"source":["aws.kms"]}}"#);
            set.insert(number, &pattern(&source));
        }
        let mut scratch = Scratch::default();
        let found: Vec<_> =
            set.matching(r#"{"source":"aws.kms","detail":{"key":"k7"}}"#, &mut scratch).copied().collect();
        assert_eq!(found, [7]);
        assert!(scratch.candidates.len() <= 2, "{:?}", scratch.candidates);
    }

    #[test]
    fn one_memory_serves_several_sets() {
        let mut scratch = Scratch::default();
        let one: RuleSet<_> = [("one", pattern(r#"{"a":{"b":["x"]},"c":["y"]}"#))].into_iter().collect();
        let two: RuleSet<_> = [("two", pattern(r#"{"c":["x"]}"#))].into_iter().collect();
        for _ in 0..3 {
            assert_eq!(one.matching(r#"{"a":{"b":"x"},"c":"y"}"#, &mut scratch).count(), 1);
            assert_eq!(two.matching(r#"{"c":"y"}"#, &mut scratch).count(), 0);
            assert_eq!(two.matching(r#"{"c":"x"}"#, &mut scratch).count(), 1);
            assert_eq!(one.matching(r#"{"a":{"b":"x"}}"#, &mut scratch).count(), 0);
        }
    }
}
