//! How a folder's cursor moves. Pure.

use jiff::SignedDuration;

use super::layout::{Folder, key_before, named_time};
use super::record::CursorRecord;

/// Keys kept of those read within a look-back; beyond, the oldest are forgotten, and read again if they are listed again, which
/// changes nothing.
const RECENT_MAX: usize = 8_192;

impl CursorRecord {
    /// The key after which a listing begins; empty for the beginning.
    pub(super) fn start(&self, folder: &Folder, look_back: SignedDuration) -> String {
        let from = self.newest.and_then(|newest| newest.checked_sub(look_back).ok());
        from.map_or_else(String::new, |from| key_before(folder, from))
    }

    /// Whether a listed key is a file of the folder's kind that was not read yet.
    pub(super) fn is_new(&self, folder: &Folder, key: &str) -> bool {
        named_time(folder.holds, key).is_some() && !self.recent.contains(within(folder, key))
    }

    /// Notes that a file was read.
    pub(super) fn pass(&mut self, folder: &Folder, key: &str, look_back: SignedDuration) {
        let Some(time) = named_time(folder.holds, key) else { return };
        self.newest = self.newest.max(Some(time));
        self.recent.insert(within(folder, key).to_owned());
        let start = self.start(folder, look_back);
        let start = within(folder, &start).to_owned();
        self.recent = self.recent.split_off(&start);
        while self.recent.len() > RECENT_MAX {
            self.recent.pop_first();
        }
    }
}

fn within<'k>(folder: &Folder, key: &'k str) -> &'k str {
    key.strip_prefix(folder.path.as_str()).unwrap_or(key).trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Level, level};
    use super::*;

    #[test]
    fn late_files_are_found_and_none_twice() {
        let Level::Folder(folder) = level("AWSLogs/111122223333/CloudTrail/us-east-1") else {
            panic!("a folder")
        };
        let key = |day: &str, minute: &str| {
            format!("{}/{day}/111122223333_CloudTrail_us-east-1_{minute}_a.json.gz", folder.path)
        };
        let hour = SignedDuration::from_hours(1);
        let mut cursor = CursorRecord::default();
        assert_eq!(cursor.start(&folder, hour), "");
        let (first, second) = (key("2026/11/02", "20261102T0001Z"), key("2026/11/02", "20261102T0030Z"));
        let late = key("2026/11/01", "20261101T2340Z");
        cursor.pass(&folder, &first, hour);
        cursor.pass(&folder, &second, hour);
        let start = cursor.start(&folder, hour);
        assert!(start < late && cursor.is_new(&folder, &late), "{start}");
        assert!(!cursor.is_new(&folder, &first) && !cursor.is_new(&folder, &second));
        cursor.pass(&folder, &late, hour);
        assert!(!cursor.is_new(&folder, &late));
        assert_eq!(cursor.start(&folder, hour), start, "a late file does not move the cursor back");
        assert!(!cursor.is_new(&folder, "AWSLogs/111122223333/CloudTrail/us-east-1/readme.txt"));
        // Keys before the look-back are not listed any more, so they need not be kept.
        cursor.pass(&folder, &key("2026/11/02", "20261102T0115Z"), hour);
        assert_eq!(cursor.recent.len(), 2, "{:?}", cursor.recent);
    }
}
