//! Filter patterns as trees: how they are written, and what they mean

use super::{
    Choices, is_like,
    json::{Json, NAMES, NUMBERS, TEXTS},
};

#[derive(Clone, Debug)]
pub enum Filter {
    Condition(Vec<Step>, Test),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Clone, Debug)]
pub enum Step {
    Key(&'static str),
    Index(usize),
    AnyKey,
    AnyElement,
}

#[derive(Clone, Debug)]
pub enum Test {
    Is(&'static str),
    NotExists,
    /// The operator, and a number as it is written.
    Number(&'static str, &'static str),
    /// Whether it is equality, and a text with `*`.
    Like(bool, String),
    /// Whether it is equality, and one of [`REGEXES`].
    Regex(bool, usize),
}

type Holds = fn(&str) -> bool;

const REGEXES: [(&str, Holds); 4] = [
    ("x", |text| text.contains('x')),
    ("^x", |text| text.starts_with('x')),
    (r"\d", |text| text.bytes().any(|byte| byte.is_ascii_digit())),
    ("^[a-z]+$", |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())),
];
const WILDCARDS_MAX: usize = 3;
const REGEXES_MAX: usize = 2;

impl Filter {
    pub fn grow(choices: &mut Choices<'_>) -> Self {
        Self::grow_within(choices, 3, &mut WILDCARDS_MAX.clone(), &mut REGEXES_MAX.clone())
    }

    fn grow_within(
        choices: &mut Choices<'_>,
        depth: usize,
        wildcards: &mut usize,
        regexes: &mut usize,
    ) -> Self {
        if depth > 0 && choices.once_in(2) {
            let parts = 2 + choices.below(2);
            let is_all = choices.once_in(2);
            let parts =
                (0..parts).map(|_| Self::grow_within(choices, depth - 1, wildcards, regexes)).collect();
            return if is_all { Self::All(parts) } else { Self::Any(parts) };
        }
        let steps = grow_steps(choices, wildcards);
        let test = match choices.below(8) {
            0 => Test::Is(choices.one_of(&["NULL", "TRUE", "FALSE"])),
            1 => Test::NotExists,
            2 => Test::Number(
                choices.one_of(&["=", "!=", "<", "<=", ">", ">="]),
                choices.one_of(&NUMBERS[..8]),
            ),
            3 if *regexes > 0 => {
                *regexes -= 1;
                Test::Regex(!choices.once_in(3), choices.below(REGEXES.len()))
            }
            _ => {
                let mut text = choices.one_of(&TEXTS).to_owned();
                if choices.once_in(3) {
                    let at = text.char_indices().map(|(at, _)| at).nth(choices.below(3)).unwrap_or(0);
                    text.replace_range(..at, "*");
                }
                if choices.once_in(3) {
                    text.push('*');
                }
                Test::Like(!choices.once_in(4), text)
            }
        };
        Self::Condition(steps, test)
    }

    /// The pattern's text, braces included.
    pub fn write(&self) -> String {
        format!("{{ {} }}", self.write_inside())
    }

    fn write_inside(&self) -> String {
        let join = |parts: &[Self], operator: &str| {
            parts.iter().map(|part| format!("({})", part.write_inside())).collect::<Vec<_>>().join(operator)
        };
        match self {
            Self::All(parts) => join(parts, " && "),
            Self::Any(parts) => join(parts, "||"),
            Self::Condition(steps, test) => {
                let steps: String = steps.iter().map(Step::write).collect();
                format!("${steps} {}", test.write())
            }
        }
    }

    pub fn holds(&self, message: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(message)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(message)),
            Self::Condition(steps, test) => {
                let mut places = vec![message];
                for step in steps {
                    places = places.into_iter().flat_map(|place| step.take(place)).collect();
                }
                match test {
                    Test::NotExists => places.is_empty(),
                    test => places.iter().any(|value| test.holds(value)),
                }
            }
        }
    }
}

