//! Exit codes and the one line that goes with them.

use std::error::Error;
use std::process::ExitCode;

/// How the program ends; documented in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u8);

/// Done.
pub const DONE: Code = Code(0);
/// The command ran and failed, or found something wrong.
pub const FAILED: Code = Code(1);
/// Wrong usage, or what the command needs is not there.
pub const USAGE: Code = Code(2);

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code.0)
    }
}

/// Says one line on standard error, in the program's name.
pub fn complain(line: &str) {
    let line = line.replace(['\r', '\n'], " ");
    eprintln!("keywatch: {line}");
}

/// An error and its causes as one line, `what: why: why`.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}
