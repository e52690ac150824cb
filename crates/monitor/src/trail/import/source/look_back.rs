//! After the new files of a bucket: those that digests name and that were not taken in. One that is not there is told of; one that
//! turned up since, or was replaced since it was refused, is read.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use keywatch_store::{Scan, Transaction, decode};

use super::bucket::Bucket;
use super::intake::{Change, Intake, Marks};
use super::listed::MISSING;
use super::poll::PollError;
use super::record::{LISTED, ListedRecord, ProgressRecord, part_key};

/// Log files and digests looked back at in one poll.
const ROWS_MAX: usize = 20_000;
const PAGE: usize = 1_000;
/// Objects asked for one by one, whether they are there, in one poll.
const ASKED_MAX: usize = 100;
/// After this time a digest that is still to come is not waited for any more.
const PATIENCE: SignedDuration = SignedDuration::from_hours(48);
/// So long after its digest a file that is missing or was refused is looked for again.
const HOPE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A log file that a digest names and that was not taken in.
#[derive(Clone, Debug)]
struct Wanted {
    row: String,
    told: bool,
    not_taken: Option<String>,
}

#[derive(Debug, Default)]
struct Rows {
    wanted: Vec<Wanted>,
    /// Imported long ago, and no digest came.
    forgotten: BTreeSet<String>,
}

/// Looks for what digests name.
pub(super) async fn look_back(intake: &Intake<'_>, bucket: &Bucket) -> Result<(), PollError> {
    if !intake.source.validate_digests {
        return Ok(());
    }
    let prefix = part_key(&intake.source.id, "");
    let Rows { wanted, forgotten } = rows(intake, &prefix).await?;
    let mut absent = Vec::new();
    let last = intake.inner.asked().get(&intake.source.id).cloned();
    let turn = in_turn(wanted, last.as_deref(), |one| (one.told, one.row.clone()));
    if let Some(last) = turn.last() {
        intake.inner.asked().insert(intake.source.id.clone(), last.row.clone());
    }
    for one in turn {
        intake.check_stop()?;
        let key = format!("{}{}", parent(bucket), &one.row[prefix.len()..]);
        match bucket.tag(&key).await? {
            None if one.told => {}
            None => absent.push(one.row),
            Some(tag) if one.not_taken.as_ref() == Some(&tag) => {}
            Some(_) if !bucket.holds(&key) => {}
            Some(_) => {
                if let Some(file) = bucket.fetch(&key).await? {
                    intake.take_log(file, Marks::new()).await?;
                }
            }
        }
    }
    if absent.is_empty() && forgotten.is_empty() {
        return Ok(());
    }
    let change = Change::LookedFor { absent: &absent, forgotten: &forgotten };
    intake.commit(&Marks::new(), &change).await
}

async fn rows(intake: &Intake<'_>, prefix: &str) -> Result<Rows, PollError> {
    let mut found = Rows::default();
    let mut after: Option<String> = None;
    for _ in 0..ROWS_MAX / PAGE {
        let scan = Scan { prefix, after: after.as_deref(), limit: PAGE };
        let rows = intake.inner.store.scan(LISTED, scan).await?;
        let is_last = rows.len() < PAGE;
        after = rows.last().map(|row| row.key.clone());
        for row in rows {
            sort(row.key, decode(&row.bytes)?, intake.now(), &mut found);
        }
        if is_last {
            break;
        }
    }
    Ok(found)
}

fn sort(row: String, record: ListedRecord, now: Timestamp, found: &mut Rows) {
    match record {
        ListedRecord::Named { since, told, not_taken, .. } if now.duration_since(since) < HOPE => {
            found.wanted.push(Wanted { row, told, not_taken });
        }
        ListedRecord::Imported { since, .. } if now.duration_since(since) > PATIENCE => {
            found.forgotten.insert(row);
        }
        ListedRecord::Named { .. } | ListedRecord::Imported { .. } => {}
    }
}

/// As many as are looked at in one poll: first those that were not told of, then the others, from behind `last` on and around. Pure.
fn in_turn<T>(mut all: Vec<T>, last: Option<&str>, place: impl Fn(&T) -> (bool, String)) -> Vec<T> {
    all.sort_by_cached_key(|one| {
        let (told, row) = place(one);
        let is_past = told && last.is_some_and(|last| row.as_str() <= last);
        (told, is_past, row)
    });
    all.truncate(ASKED_MAX);
    all
}

/// Notes which files are missing.
pub(super) async fn note_looked_for(
    intake: &Intake<'_>,
    tx: &mut Transaction<'_>,
    progress: &mut ProgressRecord,
    absent: &[String],
    forgotten: &BTreeSet<String>,
) -> Result<(), PollError> {
    for row in absent {
        // Unless it was imported meanwhile.
        let Some(ListedRecord::Named { hash, since, told: false, .. }) = tx.get(LISTED, row).await? else {
            continue;
        };
        tx.put(LISTED, row, &ListedRecord::Named { hash, since, told: true, not_taken: None })?;
        progress.files_missing += 1;
        let key = &row[part_key(&intake.source.id, "").len()..];
        progress.find(intake.now(), key, MISSING);
    }
    for row in forgotten {
        tx.delete(LISTED, row);
    }
    Ok(())
}

/// What stands before `AWSLogs/` in the bucket's keys.
fn parent(bucket: &Bucket) -> String {
    match (bucket.prefix.rfind("AWSLogs"), bucket.prefix.as_str()) {
        (Some(at), prefix) => prefix[..at].to_owned(),
        (None, "") => String::new(),
        (None, prefix) => format!("{prefix}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_their_turn() {
        let files: Vec<(bool, String)> =
            (0..250).map(|number| (number >= 20, format!("{number:03}"))).collect();
        let turn = |last: Option<&str>| in_turn(files.clone(), last, Clone::clone);
        let mut last = None;
        let mut seen = BTreeSet::new();
        for _ in 0..3 {
            let asked = turn(last.as_deref());
            assert_eq!(asked.len(), ASKED_MAX);
            assert!(asked[..20].iter().all(|(told, _)| !told), "what was not told of comes first");
            last = asked.last().map(|(_, row)| row.clone());
            seen.extend(asked);
        }
        assert_eq!(seen.len(), 250);
        assert_eq!(turn(last.as_deref())[20].1, "030", "and around");
    }

    #[test]
    fn files_are_waited_for_and_forgotten() {
        let since: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let check = |record: &ListedRecord, hours: i64, want: (usize, usize)| {
            let mut found = Rows::default();
            let now = since + SignedDuration::from_hours(hours);
            sort("row".to_owned(), record.clone(), now, &mut found);
            assert_eq!((found.wanted.len(), found.forgotten.len()), want, "{record:?} after {hours} hours");
        };
        let named = ListedRecord::Named { hash: String::new(), since, told: true, not_taken: None };
        let imported = ListedRecord::Imported { hash: String::new(), since, tag: None, records: 1 };
        check(&named, 0, (1, 0));
        check(&named, 29 * 24, (1, 0));
        check(&named, 31 * 24, (0, 0));
        check(&imported, 47, (0, 0));
        check(&imported, 49, (0, 1));
    }
}
