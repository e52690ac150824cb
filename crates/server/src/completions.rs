//! `keywatch completions SHELL`.

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionOptions};
use crate::exit;

/// Prints the completion script of a shell on standard output.
pub fn run(options: CompletionOptions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "keywatch", &mut script);
    match std::io::stdout().lock().write_all(&script) {
        Ok(()) => exit::DONE.into(),
        Err(error) => {
            exit::complain(&format!("cannot print the completions: {error}"));
            exit::FAILED.into()
        }
    }
}
