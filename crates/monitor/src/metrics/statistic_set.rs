//! # Statistic sets: what one period of one metric holds
//! A **statistic set** is the count, sum, minimum and maximum of the samples of a period, plus what is known of the samples
//! themselves (a **distribution**), so that percentiles and trimmed statistics can be read later. Sets of the same metric merge
//! in any order to the same figures.
//! **Invariants:** `count > 0`; without a distribution every sample equals `minimum`, which then equals `maximum`.
//! **Not here:** statistics by name (`statistics.rs`), storage (`packed.rs`, `stream.rs`).

/// More distinct values than this and a distribution keeps logarithmic buckets instead of the values.
pub const EXACT_VALUES_MAX: usize = 64;
/// Width of a logarithmic bucket: each bucket ends at this multiple of its start, as CloudWatch's own percentiles suggest.
pub const BUCKET_GROWTH: f64 = 1.1;
/// The bucket of samples equal to zero.
const ZERO_BUCKET: i16 = i16::MIN;

/// The samples of one period. See the module for the invariants.
#[derive(Debug, Clone, PartialEq)]
pub struct StatisticSet {
    /// How many samples; fractional counts are allowed by `PutMetricData`.
    pub count: f64,
    pub sum: f64,
    pub minimum: f64,
    pub maximum: f64,
    /// What is known of the samples when they are not all equal. It may cover fewer than `count` of them.
    pub distribution: Option<Box<Distribution>>,
}

impl StatisticSet {
    /// `count` samples that all equal `value`.
    pub fn uniform(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, minimum: value, maximum: value, distribution: None }
    }

    /// A set of which only the four figures are known; equal samples are recognised by `Minimum == Maximum`.
    ///
    /// Source: `PutMetricData`, percentile statistics need `SampleCount` 1 or a minimum equal to the maximum.
    pub fn summary(count: f64, sum: f64, minimum: f64, maximum: f64) -> Self {
        let equal = minimum == maximum && (sum - minimum * count).abs() <= sum.abs() * 1e-12;
        let distribution = if equal { None } else { Some(Box::new(Distribution::Exact(Vec::new()))) };
        Self { count, sum, minimum, maximum, distribution }
    }

    /// A set of values and how often each occurred; counts of zero are left out. `None` when nothing is left.
    pub fn of_values(values: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut sets = values.into_iter().filter(|(_, count)| *count > 0.0).map(|(v, c)| Self::uniform(v, c));
        let mut all = sets.next()?;
        for set in sets {
            all.merge(&set);
        }
        Some(all)
    }

    /// Adds the samples of `other`.
    pub fn merge(&mut self, other: &Self) {
        let stays_uniform =
            self.distribution.is_none() && other.distribution.is_none() && self.minimum == other.minimum;
        if !stays_uniform {
            let mut mine = match self.distribution.take() {
                Some(known) => known,
                None => Box::new(Distribution::Exact(vec![(self.minimum, self.count)])),
            };
            match &other.distribution {
                Some(theirs) => mine.merge(theirs),
                None => mine.add(other.minimum, other.count),
            }
            self.distribution = Some(mine);
        }
        self.count += other.count;
        self.sum += other.sum;
        self.minimum = self.minimum.min(other.minimum);
        self.maximum = self.maximum.max(other.maximum);
    }

    /// The known samples in rising order, as spans of equal weight.
    pub(super) fn spans(&self) -> Vec<Span> {
        match self.distribution.as_deref() {
            None => vec![Span { low: self.minimum, high: self.minimum, count: self.count }],
            Some(Distribution::Exact(values)) => {
                values.iter().map(|&(value, count)| Span { low: value, high: value, count }).collect()
            }
            Some(Distribution::Buckets(buckets)) => buckets
                .iter()
                .map(|&(bucket, count)| {
                    let (low, high) = bucket_bounds(bucket);
                    Span {
                        low: low.clamp(self.minimum, self.maximum),
                        high: high.clamp(self.minimum, self.maximum),
                        count,
                    }
                })
                .collect(),
        }
    }
}

/// Samples between `low` and `high`; equal bounds mean equal samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) count: f64,
}

impl Span {
    /// The value that stands for all samples of the span.
    pub(super) fn middle(&self) -> f64 {
        if self.low == self.high { self.low } else { (self.low * self.high).sqrt() }
    }

    /// The value below which the given share (0 to 1) of the span lies, on a logarithmic scale.
    pub(super) fn at(&self, share: f64) -> f64 {
        if self.low == self.high || self.low <= 0.0 {
            self.high
        } else {
            self.low * (self.high / self.low).powf(share)
        }
    }
}

