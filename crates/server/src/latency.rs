//! # How long KMS calls took
//! A record is durable before its call is answered, so it cannot tell how long the answer took; and it has CloudTrail's form. What calls
//! took is therefore gathered here, by operation and minute, and appended to the log as points of `Keywatch/KMS` once a second.
//! **Invariants:** a value is kept to three digits, so an operation has some hundred different ones however many calls there are; the
//! points are those of the account that called. A crash loses the last second's. **Not here:** what becomes of points (`monitor`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use keywatch_api::{AccountId, Region};
use keywatch_monitor::entry::{Body, Point, PointValue, Points};
use keywatch_store::{Append, Batch, Partition, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const NAMESPACE: &str = "Keywatch/KMS";
const METRIC: &str = "Latency";
const EVERY: Duration = Duration::from_secs(1);
/// Accounts, Regions, operations and minutes that are gathered between two flushes; calls of further ones are not timed.
const GATHERED_MAX: usize = 10_000;

/// How long calls took since they were last appended.
#[derive(Debug, Default)]
pub struct Latencies {
    gathered: Mutex<HashMap<Of, BTreeMap<u64, f64>>>,
}

/// Whose calls, of what, in which minute since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Of {
    account: AccountId,
    region: Region,
    operation: &'static str,
    minute: i64,
}

impl Latencies {
    /// A call that began at `now` of the server's clock and took so long.
    pub fn note(
        &self,
        account: &AccountId,
        region: &Region,
        operation: &'static str,
        now: Timestamp,
        took: Duration,
    ) {
        let minute = now.as_second().div_euclid(60);
        let of = Of { account: account.clone(), region: region.clone(), operation, minute };
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.len() < GATHERED_MAX || gathered.contains_key(&of) {
            *gathered.entry(of).or_default().entry(three_digits(took)).or_default() += 1.0;
        }
    }

    /// What was gathered, as log entries of the moment `now`.
    pub fn take(&self, now: Timestamp) -> Vec<Append> {
        let gathered = std::mem::take(&mut *self.gathered.lock().unwrap_or_else(PoisonError::into_inner));
        let mut by_partition: BTreeMap<String, (Partition, Vec<Point>)> = BTreeMap::new();
        for (of, values) in gathered {
            let partition = Partition::new(of.account.as_str(), of.region.as_str());
            let (_, points) =
                by_partition.entry(partition.as_str().to_owned()).or_insert_with(|| (partition, Vec::new()));
            points.push(Point {
                metric_name: METRIC.to_owned(),
                dimensions: vec![("Operation".to_owned(), of.operation.to_owned())],
                time: Timestamp::from_second(of.minute * 60).unwrap_or(now),
                unit: Some("Milliseconds".into()),
                resolution: 60,
                value: PointValue::Many(
                    values.into_iter().map(|(took, count)| (took as f64 / 1_000.0, count)).collect(),
                ),
            });
        }
        let entry =
            |(partition, points)| Points { namespace: NAMESPACE.to_owned(), points }.append(partition, now);
        by_partition.into_values().map(entry).collect()
    }
}

/// Microseconds, of which three digits count.
fn three_digits(took: Duration) -> u64 {
    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    let unit = 10_u64.pow(took.ilog10().saturating_sub(2));
    took / unit * unit
}

/// Appends what was gathered, until it is stopped.
#[derive(Debug)]
pub struct Gathering {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Gathering {
    pub fn start(latencies: Arc<Latencies>, store: Store, clock: Arc<dyn keywatch_api::Clock>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                let stops = tokio::time::timeout(EVERY, stopped.changed()).await.is_ok();
                append(&latencies, &store, clock.now()).await;
                if stops {
                    return;
                }
            }
        });
        Self { stop, task }
    }

    /// Waits until everything is appended.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "What was known of latencies did not end in order");
        }
    }
}

async fn append(latencies: &Latencies, store: &Store, now: Timestamp) {
    let appends = latencies.take(now);
    if appends.is_empty() {
        return;
    }
    if let Err(error) = store.commit(Batch { appends, ..Batch::default() }).await {
        tracing::warn!(%error, "How long the last second's calls took could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_kept() {
        for (took, want) in
            [(0, 1), (7, 7), (999, 999), (1_234, 1_230), (98_765, 98_700), (1_000_001, 1_000_000)]
        {
            assert_eq!(three_digits(Duration::from_micros(took)), want, "{took}");
        }
    }

    #[test]
    fn calls_are_gathered_by_whose_what_and_when() {
        let (account, other) = ("111122223333".parse().unwrap(), "444455556666".parse().unwrap());
        let region = "us-east-1".parse().unwrap();
        let now: Timestamp = "2026-11-23T00:00:30Z".parse().unwrap();
        let latencies = Latencies::default();
        for took in [1_500, 1_500, 20_000] {
            latencies.note(&account, &region, "Encrypt", now, Duration::from_micros(took));
        }
        latencies.note(&other, &region, "Encrypt", now, Duration::from_micros(1_500));
        let appends = latencies.take(now);
        let partitions: Vec<&str> = appends.iter().map(|append| append.partition.as_str()).collect();
        assert_eq!(partitions, ["111122223333/us-east-1", "444455556666/us-east-1"]);
        assert!(latencies.take(now).is_empty());
        let entry = keywatch_store::LogEntry {
            seq: 1,
            kind: appends[0].kind,
            time: now,
            partition: appends[0].partition.clone(),
            bytes: appends[0].bytes.clone(),
        };
        let points = Points::read(&entry).unwrap();
        assert_eq!(points.namespace, "Keywatch/KMS");
        let [point] = points.points.try_into().unwrap();
        let _: &Point = &point;
        assert_eq!(point.value, PointValue::Many(vec![(1.5, 2.0), (20.0, 1.0)]));
        assert_eq!(point.dimensions, [("Operation".to_owned(), "Encrypt".to_owned())]);
        assert_eq!(point.time.to_string(), "2026-11-23T00:00:00Z");
    }
}
