//! How CloudTrail lays files out in a bucket. Pure.
//!
//! `[prefix/]AWSLogs/[o-organisation/]<account>/CloudTrail/<region>/YYYY/MM/DD/<file>`; digests lie beside, in `CloudTrail-Digest`.
//! Source: CloudTrail user guide, "Finding your CloudTrail log files" and "CloudTrail digest file structure".

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keywatch_api::{AccountId, Region};

use crate::trail::verify::{file_name, is_digest_name, is_log_name};

pub(super) const ROOT: &str = "AWSLogs";
const LOGS: &str = "CloudTrail";
const DIGESTS: &str = "CloudTrail-Digest";
const SUFFIX: &str = ".json.gz";

/// What a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holds {
    Digests,
    Logs,
}

/// The files of one kind of one account and Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub(super) holds: Holds,
    /// Up to and with the Region, without a slash at the end.
    pub(super) path: String,
    pub(super) account: String,
    pub(super) region: String,
}

/// How a path goes on below `AWSLogs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What lies here has to be listed: organisations, accounts, kinds or Regions.
    Above,
    Folder(Folder),
    /// Leads to no log files.
    Elsewhere,
}

/// What a path is that ends at a whole folder name. A path deeper than the Region counts as the folder of its Region, of which it
/// is a part.
pub(super) fn level(path: &str) -> Level {
    let parts: Vec<&str> = path.split('/').collect();
    let Some(at) = parts.iter().rposition(|part| *part == ROOT) else { return Level::Above };
    let mut rest = &parts[at + 1..];
    if let [first, more @ ..] = rest
        && first.starts_with("o-")
    {
        rest = more;
    }
    let is_account = |text: &str| text.parse::<AccountId>().is_ok();
    match rest {
        [] => Level::Above,
        [account] if is_account(account) => Level::Above,
        [account, LOGS | DIGESTS] if is_account(account) => Level::Above,
        [account, kind, region, ..]
            if [LOGS, DIGESTS].contains(kind) && is_account(account) && region.parse::<Region>().is_ok() =>
        {
            let holds = if *kind == LOGS { Holds::Logs } else { Holds::Digests };
            let path = path.to_owned();
            Level::Folder(Folder {
                holds,
                path,
                account: (*account).to_owned(),
                region: (*region).to_owned(),
            })
        }
        _ => Level::Elsewhere,
    }
}

/// Whether a key is one of the folder's kind of file, and the time in its name.
pub(super) fn named_time(holds: Holds, key: &str) -> Option<Timestamp> {
    let name = file_name(key);
    match holds {
        Holds::Logs if is_log_name(name) => log_time(name),
        Holds::Digests if is_digest_name(name) => digest_time(name),
        _ => None,
    }
}

/// `<account>_CloudTrail_<region>_YYYYMMDDTHHmmZ_<suffix>.json.gz`
fn log_time(name: &str) -> Option<Timestamp> {
    let (_, rest) = name.split_once("_CloudTrail_")?;
    let (_, rest) = rest.split_once('_')?;
    let (minute, _) = rest.split_once('_')?;
    moment("%Y%m%dT%H%MZ", minute)
}

/// `<account>_CloudTrail-Digest_<region>_<trail>_<home Region>_YYYYMMDDTHHMMSSZ[_backfill].json.gz`
fn digest_time(name: &str) -> Option<Timestamp> {
    let name = name.strip_suffix(SUFFIX)?;
    let name = name.strip_suffix("_backfill").unwrap_or(name);
    moment("%Y%m%dT%H%M%SZ", name.rsplit('_').next()?)
}