/// Samples by value: exact while they are few, in logarithmic buckets afterwards.
#[derive(Debug, Clone, PartialEq)]
pub enum Distribution {
    /// Distinct values in rising order, each with its count.
    Exact(Vec<(f64, f64)>),
    /// Bucket numbers in rising order, each with its count. Negative samples are dropped: with one of them in a period
    /// CloudWatch has no percentiles, which readers see from the set's minimum.
    Buckets(Vec<(i16, f64)>),
}

impl Distribution {
    fn add(&mut self, value: f64, count: f64) {
        match self {
            Self::Exact(values) => {
                match values.binary_search_by(|(known, _)| known.total_cmp(&value)) {
                    Ok(at) => values[at].1 += count,
                    Err(at) => values.insert(at, (value, count)),
                }
                if values.len() > EXACT_VALUES_MAX {
                    self.coarsen();
                }
            }
            Self::Buckets(buckets) => {
                if let Some(bucket) = bucket_of(value) {
                    add_to_bucket(buckets, bucket, count);
                }
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match other {
            Self::Exact(values) => {
                for &(value, count) in values {
                    self.add(value, count);
                }
            }
            Self::Buckets(theirs) => {
                self.coarsen();
                if let Self::Buckets(mine) = self {
                    for &(bucket, count) in theirs {
                        add_to_bucket(mine, bucket, count);
                    }
                }
            }
        }
    }

    fn coarsen(&mut self) {
        if let Self::Exact(values) = self {
            let mut buckets = Vec::new();
            for &(value, count) in values.iter() {
                if let Some(bucket) = bucket_of(value) {
                    add_to_bucket(&mut buckets, bucket, count);
                }
            }
            *self = Self::Buckets(buckets);
        }
    }
}

fn add_to_bucket(buckets: &mut Vec<(i16, f64)>, bucket: i16, count: f64) {
    match buckets.binary_search_by_key(&bucket, |(known, _)| *known) {
        Ok(at) => buckets[at].1 += count,
        Err(at) => buckets.insert(at, (bucket, count)),
    }
}

/// The bucket of a sample; none for negative samples. Values reach 2^360, so bucket numbers stay within ±7,900.
fn bucket_of(value: f64) -> Option<i16> {
    if value == 0.0 {
        return Some(ZERO_BUCKET);
    }
    (value > 0.0).then(|| (value.ln() / BUCKET_GROWTH.ln()).floor() as i16)
}

fn bucket_bounds(bucket: i16) -> (f64, f64) {
    if bucket == ZERO_BUCKET {
        return (0.0, 0.0);
    }
    (BUCKET_GROWTH.powi(bucket.into()), BUCKET_GROWTH.powi(i32::from(bucket) + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_stay_without_a_distribution() {
        let mut set = StatisticSet::uniform(1.0, 3.0);
        set.merge(&StatisticSet::uniform(1.0, 4.0));
        assert_eq!(set, StatisticSet::uniform(1.0, 7.0));
    }

    #[test]
    fn merging_is_the_same_in_either_order() {
        let parts = [
            StatisticSet::uniform(4.0, 2.0),
            StatisticSet::summary(3.0, 9.0, 1.0, 5.0),
            StatisticSet::uniform(0.0, 1.0),
            StatisticSet::of_values((1..=100).map(|n| (f64::from(n), 1.0))).unwrap(),
        ];
        let merged = |order: &[usize]| {
            let mut all = parts[order[0]].clone();
            for &at in &order[1..] {
                all.merge(&parts[at]);
            }
            all
        };
        assert_eq!(merged(&[0, 1, 2, 3]), merged(&[3, 2, 1, 0]));
        assert_eq!(merged(&[0, 1, 2, 3]).count, 106.0);
        assert_eq!(merged(&[0, 1, 2, 3]).minimum, 0.0);
    }

    #[test]
    fn a_summary_of_equal_samples_is_uniform() {
        assert!(StatisticSet::summary(1.0, 7.5, 7.5, 7.5).distribution.is_none());
        assert!(StatisticSet::summary(3.0, 6.0, 2.0, 2.0).distribution.is_none());
        assert!(StatisticSet::summary(3.0, 6.0, 1.0, 3.0).spans().is_empty());
    }

    #[test]
    fn many_values_become_buckets_and_keep_their_count() {
        let set = StatisticSet::of_values((0..1000).map(|n| (f64::from(n), 1.0))).unwrap();
        assert!(matches!(set.distribution.as_deref(), Some(Distribution::Buckets(_))));
        assert_eq!(set.spans().iter().map(|span| span.count).sum::<f64>(), 1000.0);
        assert!(set.spans().iter().all(|span| span.high <= 999.0));
    }

    #[test]
    fn counts_of_zero_are_no_samples() {
        assert_eq!(StatisticSet::of_values([(5.0, 0.0)]), None);
        assert_eq!(StatisticSet::of_values([(5.0, 0.0), (1.0, 2.0)]), Some(StatisticSet::uniform(1.0, 2.0)));
    }
}
