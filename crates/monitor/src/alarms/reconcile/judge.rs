//! Evaluates one metric alarm from the series: which points it sees, and what is to be written.

use jiff::Timestamp;
use keywatch_api::cloudwatch::{EvaluationState, StateValue};

use super::{
    known::{Known, Role, Watched},
    writes::Write,
};
use crate::{
    alarms::{
        alarm::{Alarm, State},
        config::{OneMetric, Queries, Subject},
        contributors::{Sighting, summary},
        evaluate::{Band, Datapoint, Decision, Verdict, evaluate},
        hold::Around,
        reason::{Described, INITIAL, contributor_reason, reason, reason_data},
        spec::{MissingData, Spec},
    },
    detectors::Bands,
    metrics::{
        Second,
        period::Alignment,
        query::{Early, Line, Names, Place, Watching, watch},
        series::{Bucket, MetricRef, SeriesId, SeriesStore, Window},
        tags::Tags,
    },
};

/// Reasons hold this many characters.
const REASON_MAX: usize = 1_023;

/// What an evaluation found.
pub(super) struct Judgement {
    pub(super) write: Option<Write>,
    /// No period of the window has data, nor will one get any by time alone.
    pub(super) quiet: bool,
}

/// Evaluates a metric alarm at its time; none for others.
pub(super) fn judge(
    key: &str,
    known: &Known,
    series: &SeriesStore,
    around: &dyn Fn() -> Around,
    bands: &Bands,
    now: Timestamp,
) -> Option<Judgement> {
    let Role::Metric(watched) = &known.role else { return None };
    let write = |state| Write::state(key.to_owned(), known.version, state, around());
    let queries = match &known.alarm.config.metric()?.subject {
        Subject::Metric(metric) => {
            let (state, quiet) = one_metric(known, watched, metric, series, now);
            return Some(Judgement { write: state.map(write), quiet });
        }
        Subject::Queries(queries) => queries,
    };
    let window = window_of_queries(&watched.spec, now.as_second());
    let partition = known.alarm.partition();
    let place = place(&known.alarm, &partition, &window, now);
    let write = match ask(queries, &place, series, bands) {
        Err(text) => failed(&known.alarm.state, &text, now).map(write),
        Ok(watching) if queries.group_by.is_empty() => {
            one_line(known, watched, &watching, &window, now).map(write)
        }
        Ok(watching) => several(key, known, watched, queries, &watching, &window, None, around(), now),
    };
    let quiet = watched.early.as_ref().is_some_and(|early| {
        stays_silent(early, &known.alarm.partition(), series, window.start, now.as_second())
    });
    Some(Judgement { write, quiet })
}

/// Whether no metric that a result follows from has a point since `start`, nor will one have by time alone. Of results without a course
/// it is not known what they follow from; some change by the clock.
fn stays_silent(early: &Early, partition: &str, series: &SeriesStore, start: Second, now: Second) -> bool {
    let is_silent = |id: SeriesId| !series.counts_down(id, now) && !series.has_point_after(id, start - 1);
    match early {
        Early::Metrics(_, metrics) => {
            metrics.iter().all(|names| names.find(series, partition).is_none_or(is_silent))
        }
        Early::Insights(_, Names { namespace, name, .. }) => {
            series.named(partition, namespace, name).iter().all(|id| is_silent(*id))
        }
    }
}

/// The new state of an alarm on one metric, and whether it stays quiet.
fn one_metric(
    known: &Known,
    watched: &Watched,
    metric: &OneMetric,
    series: &SeriesStore,
    now: Timestamp,
) -> (Option<State>, bool) {
    let (spec, at) = (&watched.spec, now.as_second());
    let window = spec.window(at);
    let decide = |points: &[Option<Datapoint>]| decide_one(known, spec, metric, &window, points, now);
    let Some(id) = find(known, metric, series) else {
        return (decide(&vec![None; window.count]), true);
    };
    if let Some(state) = certain(known, watched, metric, (series, id), now) {
        return (state, false);
    }
    let points = datapoints(spec, &window, &series.read(id, metric.unit, &window, at));
    let silent = points.iter().all(Option::is_none);
    let quiet = silent && !series.counts_down(id, at) && !series.has_point_after(id, window.start);
    (decide(&points), quiet)
}

