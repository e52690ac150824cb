//! Event patterns: input up to the first zero byte is the pattern, the rest the event. Nothing may panic, and a
//! pattern alone must agree with itself in a set.
#![no_main]

use keywatch_patterns::event::{EventPattern, RuleSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (pattern, event) = match data.iter().position(|byte| *byte == 0) {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b"{}"[..]),
    };
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let Ok(pattern) = EventPattern::parse(pattern) else { return };
    let alone = pattern.matches(event);
    let set = RuleSet::new([(1, pattern.clone()), (2, pattern)]);
    assert_eq!(set.matching(event).count(), if alone { 2 } else { 0 });
});
