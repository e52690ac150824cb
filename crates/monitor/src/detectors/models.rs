//! Models that are kept while they are fresh, and the bands that requests take from them.
//!
//! What a request needs is planned while the series are looked at ([`Models::plan`]), and learnt when they are not any more
//! ([`Models::carry_out`]), for training takes milliseconds. Queries and alarms keep models apart, so that no query drives out
//! what alarms need each minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use keywatch_anomaly::Model;
use keywatch_store::{Store, StoreError};

use super::{
    Identity,
    record::{DETECTOR, DetectorRecord, of_key},
    training::{MEMORY, TERM, terms},
    tuning::Tuning,
};
use crate::{
    alarms::store::all_rows,
    metrics::{Second, period::oldest_start},
};

/// Models of one band; longer times are served by longer terms.
const MODELS_OF_BAND: usize = 16;
/// Models of one request, shared out among its bands.
const MODELS_OF_REQUEST: usize = 128;

/// Models by what they are of.
#[derive(Debug)]
pub(crate) struct Models {
    inner: Mutex<Inner>,
    /// So many are kept; one has some 3 KB.
    capacity: usize,
}

#[derive(Debug, Default)]
struct Inner {
    /// The store's generation of detectors that `tunings` shows.
    generation: Option<u64>,
    /// By account and Region.
    tunings: HashMap<String, HashMap<Identity, Arc<Tuning>>>,
    kept: HashMap<Key, Kept>,
    /// Counts uses, to know which is longest ago.
    uses: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    partition: Arc<str>,
    identity: Identity,
    period: Second,
    tuning: Option<Identity>,
    term: Second,
}

#[derive(Debug)]
struct Kept {
    model: Arc<Model>,
    trained_at: Second,
    used: u64,
}

/// A band that a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) identity: Identity,
    /// The identity without units, which is what detectors have.
    pub(crate) detector: Identity,
    pub(crate) period: Second,
}

/// For when, and for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    pub(crate) partition: &'a str,
    pub(crate) start: Second,
    pub(crate) end: Second,
    pub(crate) now: Second,
}

/// What bands a request gets, and what must be learnt before.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    bands: Vec<(Wanted, Arc<Tuning>, Vec<Planned>)>,
    now: Second,
}

#[derive(Debug)]
enum Planned {
    Known { term: Second, model: Arc<Model> },
    Lesson { key: Key, points: Arc<[(Second, f64)]>, from: usize, until: usize },
}

/// The bands of a request.
#[derive(Debug, Default)]
pub(crate) struct Bands(HashMap<(Identity, Second), Band>);

#[derive(Debug)]
struct Band {
    tuning: Arc<Tuning>,
    /// By the beginning of their terms, in order; none where there was too little to learn from.
    models: Vec<(Second, Option<Arc<Model>>)>,
}

impl Models {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { inner: Mutex::default(), capacity: capacity.max(1) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads detectors again if any was written.
    pub(crate) async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let generation = store.generation(DETECTOR);
        if self.inner().generation == Some(generation) {
            return Ok(());
        }
        let mut tunings: HashMap<String, HashMap<Identity, Arc<Tuning>>> = HashMap::new();
        for row in all_rows(store, DETECTOR).await? {
            let record: DetectorRecord = keywatch_store::decode(&row.bytes)?;
            let Some((partition, identity)) = of_key(&row.key) else { continue };
            let tuning = Arc::new(Tuning::of(&record, &row.bytes));
            tunings.entry(partition.to_owned()).or_default().insert(identity, tuning);
        }
        let mut inner = self.inner();
        (inner.tunings, inner.generation) = (tunings, Some(generation));
        Ok(())
    }

