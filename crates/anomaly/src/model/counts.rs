//! The distribution of counts: negative binomial, which is Poisson's where counts vary no more than chance lets them.

use super::robust::normal_above;

/// Counts are followed so far; means are far below.
const COUNT_MAX: u32 = 20_000;
/// A rarer tail is not told apart: the sum of probabilities ends there.
const TAIL_LEAST: f64 = 1e-12;

/// The counts between which a share of them lies that a normal distribution has within `deviations`; `variation` is how
/// much the variance exceeds the mean, in squares of the mean.
pub(super) fn range(mean: f64, variation: f64, deviations: f64) -> (f64, f64) {
    let outside = normal_above(deviations).max(TAIL_LEAST);
    let mean = mean.max(1e-6);
    // Of the negative binomial, with r = 1 / variation: P(0) = (1 + mean / r)^-r, P(k + 1) = P(k) (k + r) / (k + 1) q.
    let variation = variation.max(1e-6);
    let (r, q) = (1.0 / variation, variation * mean / (1.0 + variation * mean));
    let mut probability = (-r * (variation * mean).ln_1p()).exp();
    let (mut below, mut lower) = (probability, None);
    for count in 0..COUNT_MAX {
        if lower.is_none() && below > outside {
            lower = Some(f64::from(count));
        }
        if below >= 1.0 - outside {
            return (lower.unwrap_or(0.0), f64::from(count));
        }
        probability *= (f64::from(count) + r) / (f64::from(count) + 1.0) * q;
        below += probability;
    }
    let deviation = (mean + variation * mean * mean).sqrt();
    ((mean - deviations * deviation).max(0.0), mean + deviations * deviation)
}

/// How much the variance of counts exceeds Poisson's, from pairs of count and mean: moments over all of them, counts
/// beyond `most` held to it.
pub(super) fn variation(pairs: impl Iterator<Item = (f64, f64)>, most: f64) -> f64 {
    let (mut excess, mut squares) = (0.0, 0.0);
    for (count, mean) in pairs {
        let mean = mean.max(1e-3);
        excess += (count.min(most) - mean).powi(2) - mean;
        squares += mean * mean;
    }
    if squares > 0.0 { (excess / squares).clamp(0.0, 100.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        // Poisson, mean 4: P(<= 8) = 0.9786, P(0) = 0.0183, P(<= 1) = 0.0916; two deviations leave 0.02275 outside.
        check(4.0, 0.0, 2.0, (1.0, 8.0));
        // Poisson, mean 0.05: P(0) = 0.951, P(<= 1) = 0.9988.
        check(0.05, 0.0, 2.0, (0.0, 1.0));
        // Geometric (variation 1), mean 1: P(<= k) = 1 - 0.5^(k + 1), so k = 5 leaves 0.0156.
        check(1.0, 1.0, 2.0, (0.0, 5.0));
        check(0.0, 0.0, 3.0, (0.0, 0.0));

        #[track_caller]
        fn check(mean: f64, variation: f64, deviations: f64, want: (f64, f64)) {
            assert_eq!(range(mean, variation, deviations), want);
        }
    }

    #[test]
    fn variation_of_even_counts_is_none() {
        assert_eq!(variation([(4.0, 4.0); 9].into_iter(), 10.0), 0.0);
        // Variance 16 at mean 4: (16 - 4) / 16.
        let wide = [(0.0, 4.0), (8.0, 4.0)];
        assert!((variation(wide.into_iter(), 10.0) - 0.75).abs() < 1e-12);
    }
}
