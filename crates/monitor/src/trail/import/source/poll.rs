//! One poll of one source, from its row to its schedule.

use jiff::SignedDuration;
use keywatch_history::HistoryError;
use keywatch_store::{CommitError, Expect, StoreError, Transaction, decode};

use super::http::Guarded;
use super::intake::Intake;
use super::location::Location;
use super::record::{SCHEDULE, SOURCE, ScheduleRecord, SourceRecord};
use super::{Inner, directory, listing, queue};
use crate::trail::import::take_in::TakeInError;

/// Why a poll ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum PollError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The source, or the way to it.
    #[error("{0}")]
    Remote(String),
    /// Somebody deleted the source.
    #[error("the source is gone")]
    Gone,
    #[error("the server stops")]
    Stopping,
}

impl From<TakeInError> for PollError {
    fn from(error: TakeInError) -> Self {
        match error {
            TakeInError::Store(error) => Self::Store(error),
            TakeInError::History(error) => Self::History(error),
        }
    }
}

/// Polls the source in row `key`, and says when to come back. Errors are the store's.
pub(super) async fn poll(inner: &Inner, key: &str) -> Result<(), StoreError> {
    let Some(row) = inner.store.get(SOURCE, key).await? else { return Ok(()) };
    let source: SourceRecord = decode(&row.bytes)?;
    let schedule = inner.store.get(SCHEDULE, key).await?;
    let schedule: Option<ScheduleRecord> = schedule.map(|row| decode(&row.bytes)).transpose()?;
    let is_first = schedule.is_some_and(|schedule| schedule.last_success.is_none());
    let metering = inner.meters.begin(&source.id);
    let outcome = work(inner, &source, is_first).await;
    drop(metering);
    let error = match outcome {
        Ok(()) => None,
        // It is polled again from where it stands after the next start.
        Err(PollError::Stopping | PollError::Gone) => return Ok(()),
        Err(PollError::Store(error)) => return Err(error),
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = &error {
        tracing::warn!(source.name = %source.name, source.location = %source.location, error, "An import source could not be polled; it will be tried again");
    }
    let every = (!source.once).then(|| SignedDuration::from_secs(source.poll_seconds));
    let mut tx = Transaction::new(&inner.store);
    let Some(schedule) = tx.get::<ScheduleRecord>(SCHEDULE, key).await? else { return Ok(()) };
    tx.put(SCHEDULE, key, &schedule.after(inner.clock.now(), every, error))?;
    // A source that was made anew meanwhile has a schedule of its own.
    tx.required.insert((SOURCE, key.to_owned()), Expect::Version(row.version));
    match tx.commit().await {
        Ok(_) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// What is to come is counted at first, when somebody may be waiting for it.
async fn work(inner: &Inner, source: &SourceRecord, is_first: bool) -> Result<(), PollError> {
    let http = || Guarded::new(inner.reach).map_err(|error| PollError::Remote(error.0));
    match &source.location {
        Location::Directory(path) => {
            let intake = Intake::new(inner, source, None);
            directory::poll(inner, &intake, path).await
        }
        Location::Bucket { bucket, prefix } => {
            let http = http()?;
            let bucket = super::bucket::Bucket::of(source, (bucket, prefix), http.clone(), &inner.keyring)?;
            let intake = Intake { is_counted: is_first, ..Intake::new(inner, source, Some(&http)) };
            match &source.queue_url {
                Some(url) => queue::poll(&intake, &bucket, &http, url).await,
                None => listing::poll(&intake, &bucket).await,
            }
        }
    }
}
