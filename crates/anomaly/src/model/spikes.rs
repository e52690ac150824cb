//! Spikes that belong to a metric: far from what is usual, and back in most hours, days or weeks at the same time.
//!
//! Medians leave them out of the seasons, as they do anomalies. Where a metric is known to have them, the band reaches as
//! far as they do, in the parts of the cycle in which they come.

use super::season::WEEK_START;

/// So many spreads away is far.
const FAR: f64 = 3.0;
/// Two of three cycles must have the spike.
const OF_CYCLES: (usize, usize) = (2, 3);

/// How far spikes reach in each part of a cycle.
#[derive(Debug, Clone)]
pub(super) struct Spikes {
    cycle: i64,
    part: i64,
    below: Vec<Reach>,
    above: Vec<Reach>,
}

/// Mean and standard deviation of the distances of a part's spikes; both 0 where there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Reach {
    mean: f64,
    deviation: f64,
}

/// A local time, how far the value is from what is expected then, and the usual distance.
pub(super) type Residual = (i64, f64, f64);

impl Spikes {
    /// Looks for spikes in residuals in order of time; none where no part has any. `least` is how many cycles must be known.
    pub(super) fn learn(residuals: &[Residual], cycle: i64, part: i64, least: usize) -> Option<Self> {
        let parts = usize::try_from(cycle / part).unwrap_or(1).max(1);
        let mut spikes =
            Self { cycle, part, below: vec![Reach::default(); parts], above: vec![Reach::default(); parts] };
        let mut extremes: Vec<Vec<(f64, f64)>> = vec![Vec::new(); parts];
        let mut before = None;
        for (local, residual, spread) in residuals {
            let (which, place) =
                (local.saturating_sub(WEEK_START).div_euclid(cycle.max(1)), spikes.place(*local));
            // What is near is no spike, however large other distances are.
            let far = if residual.abs() > FAR * spread { *residual } else { 0.0 };
            if before != Some((which, place)) {
                extremes[place].push((0.0, 0.0));
                before = Some((which, place));
            }
            if let Some((lowest, highest)) = extremes[place].last_mut() {
                (*lowest, *highest) = (lowest.min(far), highest.max(far));
            }
        }
        for (place, of_part) in extremes.iter().enumerate().filter(|(_, of_part)| of_part.len() >= least) {
            spikes.below[place] = Reach::of(of_part.iter().map(|(lowest, _)| -lowest), of_part.len());
            spikes.above[place] = Reach::of(of_part.iter().map(|(_, highest)| *highest), of_part.len());
        }
        let has_any = |reaches: &[Reach]| reaches.iter().any(|reach| *reach != Reach::default());
        (has_any(&spikes.below) || has_any(&spikes.above)).then_some(spikes)
    }

    fn place(&self, local: i64) -> usize {
        let place = local.saturating_sub(WEEK_START).rem_euclid(self.cycle.max(1)) / self.part.max(1);
        usize::try_from(place).unwrap_or(0).min(self.above.len().saturating_sub(1))
    }

    /// How far below and above what is expected spikes reach at a local time.
    pub(super) fn reach(&self, local: i64, deviations: f64) -> (f64, f64) {
        let place = self.place(local);
        let reach = |reach: Reach| reach.mean + deviations * reach.deviation;
        (reach(self.below[place]), reach(self.above[place]))
    }
}

impl Reach {
    /// Of the distances of so many cycles, 0 in those without a spike.
    fn of(distances: impl Iterator<Item = f64>, cycles: usize) -> Self {
        let far: Vec<f64> = distances.filter(|distance| *distance > 0.0).collect();
        if far.is_empty() || far.len() * OF_CYCLES.1 < cycles * OF_CYCLES.0 {
            return Self::default();
        }
        let count = far.len() as f64;
        let mean = far.iter().sum::<f64>() / count;
        let variance = far.iter().map(|distance| (distance - mean).powi(2)).sum::<f64>() / count;
        Self { mean, deviation: variance.sqrt() }
    }
}