    /// What a request needs of which something is not known; `read` gives the points of a band from a time to another.
    pub(crate) fn plan<E>(
        &self,
        wanted: &[Wanted],
        span: &Span<'_>,
        mut read: impl FnMut(usize, Second, Second) -> Result<Vec<(Second, f64)>, E>,
    ) -> Result<Plan, E> {
        let most = (MODELS_OF_REQUEST / wanted.len().max(1)).clamp(1, MODELS_OF_BAND);
        let partition: Arc<str> = span.partition.into();
        let mut plan = Plan { bands: Vec::new(), now: span.now };
        for (index, wanted) in wanted.iter().enumerate() {
            let terms = terms(wanted.identity, span.start, span.end, span.now, most);
            let (tuning, known) = self.known(&partition, wanted, &terms, span.now);
            let missing = |at: &usize| known[*at].is_none();
            let (first, last) = ((0..terms.len()).find(missing), (0..terms.len()).rev().find(missing));
            let oldest = oldest_start(wanted.period, span.now);
            let points: Arc<[(Second, f64)]> = match first.zip(last) {
                None => Arc::default(),
                Some((first, last)) => {
                    let start = (terms[first] - MEMORY).max(oldest);
                    if start < terms[last] { read(index, start, terms[last])?.into() } else { Arc::default() }
                }
            };
            // What a period's point says is known at its end.
            let before = |time: Second| points.partition_point(|(at, _)| at + wanted.period <= time);
            let planned = terms.iter().zip(known).map(|(term, model)| match model {
                Some(model) => Planned::Known { term: *term, model },
                None => Planned::Lesson {
                    key: key(&partition, wanted, &tuning, *term),
                    points: Arc::clone(&points),
                    from: before(term - MEMORY),
                    until: before(*term),
                },
            });
            let planned = planned.collect();
            plan.bands.push((*wanted, tuning, planned));
        }
        Ok(plan)
    }

    /// How a band is tuned, and which of its models are known and fresh.
    fn known(
        &self,
        partition: &Arc<str>,
        wanted: &Wanted,
        terms: &[Second],
        now: Second,
    ) -> (Arc<Tuning>, Vec<Option<Arc<Model>>>) {
        let mut inner = self.inner();
        let of_partition = inner.tunings.get(&**partition);
        let tuning =
            of_partition.and_then(|tunings| tunings.get(&wanted.detector)).cloned().unwrap_or_default();
        inner.uses += 1;
        let uses = inner.uses;
        let mut model = |term: &Second| {
            let kept = inner.kept.get_mut(&key(partition, wanted, &tuning, *term))?;
            kept.used = uses;
            is_fresh(kept, now).then(|| Arc::clone(&kept.model))
        };
        let known = terms.iter().map(&mut model).collect();
        (tuning, known)
    }

    /// Learns what a plan lacks. Where there was too little data nothing is kept, so that it is looked at again.
    pub(crate) fn carry_out(&self, plan: Plan) -> Bands {
        let mut bands = HashMap::new();
        for (wanted, tuning, planned) in plan.bands {
            let mut models = Vec::with_capacity(planned.len());
            for planned in planned {
                match planned {
                    Planned::Known { term, model } => models.push((term, Some(model))),
                    Planned::Lesson { key, points, from, until } => {
                        let model = tuning.train(&points[from..until.max(from)], wanted.period).map(Arc::new);
                        models.push((key.term, model.clone()));
                        if let Some(model) = model {
                            self.keep(key, model, plan.now);
                        }
                    }
                }
            }
            bands.insert((wanted.identity, wanted.period), Band { tuning, models });
        }
        Bands(bands)
    }

    fn keep(&self, key: Key, model: Arc<Model>, now: Second) {
        let mut inner = self.inner();
        if inner.kept.len() >= self.capacity {
            inner.kept.retain(|_, kept| is_fresh(kept, now));
        }
        if inner.kept.len() >= self.capacity {
            let mut uses: Vec<u64> = inner.kept.values().map(|kept| kept.used).collect();
            let (_, quarter, _) = uses.select_nth_unstable(self.capacity / 4);
            let quarter = *quarter;
            inner.kept.retain(|_, kept| kept.used > quarter);
        }
        let used = inner.uses;
        inner.kept.insert(key, Kept { model, trained_at: now, used });
    }

    /// How a detector's model is trained.
    pub(super) fn tuning(&self, partition: &str, detector: Identity) -> Arc<Tuning> {
        let inner = self.inner();
        inner.tunings.get(partition).and_then(|tunings| tunings.get(&detector)).cloned().unwrap_or_default()
    }
}

fn key(partition: &Arc<str>, wanted: &Wanted, tuning: &Tuning, term: Second) -> Key {
    let Wanted { identity, period, .. } = *wanted;
    Key { partition: Arc::clone(partition), identity, period, tuning: tuning.version, term }
}

/// What was learnt of a time counts for two terms; then points that came late are learnt too.
fn is_fresh(kept: &Kept, now: Second) -> bool {
    (0..2 * TERM).contains(&(now - kept.trained_at))
}

