//! `keywatch report` alone: takes its arguments. It builds in a minute, where the whole program takes many.

use clap::Parser;
use keywatch_report::{Outcome, ReportOptions, report};
use std::process::ExitCode;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: ReportOptions,
}

fn main() -> ExitCode {
    match report(&Arguments::parse().options, &|_| {}) {
        Ok(Outcome::Whole) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("report: {reason}");
            ExitCode::from(2)
        }
    }
}