fn grow_steps(choices: &mut Choices<'_>, wildcards: &mut usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut wild = *wildcards == 0;
    for _ in 0..=choices.below(3) {
        steps.push(match choices.below(8) {
            0 => Step::Index(choices.below(2)),
            1 if !wild && !steps.is_empty() => Step::AnyElement,
            2 if !wild => Step::AnyKey,
            _ => Step::Key(choices.one_of(&NAMES)),
        });
        if matches!(steps.last(), Some(Step::AnyElement | Step::AnyKey)) {
            wild = true;
            *wildcards -= 1;
        }
    }
    steps
}

impl Step {
    fn write(&self) -> String {
        match self {
            Self::Key(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                format!(".{name}")
            }
            Self::Key(name) => format!("[{}]", quoted(name)),
            Self::Index(index) => format!("[{index}]"),
            Self::AnyKey => ".*".to_owned(),
            Self::AnyElement => "[*]".to_owned(),
        }
    }

    fn take<'j>(&self, place: &'j Json) -> Vec<&'j Json> {
        let elements = match place {
            Json::Array(elements) => elements.as_slice(),
            _ => &[],
        };
        let members = place.members().into_iter();
        match self {
            Self::Key(name) => members.filter(|(known, _)| known == name).map(|(_, value)| value).collect(),
            Self::Index(index) => elements.get(*index).into_iter().collect(),
            Self::AnyKey => members.map(|(_, value)| value).collect(),
            Self::AnyElement => elements.iter().collect(),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Test {
    fn write(&self) -> String {
        let operator = |equal: &bool| if *equal { "=" } else { "!=" };
        match self {
            Self::Is(what) => format!("IS {what}"),
            Self::NotExists => "NOT EXISTS".to_owned(),
            Self::Number(operator, number) => format!("{operator} {number}"),
            Self::Like(equal, text) => format!("{} {}", operator(equal), quoted(text)),
            Self::Regex(equal, number) => format!("{} %{}%", operator(equal), REGEXES[*number].0),
        }
    }

    fn holds(&self, value: &Json) -> bool {
        let text = match value {
            Json::Text(text) => Some(text.clone()),
            Json::Number(written) => Some(text_of(written)),
            _ => None,
        };
        match (self, value) {
            (Self::Is("TRUE"), value) => matches!(value, Json::Bool(true)),
            (Self::Is("FALSE"), value) => matches!(value, Json::Bool(false)),
            (Self::Is(_), Json::Array(elements)) => {
                elements.iter().any(|element| matches!(element, Json::Null))
            }
            (Self::Is(_), value) => matches!(value, Json::Null),
            (Self::Number("=", wanted), Json::Text(text)) => text == wanted,
            (Self::Number("!=", wanted), Json::Text(text)) => text != wanted,
            (Self::Number(operator, wanted), Json::Number(written)) => {
                let (found, wanted): (f64, f64) = (written.parse().unwrap(), wanted.parse().unwrap());
                match *operator {
                    "=" => found == wanted,
                    "!=" => found != wanted,
                    "<" => found < wanted,
                    "<=" => found <= wanted,
                    ">" => found > wanted,
                    _ => found >= wanted,
                }
            }
            (Self::Like(equal, wanted), _) => text.is_some_and(|text| {
                let chars = |text: &str| text.chars().collect::<Vec<_>>();
                is_like(&chars(wanted), &chars(&text), false) == *equal
            }),
            (Self::Regex(equal, number), _) => text.is_some_and(|text| REGEXES[*number].1(&text) == *equal),
            _ => false,
        }
    }
}

/// A number's text is that of its double, but for whole numbers written as such and those beyond a double.
fn text_of(written: &str) -> String {
    let value: f64 = written.parse().unwrap();
    match written {
        "-0" => "0".to_owned(),
        written if !written.contains(['.', 'e', 'E']) || value.is_infinite() => written.to_owned(),
        _ => format!("{value:?}"),
    }
}
