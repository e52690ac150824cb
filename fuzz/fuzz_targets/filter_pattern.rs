//! Filter patterns of CloudWatch Logs: input up to the first zero byte is the pattern, the rest the message. Nothing
//! may panic, and the message must not be changed by being matched.
#![no_main]

use keywatch_patterns::filter::{FilterPattern, ValueSelector};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, message) = text.split_once('\0').unwrap_or((text, "{\"a\":1}"));
    if let Ok(selector) = ValueSelector::parse_value(pattern) {
        if let Ok(everything) = FilterPattern::parse("") {
            let _ = everything.select(&selector, message);
        }
    }
    let Ok(pattern) = FilterPattern::parse(pattern) else { return };
    let first = pattern.matches(message);
    assert_eq!(first, pattern.matches(message));
    let _ = pattern.extract(message);
});
