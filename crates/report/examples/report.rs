//! `keywatch report` alone, with the same arguments (`report …`). It is built in a fraction of the time that the
//! whole program takes.

use clap::Parser;
use keywatch_report::{Outcome, ReportOptions, report};
use std::process::ExitCode;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
enum Command {
    Report(ReportOptions),
}

fn main() -> ExitCode {
    let Command::Report(options) = Command::parse();
    match report(&options, &|_| {}) {
        Ok(Outcome::Whole) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("report: {reason}");
            ExitCode::from(2)
        }
    }
}
