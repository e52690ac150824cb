//! The compiled matchers beside slow, obvious ones, on patterns and texts grown at random. `PROPTEST_CASES` sets how
//! many.

mod reference;

use keywatch_patterns::{
    event::{EventPattern, RuleSet, Scratch},
    filter::FilterPattern,
};
use proptest::prelude::*;
use reference::{Choices, event, filter::Filter, json::Json};
use serde::de::IgnoredAny;

const DEPTH_MAX: usize = keywatch_json::DEPTH_MAX as usize;

/// A message, now and then not an object, cut short or nested too deep; and what it is, if it is an object.
fn message(
    choices: &mut Choices<'_>,
    object: impl FnOnce(&mut Choices<'_>) -> Json,
) -> (String, Option<Json>) {
    let mut json = if choices.once_in(20) { Json::grow(choices, 2) } else { object(choices) };
    let mut depth = 0;
    if let Json::Object(members) = &mut json
        && choices.once_in(40)
    {
        depth = 60 + choices.below(100);
        let nested = (0..depth).fold(Json::Null, |inner, _| Json::Array(vec![inner]));
        members.insert(0, ("deep".to_owned(), nested));
    }
    let mut text = String::new();
    json.write(choices, &mut text);
    if choices.once_in(20) {
        let cut = text.floor_char_boundary(text.len() * choices.below(100) / 100);
        text.truncate(cut);
    }
    if choices.once_in(20) {
        text.push_str(choices.one_of(&[" ", "x", "{}", "\n"]));
    }
    let is_json = depth < DEPTH_MAX && serde_json::from_str::<IgnoredAny>(&text).is_ok();
    (text, (is_json && matches!(json, Json::Object(_))).then_some(json))
}

/// As many cases, unless the environment says how many.
fn config(cases: u32) -> ProptestConfig {
    let chosen = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() { chosen } else { ProptestConfig { cases, ..chosen } }
}

/// What is grown is worth comparing: patterns match often enough, and often not.
#[test]
fn both_answers_occur() {
    const ROUNDS: usize = 2_000;
    const SHARE: usize = 20;
    let (mut filters, mut events, mut state) = (0, 0, 1_u64);
    for _ in 0..ROUNDS {
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(300)
        .collect();
        let choices = &mut Choices::of(&bytes);
        let filter = Filter::grow(choices);
        let fields = event::grow(choices);
        filters += usize::from(filter.holds(&Json::object(choices, 3)));
        events += usize::from(event::matches(&fields, &event::grow_event(choices, &fields)));
    }
    for matches in [filters, events] {
        assert!(
            (ROUNDS / SHARE..ROUNDS - ROUNDS / SHARE).contains(&matches),
            "{filters}, {events} of {ROUNDS}"
        );
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn filters(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let choices = &mut Choices::of(&bytes);
        let filter = Filter::grow(choices);
        let source = filter.write();
        let Ok(pattern) = FilterPattern::parse(&source) else {
            prop_assert!(source.chars().count() > 1_024, "{} is refused", source);
            return Ok(());
        };
        for _ in 0..3 {
            let (text, json) = message(choices, |choices| Json::object(choices, 3));
            let want = json.is_some_and(|json| filter.holds(&json));
            prop_assert_eq!(pattern.matches(&text), want, "{} on {}", source, text);
        }
    }

    #[test]
    fn events(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let choices = &mut Choices::of(&bytes);
        let fields = event::grow(choices);
        let source = event::write(&fields);
        let Ok(pattern) = EventPattern::parse(&source) else {
            prop_assert!(source.chars().count() > 4_096, "{} is refused", source);
            return Ok(());
        };
        for _ in 0..3 {
            let (text, json) = message(choices, |choices| event::grow_event(choices, &fields));
            let want = json.is_some_and(|json| event::matches(&fields, &json));
            prop_assert_eq!(pattern.matches(&text), want, "{} on {}", source, text);
        }
    }

}

proptest! {
    #![proptest_config(config(200))]

    /// Rules are taken in and out; what is left answers as each would alone.
    #[test]
    fn sets_of_rules(bytes in proptest::collection::vec(any::<u8>(), 0..900)) {
        let choices = &mut Choices::of(&bytes);
        let mut rules = RuleSet::default();
        let mut scratch = Scratch::default();
        let mut kept = Vec::new();
        for number in 0..12 {
            let fields = event::grow(choices);
            if let Ok(pattern) = EventPattern::parse(&event::write(&fields)) {
                kept.push((rules.insert(number, &pattern), number, fields));
            }
            if choices.once_in(3) {
                let (id, number, _) = kept.remove(choices.below(kept.len()));
                prop_assert_eq!(rules.remove(id), Some(number));
            }
            let Some((_, _, wanted)) = kept.get(choices.below(kept.len().max(1))) else { continue };
            let json = event::grow_event(choices, wanted);
            let mut text = String::new();
            json.write(choices, &mut text);
            let got: Vec<usize> = rules.matching(&text, &mut scratch).copied().collect();
            let want = kept.iter().filter(|(_, _, fields)| event::matches(fields, &json));
            let want: Vec<usize> = want.map(|(_, number, _)| *number).collect();
            prop_assert_eq!(got, want, "{}", text);
        }
    }

}

proptest! {
    #![proptest_config(config(1_000))]

    /// Whatever the text is, `is_json` answers what a parser does.
    #[test]
    fn what_is_json(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), other in any::<char>()) {
        let choices = &mut Choices::of(&bytes);
        let mut text = String::new();
        Json::grow(choices, 3).write(choices, &mut text);
        let places = text.char_indices().map(|(at, c)| at..at + c.len_utf8()).collect::<Vec<_>>();
        prop_assert!(keywatch_json::is_json(&text), "{}", text);
        text.replace_range(places[at % places.len()].clone(), other.encode_utf8(&mut [0; 4]));
        prop_assert_eq!(keywatch_json::is_json(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{}", text);
    }
}
