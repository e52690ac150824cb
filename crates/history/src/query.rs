//! What is asked of history: which account's records, of which time, that meet which conditions. Conditions are decided in
//! the same way for a record in the log and for the columns of a segment.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;
use keywatch_store::{EntryKind, LogEntry, Seq};
use memchr::memmem::Finder;

use crate::{Column, Facts};

/// Shortest text that is worth a search for its bytes.
const NEEDLE_LENGTH_MIN: usize = 3;
/// A text of this length tells most records apart.
const NEEDLE_LENGTH_GOOD: usize = 12;

/// A place in the order of history, newest first: by time, then by sequence number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    pub time: Timestamp,
    pub seq: Seq,
}

/// Which records are asked for. All conditions hold for each of them.
#[derive(Clone, Debug)]
pub struct Query {
    pub account: String,
    /// Every Region when absent.
    pub region: Option<String>,
    pub range: RangeInclusive<Timestamp>,
    /// Our own records that are older are not asked for, imported ones are.
    pub own_since: Timestamp,
    pub conditions: Vec<Condition>,
}

/// Something that must be so in a record.
#[derive(Clone, Debug)]
pub struct Condition {
    what: What,
    /// A text that every record that meets it contains.
    needle: Option<Finder<'static>>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// One of the columns passes the test.
    Texts(Vec<Column>, Test),
    ReadOnly(bool),
}

/// Judges the bytes of a text.
pub type Judge = Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// What a text must be.
#[derive(Clone)]
pub enum Test {
    Is(String),
    OneOf(Arc<HashSet<String>>),
    /// A judgement of the text's bytes.
    Passes(Judge),
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Is(text) => f.debug_tuple("Is").field(text).finish(),
            Self::OneOf(texts) => f.debug_tuple("OneOf").field(&texts.len()).finish(),
            Self::Passes(_) => f.write_str("Passes(..)"),
        }
    }
}

impl Query {
    /// Every record of an account and Region at any time.
    pub fn of(account: &str, region: Option<&str>) -> Self {
        Self {
            account: account.to_owned(),
            region: region.map(str::to_owned),
            range: Timestamp::MIN..=Timestamp::MAX,
            own_since: Timestamp::MIN,
            conditions: Vec::new(),
        }
    }

    /// The kinds of entries that hold records.
    pub(crate) const KINDS: [EntryKind; 2] = [EntryKind::Record, EntryKind::ImportedRecord];

    /// Whether an entry may be asked for, as far as can be told without reading its record.
    pub(crate) fn reaches(&self, entry: &LogEntry) -> bool {
        self.kind_reaches(entry.kind, entry.time)
            && self.range.contains(&entry.time)
            && entry.partition.account() == self.account
            && self.region.as_deref().is_none_or(|region| entry.partition.region() == region)
    }

    pub(crate) fn kind_reaches(&self, kind: EntryKind, time: Timestamp) -> bool {
        match kind {
            EntryKind::Record => time >= self.own_since,
            EntryKind::ImportedRecord => true,
            _ => false,
        }
    }

    /// Reads a record that [`Query::reaches`] and meets the conditions.
    pub(crate) fn accept<'r>(&self, record: &'r [u8]) -> Option<Facts<'r>> {
        let lacks =
            |condition: &Condition| condition.needle.as_ref().is_some_and(|n| n.find(record).is_none());
        if self.conditions.iter().any(lacks) {
            return None;
        }
        Facts::read(record).filter(|facts| self.conditions.iter().all(|condition| condition.holds(facts)))
    }
}

impl Condition {
    /// The value of one of `columns` is, or for a list contains, `value`.
    pub fn is(columns: &[Column], value: &str) -> Self {
        let derived = columns.contains(&Column::UserName) && value == "root";
        let needle = if derived { None } else { needle(value) };
        Self { what: What::Texts(columns.to_vec(), Test::Is(value.to_owned())), needle }
    }

    /// A value of one of `columns` passes `test`. Records without `contained`, when given, never do.
    pub fn passes(columns: &[Column], test: Test, contained: Option<&str>) -> Self {
        Self { what: What::Texts(columns.to_vec(), test), needle: contained.and_then(needle) }
    }

    pub fn read_only(wanted: bool) -> Self {
        Self { what: What::ReadOnly(wanted), needle: None }
    }

    pub(crate) fn what(&self) -> &What {
        &self.what
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        match &self.what {
            What::ReadOnly(wanted) => facts.read_only == Some(*wanted),
            What::Texts(columns, test) => columns
                .iter()
                .any(|column| column.values(facts).iter().any(|value| test.passes(value.as_bytes()))),
        }
    }
}

impl Test {
    pub(crate) fn passes(&self, value: &[u8]) -> bool {
        match self {
            Self::Is(wanted) => wanted.as_bytes() == value,
            Self::OneOf(wanted) => std::str::from_utf8(value).is_ok_and(|value| wanted.contains(value)),
            Self::Passes(judge) => judge(value),
        }
    }
}

