//! The trails that delivery serves: those there are, and those that ended with something left to deliver.

use jiff::Timestamp;
use keywatch_store::{Kind, Partition, Scan, Seq, Store, StoreError, decode};

use super::stored_delivery;
use crate::trail::record::{ENDED, TRAIL, TrailRecord};

const ROWS_AT_ONCE: usize = 1_000;

/// A trail and how delivery stands to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// The row of the trail.
    pub(super) row: String,
    /// The row of [`ENDED`], for a trail that was deleted or started anew.
    pub(super) ended: Option<String>,
    pub(super) trail: TrailRecord,
    /// It has stopped, and everything it logged is delivered.
    pub(super) settled: bool,
}

/// All of them; of those with one row the earlier one first.
pub(super) async fn load(store: &Store) -> Result<Vec<Served>, StoreError> {
    let mut all = Vec::new();
    for (ended, trail) in rows(store, ENDED).await? {
        let row = ended.rsplit_once('/').map_or("", |(row, _)| row).to_owned();
        all.push(Served { row, ended: Some(ended), trail, settled: false });
    }
    for (row, trail) in rows(store, TRAIL).await? {
        let settled = stored_delivery(store, &row).await?.has_settled(&trail);
        all.push(Served { row, ended: None, trail, settled });
    }
    all.sort_by(|one, other| {
        (&one.row, one.ended.is_none(), one.trail.started).cmp(&(
            &other.row,
            other.ended.is_none(),
            other.trail.started,
        ))
    });
    Ok(all)
}

async fn rows(store: &Store, kind: Kind) -> Result<Vec<(String, TrailRecord)>, StoreError> {
    let mut all: Vec<(String, TrailRecord)> = Vec::new();
    loop {
        let after = all.last().map(|(key, _)| key.clone());
        let scan = Scan { prefix: "", after: after.as_deref(), limit: ROWS_AT_ONCE };
        let rows = store.scan(kind, scan).await?;
        let complete = rows.len() < ROWS_AT_ONCE;
        for row in rows {
            all.push((row.key, decode(&row.bytes)?));
        }
        if complete {
            return Ok(all);
        }
    }
}

impl Served {
    /// It logged once, and does no more.
    pub(super) fn is_stopped(&self) -> bool {
        self.trail.started.is_some() && !self.trail.is_logging()
    }

    /// Whether a record belongs to it.
    pub(super) fn takes(&self, partition: &Partition, time: Timestamp, seq: Seq) -> bool {
        let while_logging = self.trail.is_logging() || self.trail.is_before_stop(time, seq);
        !self.settled && while_logging && self.trail.covers(partition) && self.trail.is_after_start(time, seq)
    }
}
