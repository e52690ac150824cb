//! The benchmark's files: `timestamp,value` rows, and the windows of each.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

/// A series, and the windows in which an anomaly is, as indexes of its points (both ends inside).
#[derive(Debug)]
pub struct Series {
    pub name: String,
    pub points: Vec<(i64, f64)>,
    pub windows: Vec<(usize, usize)>,
}

/// Every labelled series, by name, or `None` where the data is not there or not as it should be.
pub fn all() -> Option<Vec<Series>> {
    let shared = std::env::var_os("KEYWATCH_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = shared.unwrap_or(beside).join("data/nab");
    let windows = std::fs::read_to_string(root.join("windows.json")).ok()?;
    let windows: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&windows).ok()?;
    windows.iter().map(|(name, windows)| one(&root, name, windows)).collect()
}

fn one(root: &Path, name: &str, windows: &serde_json::Value) -> Option<Series> {
    let text = std::fs::read_to_string(root.join(name)).ok()?;
    let rows = text.lines().skip(1).filter(|line| !line.is_empty());
    let points: Option<Vec<(i64, f64)>> = rows
        .map(|line| {
            let (at, value) = line.split_once(',')?;
            Some((seconds(at)?, value.parse().ok()?))
        })
        .collect();
    let points = points?;
    let windows = windows.as_array()?.iter().map(|window| {
        let (from, to) = (seconds(window[0].as_str()?)?, seconds(window[1].as_str()?)?);
        let first = points.iter().position(|(at, _)| *at >= from)?;
        Some((first, points.iter().rposition(|(at, _)| *at <= to)?))
    });
    let windows = windows.collect::<Option<Vec<_>>>()?;
    Some(Series { name: name.to_owned(), points, windows })
}

fn seconds(text: &str) -> Option<i64> {
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