/// The new state, if the period that runs already breaches for certain.
pub(super) fn certain(
    known: &Known,
    watched: &Watched,
    metric: &OneMetric,
    (series, id): (&SeriesStore, SeriesId),
    now: Timestamp,
) -> Option<Option<State>> {
    let (spec, at) = (&watched.spec, now.as_second());
    let running = spec.running_window(at);
    let newest = Window { start: running.time(running.count - 1), count: 1, ..running };
    let buckets = series.read(id, metric.unit, &newest, at);
    if !buckets.first().is_some_and(|bucket| spec.is_certain(&bucket.set)) {
        return None;
    }
    let points = datapoints(spec, &running, &series.read(id, metric.unit, &running, at));
    Some(decide_one(known, spec, metric, &running, &points, now))
}

fn decide_one(
    known: &Known,
    spec: &Spec,
    metric: &OneMetric,
    window: &Window,
    points: &[Option<Datapoint>],
    now: Timestamp,
) -> Option<State> {
    let described =
        Described { statistic: Some(metric.statistic_name()), unit: metric.unit, window_start: window.start };
    next_state(known, spec, evaluate(spec, points), described, None, now)
}

pub(super) fn find(known: &Known, metric: &OneMetric, series: &SeriesStore) -> Option<SeriesId> {
    series.find(&MetricRef {
        partition: &known.alarm.partition(),
        namespace: &metric.namespace,
        name: &metric.metric_name,
        dimensions: &metric.sorted_dimensions(),
    })
}

/// The statistic of each period. Of several units in a period the first by name counts, as in queries without a unit.
fn datapoints(spec: &Spec, window: &Window, buckets: &[Bucket]) -> Vec<Option<Datapoint>> {
    let mut points: Vec<Option<Datapoint>> = vec![None; window.count];
    let Some(statistic) = spec.statistic else { return points };
    for bucket in buckets {
        let place = &mut points[((bucket.time - window.start) / window.period) as usize];
        if place.is_none() {
            let point =
                |value| Datapoint { time: bucket.time, value, samples: Some(bucket.set.count), band: None };
            *place = statistic.of(&bucket.set).map(point);
        }
    }
    points
}

/// The periods that an alarm on queries looks at: of less than a minute they start at multiples of the period.
pub(super) fn window_of_queries(spec: &Spec, now: Second) -> Window {
    let window = spec.window(now);
    if spec.period >= 60 {
        return window;
    }
    Window { start: window.start.div_euclid(spec.period) * spec.period, ..window }
}

/// Where and when an alarm's queries ask.
pub(super) fn place<'a>(alarm: &'a Alarm, partition: &'a str, window: &Window, now: Timestamp) -> Place<'a> {
    Place {
        partition,
        account: &alarm.account,
        region: &alarm.region,
        start: window.start,
        end: window.end(),
        now: now.as_second(),
        alignment: Alignment::Start,
        // Alarms that ask for tags are refused when they are put.
        tags: Tags::NONE,
    }
}

pub(super) fn ask(
    queries: &Queries,
    place: &Place<'_>,
    series: &SeriesStore,
    bands: &Bands,
) -> Result<Watching, String> {
    use keywatch_api::WireError as _;

    watch(series, &queries.metrics, queries.threshold_metric_id.as_deref(), place, bands)
        .map_err(|error| error.message().unwrap_or_default())
}

/// The state of an alarm whose queries cannot be answered: what it was, with the reason why it is not known better.
fn failed(was: &State, text: &str, now: Timestamp) -> Option<State> {
    let reason: String = text.chars().take(REASON_MAX).collect();
    if was.evaluation == Some(EvaluationState::EvaluationError) && was.reason == reason {
        return None;
    }
    let evaluation = Some(EvaluationState::EvaluationError);
    Some(State { reason, reason_data: None, updated_at: now, evaluation, ..was.clone() })
}

pub(super) fn one_line(
    known: &Known,
    watched: &Watched,
    watching: &Watching,
    window: &Window,
    now: Timestamp,
) -> Option<State> {
    let spec = match &watching.band {
        // Before anything is expected nothing can be missing from it either.
        Some([lower, _]) if lower.is_empty() => &Spec { missing_data: MissingData::Missing, ..watched.spec },
        _ => &watched.spec,
    };
    let points = match watching.lines.first() {
        Some(line) => places(window, &line.points, watching.band.as_ref()),
        None => vec![None; window.count],
    };
    let described = Described { statistic: None, unit: None, window_start: window.start };
    next_state(known, spec, evaluate(spec, &points), described, evaluation(watching), now)
}

fn evaluation(watching: &Watching) -> Option<EvaluationState> {
    watching.partial.then_some(EvaluationState::PartialData)
}

