//! Filter patterns of CloudWatch Logs. Input with a zero byte: text of a pattern up to it, a message behind it; nothing may
//! panic, and matching twice gives one answer. Other input: a pattern and a message grown from it; they must match as a slow
//! twin of the matcher says.
#![no_main]

use keywatch_patterns::filter::{FilterPattern, ValueSelector};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/patterns/tests/reference/mod.rs"]
mod reference;

use reference::{Choices, filter::Filter, json::Json};

fuzz_target!(|data: &[u8]| {
    match data.iter().position(|byte| *byte == 0) {
        Some(end) => as_text(&data[..end], &data[end + 1..]),
        None => as_choices(data),
    }
});

fn as_text(pattern: &[u8], message: &[u8]) {
    let (Ok(pattern), Ok(message)) = (std::str::from_utf8(pattern), std::str::from_utf8(message)) else {
        return;
    };
    if let (Ok(selector), Ok(everything)) = (ValueSelector::parse_value(pattern), FilterPattern::parse("")) {
        let _ = everything.select(&selector, message);
    }
    let Ok(pattern) = FilterPattern::parse(pattern) else { return };
    assert_eq!(pattern.matches(message), pattern.matches(message));
    let _ = pattern.extract(message);
}

fn as_choices(data: &[u8]) {
    let choices = &mut Choices::of(data);
    let filter = Filter::grow(choices);
    let Ok(pattern) = FilterPattern::parse(&filter.write()) else { return };
    let json = Json::object(choices, 3);
    let mut text = String::new();
    json.write(choices, &mut text);
    assert_eq!(pattern.matches(&text), filter.holds(&json), "{} on {text}", filter.write());
}
