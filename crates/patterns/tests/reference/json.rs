//! JSON as a tree, in any of the ways it can be written

use super::Choices;

#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'static str),
    Text(String),
    Array(Vec<Json>),
    /// In the order of writing; the last member of a name counts.
    Object(Vec<(String, Json)>),
}

pub const NAMES: [&str; 9] = ["a", "b", "c", "a.b", "é", "a b", "", "\"q\\", "detail"];
pub const TEXTS: [&str; 16] = [
    "x",
    "xy",
    "X",
    "",
    "xyx",
    "é/É",
    "10.0.0.1",
    "1",
    "1.0",
    "a \"b\" \\ c/d",
    "{[\"]}",
    "\u{1}\n\t",
    "😀x",
    "null",
    "an arn:aws:kms:us-east-1:111122223333:key/x {with \"brackets\" and more} is pending deletion.",
    "2001:db8::1",
];
pub const NUMBERS: [&str; 14] = [
    "1",
    "1.0",
    "10e-1",
    "0",
    "-0",
    "-2.5",
    "300",
    "3.0E+2",
    "1e999",
    "123456789012345678901234567890",
    "5",
    "0.1",
    "5000000001",
    "1.5e-7",
];

const WIDTH_MAX: usize = 4;

impl Json {
    pub fn grow(choices: &mut Choices<'_>, depth: usize) -> Self {
        match choices.below(if depth == 0 { 7 } else { 12 }) {
            0..3 => Self::text(choices),
            3 => Self::Number(choices.one_of(&NUMBERS)),
            4 => Self::Bool(choices.once_in(2)),
            5 => Self::Null,
            6 => Self::Number(choices.one_of(&NUMBERS)),
            7..9 => {
                Self::Array((0..choices.below(WIDTH_MAX)).map(|_| Self::grow(choices, depth - 1)).collect())
            }
            _ => Self::object(choices, depth - 1),
        }
    }

    pub fn object(choices: &mut Choices<'_>, depth: usize) -> Self {
        let width = choices.below(WIDTH_MAX + 2);
        let mut member = || (choices.one_of(&NAMES).to_owned(), Self::grow(choices, depth));
        Self::Object((0..width).map(|_| member()).collect())
    }

    fn text(choices: &mut Choices<'_>) -> Self {
        let mut text = choices.one_of(&TEXTS).to_owned();
        if choices.once_in(8) {
            text.push_str(choices.one_of(&TEXTS));
        }
        Self::Text(text)
    }

    /// The members of an object that count.
    pub fn members(&self) -> Vec<(&str, &Json)> {
        let Self::Object(members) = self else { return Vec::new() };
        let later = |at: usize, name: &str| members[at + 1..].iter().any(|(other, _)| other == name);
        let members_that_count = members.iter().enumerate().filter(|(at, (name, _))| !later(*at, name));
        members_that_count.map(|(_, (name, value))| (name.as_str(), value)).collect()
    }

    /// The text, with blanks and escapes wherever they may be.
    pub fn write(&self, choices: &mut Choices<'_>, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => write_text(text, choices, out),
            Self::Array(elements) => {
                out.push('[');
                for (number, element) in elements.iter().enumerate() {
                    write_comma(number, out);
                    write_blank(choices, out);
                    element.write(choices, out);
                }
                write_blank(choices, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    write_comma(number, out);
                    write_blank(choices, out);
                    write_text(name, choices, out);
                    write_blank(choices, out);
                    out.push(':');
                    write_blank(choices, out);
                    value.write(choices, out);
                }
                write_blank(choices, out);
                out.push('}');
            }
        }
    }
}

fn write_comma(number: usize, out: &mut String) {
    if number > 0 {
        out.push(',');
    }
}

fn write_blank(choices: &mut Choices<'_>, out: &mut String) {
    if choices.once_in(12) {
        out.push_str(choices.one_of(&[
            " ",
            "\n",
            "\t \r",
            "                                                    ",
        ]));
    }
}

fn write_text(text: &str, choices: &mut Choices<'_>, out: &mut String) {
    let style = choices.below(8);
    out.push('"');
    for c in text.chars() {
        let escaped = match style {
            7 => true,
            6 => choices.once_in(2),
            _ => false,
        };
        match c {
            _ if escaped => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            '"' | '\\' => out.extend(['\\', c]),
            '/' if style == 5 => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