fn moment(form: &str, text: &str) -> Option<Timestamp> {
    Some(DateTime::strptime(form, text).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A key that comes before every file of the folder named `time` or later, and after nearly all others: names of log files begin
/// with their time, those of digests with their trail, so these begin with the day.
pub(super) fn key_before(folder: &Folder, time: Timestamp) -> String {
    let Folder { holds, path, account, region } = folder;
    // A folder below the Region's ends somewhere in the date; the rest is found by listing all of it.
    if file_name(path) != region {
        return String::new();
    }
    let day = time.strftime("%Y/%m/%d");
    match holds {
        Holds::Digests => format!("{path}/{day}"),
        Holds::Logs => {
            let minute = time.strftime("%Y%m%dT%H%M");
            format!("{path}/{day}/{account}_CloudTrail_{region}_{minute}")
        }
    }
}

/// From `AWSLogs/` on: what names an object in digests, wherever a copy of it lies.
pub(super) fn object_tail(key: &str) -> &str {
    key.rfind("AWSLogs/").map_or_else(|| file_name(key), |at| &key[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, want: &str) {
        let got = match level(path) {
            Level::Above => "above".to_owned(),
            Level::Elsewhere => "elsewhere".to_owned(),
            Level::Folder(folder) => format!("{:?} {} {}", folder.holds, folder.account, folder.region),
        };
        assert_eq!(got, want, "{path}");
    }

    #[test]
    fn levels() {
        check("", "above");
        check("some/prefix", "above");
        check("some/AWSLogs", "above");
        check("AWSLogs/o-abcdefghij", "above");
        check("AWSLogs/111122223333", "above");
        check("AWSLogs/111122223333/CloudTrail", "above");
        check("AWSLogs/111122223333/CloudTrail/us-east-1", "Logs 111122223333 us-east-1");
        check("p/AWSLogs/o-a1/111122223333/CloudTrail-Digest/eu-west-1", "Digests 111122223333 eu-west-1");
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11", "Logs 111122223333 us-east-1");
        check("AWSLogs/111122223333/CloudTrail-Insight", "elsewhere");
        check("AWSLogs/111122223333/elasticloadbalancing", "elsewhere");
        check("AWSLogs/readme", "elsewhere");
    }

    #[test]
    fn times_in_names() {
        let time = |holds, name| named_time(holds, name).map(|time| time.to_string()).unwrap_or_default();
        let log = "111122223333_CloudTrail_us-east-1_20261102T0805Z_0123456789abcdef.json.gz";
        let digest = "111122223333_CloudTrail-Digest_us-east-1_my_trail_us-east-1_20261102T090001Z.json.gz";
        let late = "111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20261102T090001Z_backfill.json.gz";
        assert_eq!(time(Holds::Logs, log), "2026-11-02T08:05:00Z");
        assert_eq!(time(Holds::Digests, digest), "2026-11-02T09:00:01Z");
        assert_eq!(time(Holds::Digests, late), "2026-11-02T09:00:01Z");
        assert_eq!(time(Holds::Logs, digest), "");
        assert_eq!(time(Holds::Digests, log), "");
        assert_eq!(time(Holds::Logs, "111122223333_CloudTrail_us-east-1_2026Z_a.json.gz"), "");
    }

    #[test]
    fn a_listing_begins_before_what_is_as_late() {
        let time: Timestamp = "2026-11-02T08:05:59Z".parse().unwrap();
        let folder = |path: &str| match level(path) {
            Level::Folder(folder) => folder,
            other => panic!("{other:?}"),
        };
        let logs = folder("p/AWSLogs/111122223333/CloudTrail/us-east-1");
        let before = key_before(&logs, time);
        let name = "111122223333_CloudTrail_us-east-1";
        let file = |day: &str, minute: &str| format!("{}/{day}/{name}_{minute}_0.json.gz", logs.path);
        assert!(before < file("2026/11/02", "20261102T0805Z"));
        assert!(before < file("2026/12/01", "20261201T0000Z"));
        assert!(before > file("2026/11/02", "20261102T0804Z"));
        assert!(before > file("2026/11/01", "20261101T2359Z"));
        let digests = folder("AWSLogs/111122223333/CloudTrail-Digest/us-east-1");
        assert_eq!(key_before(&digests, time), "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/02");
        assert_eq!(key_before(&folder("AWSLogs/111122223333/CloudTrail/us-east-1/2026"), time), "");
    }
}
