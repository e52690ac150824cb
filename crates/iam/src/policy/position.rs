//! # Positions: where in its text a statement stands
//! A simulation names the statements that decided by **line** and **column**, both counted from 1. The text is one that parsed, so this
//! walk only follows brackets and strings.
//! **Not here:** what the statements mean (`document`).

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: i32,
    /// Characters of the line up to and with this one.
    pub column: i32,
}

/// From the opening brace of a statement to just after its closing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: Place,
    pub end: Place,
}

/// The statements of a policy's text in their order.
pub fn statement_spans(text: &str) -> Vec<Span> {
    let mut walk = Walk { place: Place { line: 1, column: 1 }, ..Walk::default() };
    for c in text.chars() {
        walk.step(c);
        if c == '\n' {
            walk.place = Place { line: walk.place.line.saturating_add(1), column: 1 };
        } else {
            walk.place.column = walk.place.column.saturating_add(1);
        }
    }
    walk.spans
}

#[derive(Debug)]
struct Walk {
    place: Place,
    /// Opened brackets.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The string being read, or the last one read, with its escapes.
    string: String,
    /// Depth at which statements begin, once the member `Statement` was seen: 2 for a single one, 3 inside a list.
    statements_at: Option<usize>,
    start: Place,
    spans: Vec<Span>,
}

impl Default for Walk {
    fn default() -> Self {
        let place = Place { line: 1, column: 1 };
        Self {
            place,
            depth: 0,
            in_string: false,
            escaped: false,
            string: String::new(),
            statements_at: None,
            start: place,
            spans: Vec::new(),
        }
    }
}

impl Walk {
    fn step(&mut self, c: char) {
        if self.in_string {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = true,
                '"' => {
                    self.in_string = false;
                    return;
                }
                _ => {}
            }
            self.string.push(c);
            return;
        }
        match c {
            '"' => {
                self.in_string = true;
                self.string.clear();
            }
            ':' if self.depth == 1 => self.statements_at = is_statement(&self.string).then_some(2),
            '{' | '[' => self.open(c),
            '}' | ']' => self.close(c),
            _ => {}
        }
    }

    fn open(&mut self, c: char) {
        self.depth += 1;
        match (c, self.statements_at) {
            ('[', Some(2)) if self.depth == 2 => self.statements_at = Some(3),
            ('{', Some(at)) if self.depth == at => self.start = self.place,
            _ => {}
        }
    }

    fn close(&mut self, c: char) {
        if c == '}' && Some(self.depth) == self.statements_at {
            let end = Place { line: self.place.line, column: self.place.column.saturating_add(1) };
            self.spans.push(Span { start: self.start, end });
        }
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 1 {
            self.statements_at = None;
        }
    }
}

/// Whether a member's name, as the text spells it, is `Statement`.
fn is_statement(spelled: &str) -> bool {
    spelled == "Statement"
        || (spelled.contains('\\')
            && serde_json::from_str(&format!("\"{spelled}\"")).is_ok_and(|name: String| name == "Statement"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and column of the start and of the end.
    type Ends = ((i32, i32), (i32, i32));

    #[track_caller]
    fn check(text: &str, want: &[Ends]) {
        let places: Vec<_> = statement_spans(text)
            .iter()
            .map(|span| ((span.start.line, span.start.column), (span.end.line, span.end.column)))
            .collect();
        assert_eq!(places, want, "{text}");
    }

    #[test]
    fn statements_have_places() {
        check(r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}"#, &[((1, 41), (1, 60))]);
        check(r#"{"Statement":{"Sid":"}{","Condition":{"a":{"b":["c"]}}}}"#, &[((1, 14), (1, 56))]);
        check("{\"Statement\":[\n {},\n {\"Sid\":\"\\\"}\"}]}", &[((2, 2), (2, 4)), ((3, 2), (3, 15))]);
        check(r#"{"Id":"Statement","Statement":[{}],"Version":"x"}"#, &[((1, 32), (1, 34))]);
        check(r#"{"\u0053tatement":{}}"#, &[((1, 19), (1, 21))]);
        check("{}", &[]);
    }
}
