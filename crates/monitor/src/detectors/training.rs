//! When models are trained, and on which points. Pure.
//!
//! Time is cut into **terms**: an hour each, beginning at a minute of the hour that follows from the identity, so that
//! thousand models are not trained at once. A model is trained on the two weeks before its term and serves the times in it.
//! What asks about a long time is served by longer terms, so that a picture of a year does not train thousands.

use super::Identity;
use crate::metrics::{Second, span::DAY_SECONDS};

/// A model is trained again so often, in seconds.
pub(super) const TERM: Second = 3_600;
/// The lengths of terms. The last one is longer than anything is kept.
const TERMS: [Second; 6] =
    [TERM, DAY_SECONDS, 7 * DAY_SECONDS, 28 * DAY_SECONDS, 112 * DAY_SECONDS, 448 * DAY_SECONDS];
/// A model learns from so much time before its term.
pub(super) const MEMORY: Second = 14 * DAY_SECONDS;

/// When the terms begin that serve the times from `start` to before `end`, in order: at most `most` of them and one more.
/// Times to come are served by the term of `now`.
pub(super) fn terms(identity: Identity, start: Second, end: Second, now: Second, most: usize) -> Vec<Second> {
    let shift = Second::try_from(identity.share(TERM.unsigned_abs())).unwrap_or(0);
    let floor = |at: Second, step: Second| (at.min(now) - shift).div_euclid(step) * step + shift;
    let last = (end - 1).max(start);
    let count = |step: Second| (floor(last, step) - floor(start, step)) / step + 1;
    let most = Second::try_from(most.max(1)).unwrap_or(1);
    let step = TERMS.into_iter().find(|step| count(*step) <= most).unwrap_or(TERMS[TERMS.len() - 1]);
    let mut terms: Vec<Second> =
        (0..count(step).min(most)).map(|at| floor(start, step) + at * step).collect();
    // The newest times have the model that alarms have.
    let newest = floor(last, TERM);
    if terms.last().is_some_and(|term| *term < newest) {
        terms.push(newest);
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Second = 1_000_000 * TERM;

    fn check(start: Second, end: Second, most: usize) -> Vec<Second> {
        let identity = Identity::of("x", &[]);
        let shift = identity.share(3_600) as Second;
        let terms = terms(identity, NOW + start, NOW + end, NOW, most);
        assert!(terms.is_sorted() && terms.len() <= most + 1, "{terms:?}");
        assert!(terms[0] <= NOW + start.min(0), "the first time is served");
        assert!(terms.iter().all(|term| *term <= NOW), "nothing is trained on what is to come");
        terms.iter().map(|term| (term - shift - NOW) / TERM).collect()
    }

    #[test]
    fn terms_serve_all_times() {
        // The shift of the identity is more than 0, so the running term began in the last hour.
        assert_eq!(check(-60, 0, 16), [-1]);
        assert_eq!(check(-2 * TERM, 0, 16), [-3, -2, -1]);
        assert_eq!(check(600, 7_200, 16), [-1]);
        let days = check(-5 * DAY_SECONDS, 0, 16);
        assert_eq!((days.len(), days[days.len() - 1]), (7, -1));
        assert_eq!(check(-14 * DAY_SECONDS, 0, 1).len(), 2);
        assert!(check(-400 * DAY_SECONDS, 0, 16).len() <= 17);
    }
}
