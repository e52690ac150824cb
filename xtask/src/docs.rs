//! Renders `docs/operations.md` from the tables of operations: what is built, where, and which test shows it.

use std::fmt::Write as _;
use std::path::Path;

use keywatch_api::{Access, OperationInfo, Service, operation};

const PATH: &str = "docs/operations.md";

pub(crate) fn write(root: &Path) -> Result<(), String> {
    std::fs::write(root.join(PATH), render(root)).map_err(|error| format!("{PATH}: {error}"))
}

pub(crate) fn check(root: &Path) -> Result<(), String> {
    let stored = std::fs::read_to_string(root.join(PATH)).unwrap_or_default();
    if stored == render(root) {
        Ok(())
    } else {
        Err(format!("{PATH} is out of date: run `cargo xtask docs`"))
    }
}

fn render(root: &Path) -> String {
    let tests = Tests::read(root);
    let notes = std::fs::read_to_string(root.join("docs/operations-notes.md")).unwrap_or_default();
    let mut page = String::from(
        "# Operations\n\nRendered by `cargo xtask docs` from the tables in `crates/api`; remarks come from `docs/operations-notes.md`. An operation that is not built\n\
         is answered with its service's error for unsupported operations; an operation that is not listed, with the error for unknown ones.\n\n",
    );
    let all = operation::all();
    page.push_str("| service | built | known, not built |\n|---|---|---|\n");
    for service in Service::ALL {
        let of: Vec<_> = all.iter().filter(|info| info.service == *service).collect();
        if !of.is_empty() {
            let built = of.iter().filter(|info| info.handler.is_some()).count();
            let _ = writeln!(page, "| {service} | {built} | {} |", of.len() - built);
        }
    }
    page.push('\n');
    page.push_str(&notes);
    for service in Service::ALL {
        let of: Vec<_> = all.iter().filter(|info| info.service == *service).collect();
        if !of.is_empty() {
            let _ = write!(
                page,
                "\n## {service}\n\n| operation | access | handler | seen in |\n|---|---|---|---|\n"
            );
            for info in of {
                row(&mut page, root, info, &tests);
            }
        }
    }
    page
}

fn row(page: &mut String, root: &Path, info: &OperationInfo, tests: &Tests) {
    let access = match info.access {
        Access::Read => "read",
        Access::Write => "write",
    };
    let (handler, test) = match info.handler {
        None => ("not built".to_owned(), String::new()),
        Some(handler) => (handler_path(root, info.service, handler), tests.naming(info.name, handler)),
    };
    let _ = writeln!(page, "| {} | {access} | {handler} | {test} |", info.name);
}

/// The file of a handler: one file per operation, named after it.
fn handler_path(root: &Path, service: Service, handler: &str) -> String {
    let name = format!("{handler}.rs");
    let mut candidates: Vec<String> = crate::files(&root.join("crates"), &["rs"])
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|file| file == name.as_str()))
        .map(|path| path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned())
        .collect();
    // Names such as `list_tags_for_resource` exist in several services.
    let folder = match service {
        Service::CloudWatch => ["/metrics/", "/alarms/"],
        Service::CloudTrail => ["/trail/", "/trail/"],
        Service::Sns | Service::Sqs => ["/sns/", "/sqs/"],
        Service::Keywatch => ["/keywatch/", "/trail/"],
        Service::Kms => ["/kms/", "/kms/"],
        Service::Logs => ["/logs/", "/logs/"],
        Service::Events => ["/events/", "/events/"],
        Service::Iam => ["/iam/iam/", "/src/iam/"],
        Service::Sts => ["/sts/", "/sts/"],
        Service::S3 => ["/s3/", "/s3/"],
    };
    let named = format!("/{service}/");
    candidates.sort_by_key(|path| {
        (!path.contains(&named), !folder.iter().any(|folder| path.contains(folder)), path.len())
    });
    candidates.first().map_or_else(|| "missing".to_owned(), |path| format!("`{path}`"))
}

/// The texts of all tests, to find which one names an operation.
struct Tests(Vec<(String, String)>);

impl Tests {
    fn read(root: &Path) -> Self {
        let mut texts = Vec::new();
        let places = ["tests/clients", "crates/server/tests", "crates"];
        for place in places {
            for path in crate::files(&root.join(place), &["rs", "py"]) {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                let is_test = name.contains("tests/") || name.ends_with("tests.rs");
                if is_test && !texts.iter().any(|(known, _)| *known == name) {
                    texts.push((name, std::fs::read_to_string(&path).unwrap_or_default()));
                }
            }
        }
        Tests(texts)
    }

    /// The first test that names the operation as the wire, the CLI or boto3 does.
    fn naming(&self, name: &str, handler: &str) -> String {
        let spellings =
            [format!("\"{name}\""), format!("\"{}\"", handler.replace('_', "-")), format!(".{handler}(")];
        let found = self.0.iter().find(|(_, text)| spellings.iter().any(|spelling| text.contains(spelling)));
        found.map_or_else(|| "sweeps".to_owned(), |(path, _)| format!("`{path}`"))
    }
}