/// A run of the value that JSON writes in one way only: the last long one, for ARNs begin alike and end apart, or else the
/// longest; short ones are not worth a search.
fn needle(value: &str) -> Option<Finder<'static>> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@=,+ ".contains(c);
    let runs = || value.split(|c: char| !plain(c));
    let run =
        runs().rfind(|run| run.len() >= NEEDLE_LENGTH_GOOD).or_else(|| runs().max_by_key(|run| run.len()))?;
    (run.len() >= NEEDLE_LENGTH_MIN).then(|| Finder::new(run).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user\/al","userName":"al\/ice","accessKeyId":"AKIA1"},"eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"e-1","readOnly":true,"errorCode":"AccessDenied","resources":[{"type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-east-1:111122223333:key/k-1"},{"ARN":"arn:x"}]}"#;

    #[track_caller]
    fn check(condition: Condition, want: bool) {
        let query = Query { conditions: vec![condition], ..Query::of("1", None) };
        assert_eq!(query.accept(RECORD.as_bytes()).is_some(), want, "{:?}", query.conditions);
    }

    #[test]
    fn conditions_are_about_columns() {
        check(Condition::is(&[Column::EventId], "e-1"), true);
        check(Condition::is(&[Column::EventId], "e-2"), false);
        check(Condition::is(&[Column::EventName], "decrypt"), false);
        check(Condition::is(&[Column::UserName], "al/ice"), true);
        check(Condition::is(&[Column::UserName], "ice"), false);
        check(Condition::is(&[Column::UserName, Column::Principal], "arn:aws:iam::1:user/al"), true);
        check(Condition::is(&[Column::Resources], "arn:aws:kms:us-east-1:111122223333:key/k-1"), true);
        check(Condition::is(&[Column::Resources], "arn:aws:kms:us-east-1:111122223333:key/k"), false);
        check(Condition::is(&[Column::ResourceTypes], "AWS::KMS::Key"), true);
        check(Condition::is(&[Column::UserAgent], "aws-cli"), false);
        check(Condition::read_only(true), true);
        check(Condition::read_only(false), false);
        let ends = Test::Passes(Arc::new(|value| value.ends_with(b"k-1")));
        check(Condition::passes(&[Column::Resources], ends.clone(), Some("k-1")), true);
        check(Condition::passes(&[Column::EventName], ends, None), false);
        let either = Test::OneOf(Arc::new(["Encrypt", "Decrypt"].map(str::to_owned).into()));
        check(Condition::passes(&[Column::EventName], either, None), true);
    }

    #[test]
    fn needles_tell_records_apart() {
        check("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd", Some("1234abcd-12ab-34cd"));
        check("arn:aws:iam::111122223333:role/app", Some("arn:aws:iam::111122223333:role"));
        check("Decrypt", Some("Decrypt"));
        check("é\"abc", Some("abc"));
        check("no", None);
        check("", None);

        fn check(value: &str, want: Option<&str>) {
            let got = needle(value).map(|needle| needle.needle().to_vec());
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn every_condition_must_hold() {
        let accepts =
            |conditions| Query { conditions, ..Query::of("1", None) }.accept(RECORD.as_bytes()).is_some();
        assert!(accepts(vec![]));
        assert!(accepts(vec![
            Condition::read_only(true),
            Condition::is(&[Column::ErrorCode], "AccessDenied")
        ]));
        assert!(!accepts(vec![
            Condition::read_only(true),
            Condition::is(&[Column::ErrorCode], "Throttling")
        ]));
        assert!(Query::of("1", None).accept(b"no record").is_none());
    }

    #[test]
    fn reach_is_by_place_time_and_kind() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let query = Query {
            range: at("2026-01-01T00:00:00Z")..=at("2026-12-31T00:00:00Z"),
            own_since: at("2026-06-01T00:00:00Z"),
            ..Query::of("1", Some("a"))
        };
        for (kind, time, partition, want) in [
            (EntryKind::Record, "2026-06-01T00:00:00Z", "1/a", true),
            (EntryKind::Record, "2026-05-01T00:00:00Z", "1/a", false),
            (EntryKind::ImportedRecord, "2026-05-01T00:00:00Z", "1/a", true),
            (EntryKind::ImportedRecord, "2025-05-01T00:00:00Z", "1/a", false),
            (EntryKind::Record, "2026-07-01T00:00:00Z", "1/b", false),
            (EntryKind::Record, "2026-07-01T00:00:00Z", "2/a", false),
            (EntryKind::Points, "2026-07-01T00:00:00Z", "1/a", false),
        ] {
            let entry = LogEntry {
                seq: 1,
                kind,
                time: at(time),
                partition: partition.into(),
                bytes: Default::default(),
            };
            assert_eq!(query.reaches(&entry), want, "{kind:?} {time} {partition}");
        }
    }
}
