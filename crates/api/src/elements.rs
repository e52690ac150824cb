//! Constraints on the elements of lists and maps. AWS reports them for the list as a whole, with every rule of the element:
//! `Value '[]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: [Member must have length …, …]`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::describe::Shape;
use crate::shape::{At, Measured, Violations};

/// What each element must satisfy.
#[derive(Debug)]
pub struct Rule {
    /// Characters.
    pub length: RangeInclusive<usize>,
    pub pattern: Option<Pattern>,
}

/// The predicate that decides, and AWS's text of it.
pub type Pattern = (fn(&str) -> bool, &'static str);

impl Rule {
    fn accepts(&self, element: &impl Measured) -> bool {
        let length = element.length().is_none_or(|length| self.length.contains(&length));
        let pattern = match (self.pattern, element.text()) {
            (Some((accepts, _)), Some(text)) => accepts(text),
            _ => true,
        };
        length && pattern
    }

    /// Every rule of the element, as AWS lists them whichever is broken.
    fn text(&self) -> String {
        let mut rules = Vec::new();
        if *self.length.end() < usize::MAX {
            rules.push(format!("Member must have length less than or equal to {}", self.length.end()));
        }
        rules.push(format!("Member must have length greater than or equal to {}", self.length.start()));
        if let Some((_, pattern)) = self.pattern {
            rules.push(format!("Member must satisfy regular expression pattern: {pattern}"));
        }
        format!("[{}]", rules.join(", "))
    }

    /// An element's shape with this rule.
    pub fn describe(&self, element: Shape) -> Shape {
        let element = element.with_length(self.length.clone());
        match self.pattern {
            Some((_, pattern)) => element.with_pattern(pattern),
            None => element,
        }
    }
}

/// Elements beyond these are not echoed.
const SHOWN_MAX: usize = 50;

/// A list or a map, whose elements are looked at one by one; or one that may be absent.
pub trait Elements {
    type Element: Measured;
    /// AWS's noun for an element.
    const NOUN: &'static str;
    fn elements(&self) -> impl Iterator<Item = &Self::Element>;
    /// Of a map; a list has none.
    fn keys(&self) -> impl Iterator<Item = &String>;
    /// `[a, b]` or `{k=v}`; `None` when an element is sensitive.
    fn echoed(&self) -> Option<String>;
}

impl<T: Measured> Elements for Vec<T> {
    type Element = T;
    const NOUN: &'static str = "Member";
    fn elements(&self) -> impl Iterator<Item = &T> {
        self.iter()
    }
    fn keys(&self) -> impl Iterator<Item = &String> {
        std::iter::empty()
    }
    fn echoed(&self) -> Option<String> {
        let shown: Option<Vec<_>> = self.iter().take(SHOWN_MAX).map(Measured::shown).collect();
        shown.map(|shown| format!("[{}]", shown.join(", ")))
    }
}

impl<T: Measured> Elements for BTreeMap<String, T> {
    type Element = T;
    const NOUN: &'static str = "Map value";
    fn elements(&self) -> impl Iterator<Item = &T> {
        self.values()
    }
    fn keys(&self) -> impl Iterator<Item = &String> {
        self.keys()
    }
    fn echoed(&self) -> Option<String> {
        let entry = |(key, value): (&String, &T)| value.shown().map(|value| format!("{key}={value}"));
        let shown: Option<Vec<_>> = self.iter().take(SHOWN_MAX).map(entry).collect();
        shown.map(|shown| format!("{{{}}}", shown.join(", ")))
    }
}

impl<C: Elements> Elements for Option<C> {
    type Element = C::Element;
    const NOUN: &'static str = C::NOUN;
    fn elements(&self) -> impl Iterator<Item = &C::Element> {
        self.iter().flat_map(C::elements)
    }
    fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().flat_map(C::keys)
    }
    fn echoed(&self) -> Option<String> {
        self.as_ref().and_then(C::echoed)
    }
}

/// `[each 1..=128]` on a list or on the values of a map.
pub fn check_each<C: Elements>(value: &C, rule: &Rule, at: At<'_>, violations: &mut Violations) {
    if !value.elements().all(|element| rule.accepts(element)) {
        let constraint = format!("{} must satisfy constraint: {}", C::NOUN, rule.text());
        violations.add(value.echoed().as_deref(), at, constraint);
    }
}

/// `[keys 1..=128]` on a map.
pub fn check_keys<C: Elements>(value: &C, rule: &Rule, at: At<'_>, violations: &mut Violations) {
    if !value.keys().all(|key| rule.accepts(key)) {
        let constraint = format!("Map keys must satisfy constraint: {}", rule.text());
        violations.add(value.echoed().as_deref(), at, constraint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WireField;
    use crate::describe::Kind;
    use crate::shape::check;

    fn is_lower(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_lowercase())
    }

    crate::shape! {
        pub struct Ask: Pascal {
            ids: Option<Vec<String>> [len 0..=2] [each 1..=3, is_lower, "[a-z]*"],
            tags: Option<BTreeMap<String, String>> [keys 1..=2] [each 0..=1],
        }
    }

    #[test]
    fn the_list_is_named_and_every_rule_of_its_elements() {
        for (json, want) in [
            (r#"{"Ids":["a","abc"],"Tags":{"ab":""}}"#, None),
            (
                r#"{"Ids":["a","abcd"]}"#,
                Some(
                    "Value '[a, abcd]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]*]",
                ),
            ),
            (
                r#"{"Ids":["A"]}"#,
                Some(
                    "Value '[A]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]*]",
                ),
            ),
            (
                r#"{"Tags":{"":""}}"#,
                Some(
                    "Value '{=}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 2, Member must have length greater than or equal to 1]",
                ),
            ),
            (
                r#"{"Tags":{"a":"xy"}}"#,
                Some(
                    "Value '{a=xy}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 1, Member must have length greater than or equal to 0]",
                ),
            ),
        ] {
            let raw = serde_json::from_str(json).expect("valid JSON");
            let got = check::<Ask>(raw).err().map(|fault| fault.message.unwrap_or_default());
            let want = want.map(|text| format!("1 validation error detected: {text}"));
            assert_eq!(got, want, "{json}");
        }
    }

    #[test]
    fn rules_are_described() {
        let ask = Ask::describe();
        let ids = &ask.members()[0];
        assert_eq!((ids.name, ids.shape.required, ids.shape.length.clone()), ("Ids", false, Some(0..=2)));
        let Kind::List(id) = &ids.shape.kind else { panic!("{ids:?}") };
        assert_eq!((id.length.clone(), id.pattern), (Some(1..=3), Some("[a-z]*")));
        let Kind::Map { keys, values } = &ask.members()[1].shape.kind else { panic!("{ask:?}") };
        assert_eq!((keys.length.clone(), values.length.clone()), (Some(1..=2), Some(0..=1)));
    }
}
