//! The house rules that a program can check. Each says what to do about it.

use std::path::Path;

const FILE_LINES_MAX: usize = 600;

/// Which crates each may name. Arrows only point down.
const LAYERS: &[(&str, &[&str])] = &[
    ("anomaly", &[]),
    ("api", &[]),
    ("json", &[]),
    ("logfiles", &["json"]),
    ("patterns", &["json"]),
    ("report", &["logfiles"]),
    ("crypto", &[]),
    ("store", &["api"]),
    ("iam", &["store", "crypto", "api"]),
    ("history", &["store", "api"]),
    ("monitor", &["anomaly", "patterns", "logfiles", "history", "iam", "store", "crypto", "api"]),
    ("kms", &["monitor", "anomaly", "logfiles", "history", "iam", "store", "crypto", "api"]),
    (
        "server",
        &["kms", "monitor", "anomaly", "report", "logfiles", "history", "iam", "store", "crypto", "api"],
    ),
];

/// Folders and files whose name says nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc"];

pub(crate) fn check(root: &Path) -> Result<(), String> {
    let mut faults = Vec::new();
    sizes_and_words(root, &mut faults);
    layers(root, &mut faults);
    links(root, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

fn sizes_and_words(root: &Path, faults: &mut Vec<String>) {
    // Spelled apart, so that this list does not accuse itself.
    let left_behind =
        [["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["todo", "!("], ["unimplemented", "!("], ["dbg", "!("]];
    for place in ["crates", "xtask", "tests", "fuzz", "script", "console"] {
        for path in crate::files(&root.join(place), &["rs", "py", "ts", "tsx", "sh"]) {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let lines = text.lines().count();
            if lines > FILE_LINES_MAX {
                faults.push(format!("{name}: {lines} lines; split it at a noun before {FILE_LINES_MAX}"));
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            if EMPTY_NAMES.contains(&&*stem) {
                faults.push(format!("{name}: name it after its subject"));
            }
            for (number, line) in text.lines().enumerate() {
                for word in &left_behind {
                    if contains_word(line, &word.concat()) {
                        faults.push(format!(
                            "{name}:{}: finish it or say it in an issue: {}",
                            number + 1,
                            line.trim()
                        ));
                    }
                }
                if line.contains(&["allow(dead", "_code)"].concat()) {
                    faults.push(format!("{name}:{}: dead code is deleted", number + 1));
                }
            }
        }
    }
}

/// `word` not inside a longer word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !part(before) && (word.ends_with('(') || !part(after))
    })
}

fn layers(root: &Path, faults: &mut Vec<String>) {
    for (layer, may) in LAYERS {
        let manifest =
            std::fs::read_to_string(root.join("crates").join(layer).join("Cargo.toml")).unwrap_or_default();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, _) in LAYERS {
            let names = dependencies.contains(&format!("keywatch-{other}."));
            if names && !may.contains(other) {
                faults.push(format!("crates/{layer} names crates/{other}: arrows only point down"));
            }
        }
    }
}

/// Links between our documents lead to files that are there.
fn links(root: &Path, faults: &mut Vec<String>) {
    let mut documents = crate::files(&root.join("docs"), &["md"]);
    documents.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)),
    );
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap_or_default();
        let folder = document.parent().unwrap_or(root);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                let name = document.strip_prefix(root).unwrap_or(&document).display();
                faults.push(format!("{name}: the link to {target} leads nowhere"));
            }
        }
    }
}
