//! Calls by operation: how they ended and how long they took.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use foldhash::fast::RandomState;
use keywatch_api::{OperationInfo, Service, operation};
use keywatch_telemetry::{Family, Histogram, Kind, Value};

/// Upper bounds of the durations that are counted together, in seconds.
pub const DURATIONS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How a call ended.
const OUTCOMES: [&str; 3] = ["success", "refused", "failed"];

/// Every operation of every service with its counts.
#[derive(Debug)]
pub struct Calls {
    places: HashMap<(Service, &'static str), usize, RandomState>,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    info: OperationInfo,
    outcomes: [AtomicU64; OUTCOMES.len()],
    durations: [AtomicU64; DURATIONS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Calls {
    pub(super) fn new() -> Self {
        let operation = |info| Operation {
            info,
            outcomes: Default::default(),
            durations: Default::default(),
            nanoseconds: AtomicU64::new(0),
        };
        let operations: Vec<Operation> = operation::all().into_iter().map(operation).collect();
        let place =
            |(at, operation): (usize, &Operation)| ((operation.info.service, operation.info.name), at);
        Self { places: operations.iter().enumerate().map(place).collect(), operations }
    }

    /// The number of an operation, the same while the process lives.
    pub(super) fn place(&self, info: &OperationInfo) -> Option<usize> {
        self.places.get(&(info.service, info.name)).copied()
    }

    /// The operation of a number.
    pub(super) fn info(&self, place: usize) -> &OperationInfo {
        &self.operations[place].info
    }

    pub(super) fn count(&self, info: &OperationInfo, status: Option<u16>, took: Duration) {
        let Some(place) = self.place(info) else { return };
        let operation = &self.operations[place];
        let outcome = match status {
            None => 0,
            Some(..500) => 1,
            Some(_) => 2,
        };
        operation.outcomes[outcome].fetch_add(1, Relaxed);
        operation.durations[bucket(took.as_secs_f64())].fetch_add(1, Relaxed);
        operation.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// What there is to tell of the operations that were called.
    pub fn families(&self) -> [Family; 2] {
        let mut requests = Family::new(
            "keywatch_requests",
            Kind::Counter,
            "Calls by service, operation and outcome; refused is the caller's mistake, failed is ours.",
        );
        let mut durations = Family::new(
            "keywatch_request_duration_seconds",
            Kind::Histogram,
            "From routing a call to its answer, with its record durable.",
        )
        .in_unit("seconds");
        for operation in &self.operations {
            let labels =
                [("service", operation.info.service.signing_name()), ("operation", operation.info.name)];
            let counts: Vec<u64> = operation.durations.iter().map(|count| count.load(Relaxed)).collect();
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            for (outcome, count) in OUTCOMES.iter().zip(&operation.outcomes) {
                let count = count.load(Relaxed);
                if count > 0 {
                    let labels = [labels[0], labels[1], ("outcome", outcome)];
                    requests.push(&labels, Value::Number(count as f64));
                }
            }
            let sum = operation.nanoseconds.load(Relaxed) as f64 / 1e9;
            durations.push(&labels, Value::Histogram(Histogram { bounds: &DURATIONS, counts, sum }));
        }
        [requests, durations]
    }
}

fn bucket(seconds: f64) -> usize {
    DURATIONS.iter().position(|bound| seconds <= *bound).unwrap_or(DURATIONS.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_api::kms::KmsOperation;

    #[test]
    fn durations_fall_into_buckets() {
        for (seconds, expected) in [(0.0, 0), (0.0005, 0), (0.0006, 1), (10.0, 13), (10.1, 14)] {
            assert_eq!(bucket(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn calls_are_counted_by_operation_and_outcome() {
        let calls = Calls::new();
        let info = KmsOperation::Decrypt.info();
        for status in [None, None, Some(400), Some(500)] {
            calls.count(&info, status, Duration::from_millis(3));
        }
        let [requests, durations] = calls.families();
        let shown: Vec<_> = requests
            .samples
            .iter()
            .map(|sample| (sample.labels[2].1.as_str(), sample.value.clone()))
            .collect();
        let number = Value::Number;
        assert_eq!(shown, [("success", number(2.0)), ("refused", number(1.0)), ("failed", number(1.0))]);
        let Value::Histogram(histogram) = &durations.samples[0].value else { panic!("a histogram") };
        assert_eq!((durations.samples.len(), histogram.count()), (1, 4));
    }
}
