//! How the Numenta Anomaly Benchmark scores a detector (Lavin and Ahmad, "Evaluating Real-time Anomaly Detection
//! Algorithms", ICMLA 2015).
//!
//! Nouns: a [`Labelled`] series holds the scores a detector gave its points, and the windows in which an anomaly is; a
//! [`Profile`] weighs hits, misses and false alarms; a [`Standing`] is what one threshold earns. The threshold is one for
//! all series. It is found by lowering it point by point, for a detection more never changes what the others earn but
//! within its own window, where the best counts.

/// What is earned and paid: for a window hit, a window missed, and a detection outside of windows.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    pub name: &'static str,
    pub hit: f64,
    pub miss: f64,
    pub false_alarm: f64,
}

/// The benchmark's three application profiles.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", hit: 1.0, miss: 1.0, false_alarm: 0.11 },
    Profile { name: "reward low FP", hit: 1.0, miss: 1.0, false_alarm: 0.22 },
    Profile { name: "reward low FN", hit: 1.0, miss: 2.0, false_alarm: 0.11 },
];

/// The scores of one series; windows are of indexes, both ends inside, in order.
#[derive(Debug, Clone)]
pub struct Labelled {
    pub name: String,
    pub scores: Vec<f64>,
    pub windows: Vec<(usize, usize)>,
}

impl Labelled {
    /// How many points at the start are not scored: 15 %, at most 750.
    pub fn probation(&self) -> usize {
        (self.scores.len() * 15 / 100).min(750)
    }

    /// What a detection at `index` earns before weights, and in which window it is.
    fn worth(&self, index: usize) -> (f64, Option<usize>) {
        let inside = self.windows.iter().position(|&(from, to)| (from..=to).contains(&index));
        if let Some(window) = inside {
            let (from, to) = self.windows[window];
            let width = (to - from + 1) as f64;
            let position = -((to - index + 1) as f64) / width;
            return (sigmoid(position) / sigmoid(-1.0), inside);
        }
        let Some(&(from, to)) = self.windows.iter().rev().find(|&&(_, to)| to < index) else {
            return (-1.0, None);
        };
        let position = (index - to) as f64 / ((to - from) as f64).max(1.0);
        (if position > 3.0 { -1.0 } else { sigmoid(position) }, None)
    }
}

/// 1 far in front of the window's end, 0 at it, -1 far behind.
fn sigmoid(position: f64) -> f64 {
    2.0 / (1.0 + (5.0 * position).exp()) - 1.0
}

/// What one threshold earns over some series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub threshold: f64,
    /// 0 for detecting nothing, 100 for each window at its first point and nothing else.
    pub score: f64,
    pub hits: usize,
    pub false_alarms: usize,
}

/// The best threshold over all series.
pub fn best(series: &[&Labelled], profile: Profile) -> Standing {
    let windows: usize = series.iter().map(|s| s.windows.len()).sum();
    let mut points: Vec<(f64, usize, usize)> = Vec::new();
    for (which, one) in series.iter().enumerate() {
        let scored = one.scores.iter().enumerate().skip(one.probation());
        points.extend(scored.filter(|(_, score)| **score > 0.0).map(|(index, &score)| (score, which, index)));
    }
    points.sort_by(|a, b| b.0.total_cmp(&a.0));

    let mut earned: Vec<Vec<f64>> = series.iter().map(|s| vec![-profile.miss; s.windows.len()]).collect();
    let mut raw = -profile.miss * windows as f64;
    let normal = |raw: f64| {
        let (least, most) = (-profile.miss * windows as f64, profile.hit * windows as f64);
        if most > least { 100.0 * (raw - least) / (most - least) } else { 0.0 }
    };
    let (mut hits, mut false_alarms) = (0, 0);
    let mut best = Standing { threshold: f64::INFINITY, score: 0.0, hits, false_alarms };
    for (place, &(score, which, index)) in points.iter().enumerate() {
        match series[which].worth(index) {
            (worth, Some(window)) => {
                let before = &mut earned[which][window];
                hits += usize::from(*before < 0.0);
                let now = before.max(worth * profile.hit);
                raw += now - *before;
                *before = now;
            }
            (worth, None) => {
                raw += worth * profile.false_alarm;
                false_alarms += 1;
            }
        }
        let last_of_its_score = points.get(place + 1).is_none_or(|next| next.0 < score);
        if last_of_its_score && normal(raw) > best.score {
            best = Standing { threshold: score, score: normal(raw), hits, false_alarms };
        }
    }
    best
}

