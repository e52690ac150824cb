//! Cases as data: what each pattern matches, what it does not, and why a text is no pattern. Written from the User Guides of
//! CloudWatch Logs and EventBridge and from answers of AWS.

use std::{collections::BTreeMap, path::Path};

use keywatch_patterns::{event::EventPattern, filter::FilterPattern};
use serde::Deserialize;

/// Of both languages together.
const CASES_MIN: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: Option<String>,
    pattern: String,
    #[serde(default)]
    yes: Vec<String>,
    #[serde(default)]
    no: Vec<String>,
    /// How the refusal begins.
    error: Option<String>,
    message: Option<String>,
    /// What is extracted from the message.
    fields: Option<BTreeMap<String, String>>,
}

fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Answers how many cases there were and which are wrong.
fn run<P>(
    name: &str,
    parse: impl Fn(&str) -> Result<P, String>,
    matches: impl Fn(&P, &str) -> bool,
    extract: impl Fn(&P, &str) -> BTreeMap<String, String>,
) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for case in cases(name) {
        let pattern = match (parse(&case.pattern), &case.error) {
            (Ok(pattern), None) => pattern,
            (Err(got), Some(want)) if got.starts_with(want.as_str()) => {
                count += 1;
                continue;
            }
            (got, want) => {
                wrong.push(format!("{}: {:?}, not {want:?}", case.pattern, got.err()));
                continue;
            }
        };
        let texts = case.yes.iter().map(|text| (text, true)).chain(case.no.iter().map(|text| (text, false)));
        for (text, want) in texts {
            count += 1;
            if matches(&pattern, text) != want {
                wrong.push(format!("{} on {text}: not {want}", case.pattern));
            }
        }
        if let (Some(message), Some(want)) = (&case.message, &case.fields) {
            count += 1;
            let got = extract(&pattern, message);
            if got != *want {
                wrong.push(format!("{} from {message}: {got:?}, not {want:?}", case.pattern));
            }
        }
    }
    (count, wrong)
}

#[test]
fn every_case() {
    let (filters, mut wrong) = run(
        "filter.jsonl",
        |source| FilterPattern::parse(source).map_err(|refused| refused.to_string()),
        |pattern, message| pattern.matches(message),
        |pattern, message| pattern.extract(message),
    );
    let (events, wrong_events) = run(
        "event.jsonl",
        |source| EventPattern::parse(source).map_err(|refused| refused.reason().to_owned()),
        |pattern, event| pattern.matches(event),
        |_, _| BTreeMap::new(),
    );
    wrong.extend(wrong_events);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(filters + events >= CASES_MIN, "{filters} and {events}");
}