impl Plan {
    /// How many points are to be learnt from.
    pub(crate) fn lesson_points(&self) -> usize {
        let planned = self.bands.iter().flat_map(|(_, _, planned)| planned);
        planned
            .map(|one| match one {
                Planned::Known { .. } => 0,
                Planned::Lesson { from, until, .. } => until.saturating_sub(*from),
            })
            .sum()
    }
}

impl Bands {
    /// What is expected of a band's series at a time: lower and upper edge; none where too little was known.
    pub(crate) fn edges(&self, wanted: &Wanted, at: Second, deviations: f64) -> Option<(f64, f64)> {
        let band = self.0.get(&(wanted.identity, wanted.period))?;
        let place = band.models.partition_point(|(term, _)| *term <= at).checked_sub(1)?;
        let model = band.models[place].1.as_ref()?;
        Some(model.band(at, band.tuning.offset(at), deviations))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const NOW: Second = 1_000_000 * 3_600 + 1_800;
    const SPAN: Span<'static> = Span { partition: "p", start: NOW - 120, end: NOW, now: NOW };

    fn wanted(name: &str) -> Wanted {
        let identity = Identity::of_metric("App", name, &[], "Sum", None);
        Wanted { identity, detector: identity, period: 300 }
    }

    /// Plans one band of a constant 5.5, of which two weeks are known, and says how many times points were read.
    fn plan(models: &Models, name: &str, span: &Span<'_>) -> (Plan, usize) {
        let mut reads = 0;
        let plan = models.plan::<Infallible>(&[wanted(name)], span, |_, start, end| {
            reads += 1;
            Ok((start..end).step_by(300).map(|at| (at, 5.5)).collect())
        });
        let Ok(plan) = plan;
        (plan, reads)
    }

    #[test]
    fn models_are_trained_once_a_term() {
        let models = Models::new(10);
        let (first, reads) = plan(&models, "m", &SPAN);
        assert_eq!(reads, 1);
        assert!((3_900..4_100).contains(&first.lesson_points()), "{}", first.lesson_points());
        let bands = models.carry_out(first);
        assert_eq!(bands.edges(&wanted("m"), NOW - 60, 2.0), Some((5.5, 5.5)));
        assert_eq!(bands.edges(&wanted("other"), NOW - 60, 2.0), None);
        let (second, reads) = plan(&models, "m", &SPAN);
        assert_eq!((second.lesson_points(), reads), (0, 0));
        let later = Span { start: NOW + 7_200, end: NOW + 7_260, now: NOW + 7_260, ..SPAN };
        assert_eq!(plan(&models, "m", &later).1, 1);
    }

    #[test]
    fn the_longest_unused_go_first() {
        let models = Models::new(4);
        for name in ["a", "b", "c", "d", "a", "e"] {
            let (plan, _) = plan(&models, name, &SPAN);
            models.carry_out(plan);
        }
        assert_eq!(plan(&models, "a", &SPAN).1, 0, "it was used again");
        assert_eq!(plan(&models, "b", &SPAN).1, 1, "it made room");
        assert!(models.inner().kept.len() <= 4);
    }

    #[test]
    fn nothing_after_its_term_is_learnt() {
        let models = Models::new(10);
        // The value jumps at the beginning of the running term.
        let span = Span { start: NOW - 120, end: NOW, ..SPAN };
        let term = terms(wanted("m").identity, span.start, span.end, NOW, 1)[0];
        let plan = models.plan::<Infallible>(&[wanted("m")], &span, |_, start, end| {
            Ok((start..end + 3_600)
                .step_by(300)
                .map(|at| (at, if at + 300 > term { 900.0 } else { 5.5 }))
                .collect())
        });
        let Ok(plan) = plan;
        assert_eq!(models.carry_out(plan).edges(&wanted("m"), NOW - 60, 2.0), Some((5.5, 5.5)));
    }

    #[test]
    fn too_little_is_looked_at_again() {
        let models = Models::new(10);
        for _ in 0..2 {
            let plan =
                models.plan::<Infallible>(&[wanted("m")], &SPAN, |_, _, end| Ok(vec![(end - 300, 5.5)]));
            let Ok(plan) = plan;
            assert_eq!(plan.lesson_points(), 1);
            assert_eq!(models.carry_out(plan).edges(&wanted("m"), NOW - 60, 2.0), None);
        }
    }
}