/// What a given threshold earns over some series. Where there are no windows, the score is minus the weight of the false
/// alarms.
pub fn at(series: &[&Labelled], profile: Profile, threshold: f64) -> Standing {
    let mut standing = Standing { threshold, score: 0.0, hits: 0, false_alarms: 0 };
    let (mut raw, mut windows) = (0.0, 0);
    for one in series {
        let mut earned = vec![-profile.miss; one.windows.len()];
        windows += one.windows.len();
        let scored = one.scores.iter().enumerate().skip(one.probation());
        for (index, _) in scored.filter(|(_, score)| **score >= threshold) {
            match one.worth(index) {
                (worth, Some(window)) => earned[window] = earned[window].max(worth * profile.hit),
                (worth, None) => {
                    raw += worth * profile.false_alarm;
                    standing.false_alarms += 1;
                }
            }
        }
        standing.hits += earned.iter().filter(|worth| **worth >= 0.0).count();
        raw += earned.iter().sum::<f64>();
    }
    let least = -profile.miss * windows as f64;
    let span = (profile.hit + profile.miss) * windows as f64;
    standing.score = if windows == 0 { raw } else { 100.0 * (raw - least) / span };
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 points (15 of probation), windows 20..=29 and 60..=69, detections at the given places.
    #[track_caller]
    fn check(detections: &[usize], profile: Profile, want: f64) {
        let mut scores = vec![0.0; 100];
        for &index in detections {
            scores[index] = 0.7;
        }
        let series = Labelled { name: String::new(), scores, windows: vec![(20, 29), (60, 69)] };
        let standing = at(&[&series], profile, 0.5);
        assert!((standing.score - want).abs() < 0.01, "{} instead of {want}", standing.score);
        let best = best(&[&series], profile);
        assert!((best.score - want.max(0.0)).abs() < 0.01, "best {} instead of {want}", best.score);
    }

    #[test]
    fn worked_by_hand() {
        let [standard, low_fp, low_fn] = PROFILES;
        check(&[], standard, 0.0);
        check(&[20, 60], standard, 100.0);
        // A further hit in a window earns nothing.
        check(&[20, 22, 28, 60], standard, 100.0);
        // One of two windows: the raw sum is 1 - 1, half way from -2 to 2.
        check(&[20], standard, 50.0);
        check(&[20], low_fn, 100.0 * (1.0 - 2.0 + 4.0) / 6.0);
        // The first point of probation costs nothing, the one at 15 stands before any window.
        check(&[3, 20, 60], standard, 100.0);
        check(&[15, 20, 60], standard, 100.0 * (4.0 - 0.11) / 4.0);
        check(&[15, 20, 60], low_fp, 100.0 * (4.0 - 0.22) / 4.0);
        // Half way through, position -0.5: tanh(1.25) / tanh(2.5) = 0.84828 / 0.98661.
        check(&[25, 60], standard, 100.0 * (3.0 + 0.859_79) / 4.0);
        // One point behind a window of ten: position 1/9, -tanh(2.5 / 9) = -0.27085.
        check(&[20, 30, 60], standard, 100.0 * (4.0 - 0.11 * 0.270_85) / 4.0);
        // Further than three window lengths: the whole cost.
        check(&[20, 58, 60], standard, 100.0 * (4.0 - 0.11) / 4.0);
    }
}
