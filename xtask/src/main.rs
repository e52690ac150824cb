//! The project's chores, behind one door: `cargo xtask api`, `cargo xtask docs [--check]`,
//! `cargo xtask tidy`, `cargo xtask bench …`.

mod api;
mod bench;
mod docs;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str =
    "cargo xtask api [--models DIR]  hold the request shapes against AWS's models (DIR: botocore's `data`)
cargo xtask docs [--check]   render docs/operations.md, or check that it is up to date
cargo xtask bench            all benches; `bench kms`, `bench report`, `bench verify` or `bench history` for one (--help for its options)
cargo xtask tidy             check the house rules: file sizes, layers, words that must not stay";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["api"] => api::check(&root(), None),
        ["api", "--models", models] => api::check(&root(), Some(models)),
        ["bench", what @ ..] => bench::run(what),
        ["docs"] => docs::write(&root()),
        ["docs", "--check"] => docs::check(&root()),
        ["tidy"] => tidy::check(&root()),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: two levels above this file's crate manifest.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("xtask lies in the workspace").to_owned()
}

/// Every file below `directory` whose name has one of the extensions, sorted; build output is left out.
fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".git", "__pycache__"].contains(&name.as_str()) {
                open.push(path);
            } else if extensions.iter().any(|e| path.extension().is_some_and(|x| x == *e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
