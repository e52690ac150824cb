//! The `keywatch` program: a table of contents of its commands.

use std::process::ExitCode;

use keywatch_server::cli::{Cli, Command, Parsed};
use keywatch_server::{completions, exit, report};

fn main() -> ExitCode {
    match Cli::parse_arguments(std::env::args_os()) {
        Parsed::Finished(code) => code,
        Parsed::Run(Command::Report(options)) => report::run(&options),
        Parsed::Run(Command::Completions(options)) => completions::run(options),
        Parsed::Run(Command::Serve(_) | Command::Env(_) | Command::Clock(_) | Command::Outbox(_)) => {
            exit::complain("this command is not built yet");
            exit::USAGE.into()
        }
    }
}
