//! The list of differences that stand: `service operation path aspect # reason`, `*` for any operation or any path.

use std::path::Path;

use super::compare::Difference;

pub(super) struct Exceptions(Vec<Entry>);

struct Entry {
    line: String,
    words: [String; 4],
    used: bool,
}

impl Exceptions {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
        lines.map(Entry::parse).collect::<Result<_, _>>().map(Exceptions)
    }

    /// Whether an entry allows the difference; the entry then counts as used.
    pub(super) fn covers(&mut self, difference: &Difference) -> bool {
        let mut covered = false;
        for entry in &mut self.0 {
            let [service, operation, path, aspect] = &entry.words;
            let fits = |word: &String, text: &str| word == "*" || word == text;
            if service == difference.service.signing_name()
                && fits(operation, &difference.operation)
                && fits(path, &difference.path)
                && aspect == difference.aspect
            {
                entry.used = true;
                covered = true;
            }
        }
        covered
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|entry| !entry.used).map(|entry| entry.line.as_str())
    }
}

impl Entry {
    fn parse(line: &str) -> Result<Self, String> {
        let (rule, reason) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<String> = rule.split_whitespace().map(str::to_owned).collect();
        match (words.try_into(), reason.trim().is_empty()) {
            (Ok(words), false) => Ok(Entry { line: line.to_owned(), words, used: false }),
            _ => Err(format!("no `service operation path aspect # reason` but {line:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use keywatch_api::Service;

    use super::*;

    #[test]
    fn entries_cover_what_they_name_and_are_missed_when_they_do_not() {
        let mut exceptions =
            Exceptions::parse("# head\n\nkms * - operation # why\nsqs Any - operation # why\n").unwrap();
        assert!(exceptions.covers(&Difference::operation(Service::Kms, "Encrypt", "differs")));
        assert!(!exceptions.covers(&Difference::operation(Service::Sqs, "Other", "differs")));
        assert_eq!(exceptions.unused().collect::<Vec<_>>(), ["sqs Any - operation # why"]);
    }

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        for text in ["kms * - operation", "kms * - operation #", "kms * operation # why"] {
            assert!(Exceptions::parse(text).is_err(), "{text}");
        }
    }
}