/// Points in the periods of a window. With a band only points count of which something is expected.
fn places(
    window: &Window,
    points: &[(Second, f64)],
    band: Option<&[Vec<(Second, f64)>; 2]>,
) -> Vec<Option<Datapoint>> {
    let mut places = vec![None; window.count];
    let edge = |edge: &[(Second, f64)], time: Second| {
        edge.iter().find(|(at, _)| *at == time).map(|(_, value)| *value)
    };
    for (time, value) in points.iter().copied().filter(|(time, _)| *time >= window.start) {
        let expected = band.map(|[lower, upper]| edge(lower, time).zip(edge(upper, time)));
        let band = match expected {
            Some(None) => continue,
            Some(Some((lower, upper))) => Some(Band { lower, upper }),
            None => None,
        };
        if let Some(place) = places.get_mut(((time - window.start) / window.period) as usize) {
            *place = Some(Datapoint { time, value, samples: None, band });
        }
    }
    places
}

/// What is to be written of an alarm with contributors; `only` are the time series that decide, if not all do.
#[expect(clippy::too_many_arguments, reason = "one evaluation, all of it read only")]
pub(super) fn several(
    key: &str,
    known: &Known,
    watched: &Watched,
    queries: &Queries,
    watching: &Watching,
    window: &Window,
    only: Option<&dyn Fn(&Line) -> bool>,
    around: Around,
    now: Timestamp,
) -> Option<Write> {
    let spec = &watched.spec;
    let sighting = |line: &Line| {
        let attributes = queries.group_by.iter().cloned().zip(line.values.iter().cloned()).collect();
        match evaluate(spec, &places(window, &line.points, None)) {
            Verdict::Keep => Sighting { attributes, value: None, reason: String::new(), reason_data: None },
            Verdict::State(decision) => {
                let value =
                    if decision.value == StateValue::Alarm { StateValue::Alarm } else { StateValue::Ok };
                let described = Described { statistic: None, unit: None, window_start: window.start };
                let reason = contributor_reason(spec, &decision);
                let reason_data = Some(reason_data(spec, &decision, described, now));
                Sighting { attributes, value: Some(value), reason, reason_data }
            }
        }
    };
    let of = watching.lines.len();
    let (mut contributors, muted) = (watched.contributors.clone(), around.muted.is_some());
    let changed = match only {
        None => contributors.take_in(watching.lines.iter().map(sighting).collect(), muted, now),
        Some(only) => {
            let seen = watching.lines.iter().filter(|line| only(line)).map(sighting);
            contributors.take_in_some(seen.collect(), muted, now)
        }
    };
    let state = if of == 0 {
        let described = Described { statistic: None, unit: None, window_start: window.start };
        next_state(
            known,
            spec,
            evaluate(spec, &vec![None; window.count]),
            described,
            evaluation(watching),
            now,
        )
    } else {
        let in_alarm = contributors.in_alarm();
        let value = if in_alarm > 0 { StateValue::Alarm } else { StateValue::Ok };
        let was = &known.alarm.state;
        let text = summary(in_alarm, of);
        let differs =
            value != was.value || (value == StateValue::Alarm && text != was.reason) || was.reason == INITIAL;
        differs.then(|| State {
            value,
            reason: text,
            reason_data: None,
            updated_at: now,
            transitioned_at: if value == was.value { was.transitioned_at } else { now },
            evaluation: evaluation(watching),
        })
    };
    if state.is_none() && changed.is_empty() {
        return None;
    }
    Some(Write::contributors(key.to_owned(), known.version, state, contributors, changed, around))
}

/// The state to write; none when nothing changes. The reason of a new alarm is replaced by its first evaluation.
fn next_state(
    known: &Known,
    spec: &Spec,
    verdict: Verdict,
    described: Described<'_>,
    evaluation: Option<EvaluationState>,
    now: Timestamp,
) -> Option<State> {
    let was = &known.alarm.state;
    let Verdict::State(decision) = verdict else { return None };
    if decision.value == was.value && was.reason != INITIAL && was.evaluation == evaluation {
        return None;
    }
    Some(state_of(was, spec, &decision, described, evaluation, now))
}

fn state_of(
    was: &State,
    spec: &Spec,
    decision: &Decision,
    described: Described<'_>,
    evaluation: Option<EvaluationState>,
    now: Timestamp,
) -> State {
    State {
        value: decision.value,
        reason: reason(spec, decision),
        reason_data: Some(reason_data(spec, decision, described, now)),
        updated_at: now,
        transitioned_at: if decision.value == was.value { was.transitioned_at } else { now },
        evaluation,
    }
}
