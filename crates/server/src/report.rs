//! `keywatch report` as a command: its exit code and its progress bar. The report itself is `keywatch_report`.

use crate::{exit, progress};
use keywatch_report::{Outcome, ReportOptions, Step, report};
use std::process::ExitCode;

/// Runs the command: exit code 0 when everything was read, 1 when something was skipped (the report says
/// what), 2 when nothing could be reported (no such path, or the output cannot be written), which is told in
/// one line on standard error.
pub fn run(options: &ReportOptions) -> ExitCode {
    let bar = progress::bar_of_bytes(0);
    let outcome = report(options, &|step| match step {
        Step::Found(bytes) => bar.set_length(bytes),
        Step::Read(bytes) => bar.inc(bytes),
        Step::Done => bar.finish_and_clear(),
    });
    let code = match outcome {
        Ok(Outcome::Whole) => exit::DONE,
        Ok(Outcome::Partial) => exit::FAILED,
        Err(reason) => {
            exit::complain(&format!("report: {reason}"));
            exit::USAGE
        }
    };
    code.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        options: ReportOptions,
    }

    #[track_caller]
    fn check(file: &str, text: &str, want: exit::Code) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("a.json"), text).expect("a file");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let arguments = Arguments::try_parse_from(["report", &path(file), "--output", &path("out")])
            .expect("right usage");
        let code = run(&arguments.options);
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(want)));
    }

    #[test]
    fn exit_codes() {
        check("a.json", r#"{"Records":[]}"#, exit::DONE);
        check("a.json", r#"{"Records":["#, exit::FAILED);
        check("gone.json", "", exit::USAGE);
    }
}
