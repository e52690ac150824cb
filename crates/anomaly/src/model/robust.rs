//! Middles and spreads that a minority of wild values does not move.

/// The median of some values, 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value that a `share` of the values is at or below, 0 of none.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let place = ((values.len() - 1) as f64 * share).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The spread that would be a normal distribution's standard deviation: from the median distance, or where more than half
/// of the values are alike from the mean distance, values beyond the 98th percentile held to it.
pub(super) fn spread(residuals: impl Iterator<Item = f64>) -> f64 {
    let mut distances: Vec<f64> = residuals.map(f64::abs).collect();
    let middle = median(&mut distances);
    if middle > 0.0 {
        return 1.4826 * middle;
    }
    1.2533 * held_mean(&mut distances)
}

/// The mean, values held to the range of the middle 96 of 100.
pub(super) fn held_mean(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (low, high) = (quantile(values, 0.02), quantile(values, 0.98));
    values.iter().map(|value| value.clamp(low, high)).sum::<f64>() / values.len() as f64
}

/// The share of a normal distribution above `deviations` standard deviations: Chebyshev fit of the complementary error
/// function (Press et al., "Numerical Recipes", 6.2.2), relative error below 1.2e-7.
pub(super) fn normal_above(deviations: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let z = deviations.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    let polynomial = FIT.iter().rev().fold(0.0, |sum, term| sum * t + term);
    let above = 0.5 * t * (-z * z + polynomial).exp();
    if deviations >= 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_moves_nothing() {
        let mut values = [1.0, 2.0, 3.0, 4.0, 1e9];
        assert_eq!(median(&mut values), 3.0);
        assert_eq!(quantile(&mut values, 0.0), 1.0);
        assert_eq!(median(&mut []), 0.0);
        assert!((spread([-2.0, -1.0, 0.0, 1.0, 1e9].into_iter()) - 1.4826).abs() < 1e-9);
        assert_eq!(spread(std::iter::repeat_n(0.0, 9)), 0.0);
    }

    #[test]
    fn the_normal_distribution() {
        for (deviations, want) in
            [(0.0, 0.5), (1.0, 0.158_655_25), (2.0, 0.022_750_13), (3.0, 0.001_349_898), (-1.0, 0.841_344_7)]
        {
            let got = normal_above(deviations);
            assert!((got - want).abs() < 1e-7, "{deviations}: {got}");
        }
    }
}
