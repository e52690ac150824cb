//! The task of one destination: batches leave in their order, some at once, and are taken away when they have arrived.
//!
//! What fails is tried again, later each time, until it is too old. The pauses are of the world's clock: a destination comes back when it
//! does, whatever a test clock shows.

use std::time::Duration;

use jiff::SignedDuration;
use keywatch_store::{Batch, CommitError, Row, Scan, StoreError, decode};

use super::batch::{BATCH, BatchRecord, id};
use super::destination::Target;
use super::endpoint::{self, Post};
use super::{Inner, Lane, bucket};

/// Batches that leave at once.
const TOGETHER_MAX: usize = 16;
/// Older batches are given up, as Firehose does with those for a bucket.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(24);
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Delivers until the stop.
pub(super) async fn run(inner: &Inner, lane: usize) {
    let lane = &inner.lanes[lane];
    let (mut stop, mut state) = (inner.stop.subscribe(), lane.state.subscribe());
    let mut failures = 0;
    while !*stop.borrow_and_update() {
        if state.borrow_and_update().waiting == 0 {
            tokio::select! {
                changed = state.changed() => if changed.is_err() { return },
                _ = stop.changed() => {}
            }
            continue;
        }
        match deliver(inner, lane).await {
            Ok(gone) => {
                failures = 0;
                lane.state.send_modify(|state| {
                    // Nothing is left where rows were counted that are not there.
                    state.waiting = if gone == 0 { 0 } else { state.waiting.saturating_sub(gone) };
                    state.failing = false;
                });
            }
            Err(reason) => {
                let name = &lane.destination.name;
                tracing::warn!(firehose = %name, reason, "A delivery of metric streams failed and will be tried again");
                lane.state.send_modify(|state| state.failing = true);
                tokio::select! {
                    () = tokio::time::sleep(pause(failures)) => {}
                    _ = stop.changed() => {}
                }
                failures += 1;
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(1 << failures.min(16)).min(PAUSE_MAX)
}

/// Sends the oldest batches; gives how many are gone.
async fn deliver(inner: &Inner, lane: &Lane) -> Result<u64, String> {
    let prefix = lane.destination.prefix();
    let scan = Scan { prefix: &prefix, after: None, limit: TOGETHER_MAX };
    let rows = inner.store.scan(BATCH, scan).await.map_err(text)?;
    let read = |row: Row| Ok((decode::<BatchRecord>(&row.bytes)?, row.key));
    let rows: Vec<(BatchRecord, String)> =
        rows.into_iter().map(read).collect::<Result<_, _>>().map_err(text)?;
    let Some((first, key)) = rows.first() else { return Ok(0) };
    let now = inner.clock.now();
    let mut batch = Batch::default();
    if first.created + AGE_MAX < now {
        tracing::error!(firehose = %lane.destination.name, "A batch of metric streams was given up after a day");
        batch.deletes.push((BATCH, key.clone()));
        return gone(inner, batch, 1).await;
    }
    // A request names one delivery stream, which is of one Region.
    let together: Vec<_> =
        rows.iter().take_while(|(record, _)| record.firehose_arn == first.firehose_arn).collect();
    match &lane.destination.target {
        Target::Bucket { bucket, prefix } => {
            let bytes = together.iter().map(|(record, _)| record.bytes());
            let body = bytes.collect::<Result<Vec<_>, _>>().map_err(text)?.concat();
            let object = (lane.destination.name.as_str(), id(key));
            bucket::write(inner, &mut batch, (bucket, prefix), object, body).await?;
        }
        Target::Endpoint { url, access_key } => {
            let records = together.iter().map(|(record, _)| record.data.as_str()).collect();
            let post = Post { id: id(key), now, firehose_arn: &first.firehose_arn, records };
            endpoint::post(&inner.client, (url, access_key.as_deref()), &post).await?;
        }
    }
    batch.deletes.extend(together.iter().map(|(_, key)| (BATCH, key.clone())));
    let count = together.len() as u64;
    gone(inner, batch, count).await
}

/// Takes batches away.
async fn gone(inner: &Inner, batch: Batch, count: u64) -> Result<u64, String> {
    match inner.store.commit(batch).await {
        // Nothing is demanded that could conflict.
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(count),
        Err(CommitError::Store(error)) => Err(text(error)),
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}
