//! What names tell: which files are digests and log files, and which time a log file is from. Pure.

use std::collections::HashMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::trail::digest::document::Digest;

/// The last part of a key or path.
pub fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// `<account>_CloudTrail-Digest_…`
pub fn is_digest_name(name: &str) -> bool {
    has_account_and(name, "_CloudTrail-Digest_")
}

/// `<account>_CloudTrail_…`
pub fn is_log_name(name: &str) -> bool {
    has_account_and(name, "_CloudTrail_")
}

fn has_account_and(name: &str, kind: &str) -> bool {
    name.split_once(kind)
        .is_some_and(|(account, _)| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        && name.ends_with(".json.gz")
}

/// Whether a path, however long, ends as an object's key does: from `AWSLogs/` on, or in its name alone when the path has no such
/// folder.
pub fn is_same_place(path: &str, object: &str) -> bool {
    let tail = |text: &str| text.rfind("AWSLogs/").map(|at| text[at..].to_owned());
    match (tail(path), tail(object)) {
        (Some(path), Some(object)) => path == object,
        _ => file_name(path) == file_name(object),
    }
}

/// The times that digests cover, by account and Region.
#[derive(Debug, Default)]
pub struct Coverage {
    spans: HashMap<(String, String), Vec<(Timestamp, Timestamp)>>,
}

impl Coverage {
    pub fn add(&mut self, digest: &Digest) {
        let times = (digest.digest_start_time.parse(), digest.digest_end_time.parse());
        if let (Some(name), (Ok(start), Ok(end))) = (digest.chain_name(), times) {
            self.spans.entry((name.account, name.region)).or_default().push((start, end));
        }
    }

    /// Whether a log file was surely delivered in a time that a digest covers. Its name tells the minute, so those of the first
    /// and last minute may belong to another time.
    pub fn covers(&self, log_name: &str) -> bool {
        let Some((place, start)) = delivered(log_name) else { return false };
        let end = start + SignedDuration::from_mins(1);
        self.spans
            .get(&place)
            .is_some_and(|spans| spans.iter().any(|(from, to)| *from <= start && end <= *to))
    }
}

/// Account, Region and minute of `<account>_CloudTrail_<region>_YYYYMMDDTHHmmZ_<suffix>.json.gz`.
fn delivered(log_name: &str) -> Option<((String, String), Timestamp)> {
    let (account, rest) = log_name.split_once("_CloudTrail_")?;
    let (region, rest) = rest.split_once('_')?;
    let (minute, _) = rest.split_once('_')?;
    let time = DateTime::strptime("%Y%m%dT%H%MZ", minute).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(((account.to_owned(), region.to_owned()), time.timestamp()))
}
