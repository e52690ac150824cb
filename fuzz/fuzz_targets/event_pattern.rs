//! Event patterns. Input with a zero byte: text of a pattern up to it, an event behind it; nothing may panic, and a pattern
//! alone must agree with itself in a set. Other input: patterns and an event grown from it; they must match as a slow
//! twin of the matcher says, in a set and out of it.
#![no_main]

use keywatch_patterns::event::{EventPattern, RuleSet, Scratch};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/patterns/tests/reference/mod.rs"]
mod reference;

use reference::{Choices, event};

const PATTERNS: usize = 4;

fuzz_target!(|data: &[u8]| {
    match data.iter().position(|byte| *byte == 0) {
        Some(end) => as_text(&data[..end], &data[end + 1..]),
        None => as_choices(data),
    }
});

fn as_text(pattern: &[u8], event: &[u8]) {
    let (Ok(pattern), Ok(event)) = (std::str::from_utf8(pattern), std::str::from_utf8(event)) else { return };
    let Ok(pattern) = EventPattern::parse(pattern) else { return };
    let alone = pattern.matches(event);
    let set: RuleSet<_> = [(1, pattern.clone()), (2, pattern)].into_iter().collect();
    let together = set.matching(event, &mut Scratch::default()).count();
    if serde_json::from_str::<serde::de::IgnoredAny>(event).is_ok() && alone {
        assert_eq!(together, 2);
    }
    assert_ne!(together, 1);
}

fn as_choices(data: &[u8]) {
    let choices = &mut Choices::of(data);
    let patterns: Vec<_> = (0..PATTERNS).map(|_| event::grow(choices)).collect();
    let wanted = &patterns[choices.below(PATTERNS)];
    let json = event::grow_event(choices, wanted);
    let mut text = String::new();
    json.write(choices, &mut text);
    let mut set = RuleSet::default();
    let mut want = Vec::new();
    for (number, fields) in patterns.iter().enumerate() {
        let Ok(pattern) = EventPattern::parse(&event::write(fields)) else { continue };
        set.insert(number, &pattern);
        let matches = event::matches(fields, &json);
        assert_eq!(pattern.matches(&text), matches, "{} on {text}", event::write(fields));
        want.extend(matches.then_some(number));
    }
    let got: Vec<usize> = set.matching(&text, &mut Scratch::default()).copied().collect();
    assert_eq!(got, want, "{text}");
}
