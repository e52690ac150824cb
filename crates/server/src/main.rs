//! The `keywatch` program: a table of contents of its commands.

use std::process::ExitCode;

use keywatch_server::cli::{Cli, Command, Parsed};
use keywatch_server::{admin, client, completions, detect, report, serve, verify};

/// A call allocates on a worker and is freed on the store's thread, which glibc's allocator spends a fifth of a call on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = match Cli::parse_arguments(std::env::args_os()) {
        Parsed::Run(command) => command,
        Parsed::Finished(code) => return code,
    };
    match command {
        Command::Serve(options) => serve::run(*options),
        Command::Env(options) => client::env::run(options),
        Command::Clock(options) => client::clock::run(options),
        Command::Outbox(options) => client::outbox::run(options),
        Command::Import(options) => client::import::run(options),
        Command::ImportSource(options) => client::import_source::run(*options),
        Command::Search(options) => client::search::run(*options),
        Command::Usage(options) => client::usage::run(options),
        Command::DeletionReadiness(options) => client::deletion_readiness::run(options),
        Command::Dashboard(options) => client::dashboard::run(options),
        Command::Guard(options) => client::guard::run(*options),
        Command::Report(options) => report::run(&options),
        Command::Detect(options) => detect::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Admin(options) => admin::run(*options),
        Command::Completions(options) => completions::run(options),
    }
}
