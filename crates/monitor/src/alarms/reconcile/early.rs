//! What is certain before its time. A period that runs may have crossed a threshold already, so that whatever comes makes no difference any
//! more: then an alarm is evaluated at once, its running period standing for the newest one.

use jiff::Timestamp;
use keywatch_api::cloudwatch::StateValue;

use super::{
    judge::{ask, certain, find, one_line, place, several},
    known::{Known, Role, Watched},
    writes::Write,
};
use crate::{
    alarms::{
        config::{Queries, Subject},
        evaluate::Datapoint,
        hold::Around,
        reason::INITIAL,
        spec::Spec,
    },
    detectors::Bands,
    metrics::{
        Second, Unit,
        query::{Early, Line, groups_with_negatives, samples_are_positive},
        series::{SeriesId, SeriesStore, Window},
        statistic_set::StatisticSet,
    },
};

/// The periods of a series that run, each read once, however many alarms watch it.
pub(super) struct Running<'a> {
    series: &'a SeriesStore,
    id: SeriesId,
    now: Second,
    read: Vec<(Option<Unit>, Window, Option<StatisticSet>)>,
}

impl<'a> Running<'a> {
    pub(super) fn new(series: &'a SeriesStore, id: SeriesId, now: Second) -> Self {
        Self { series, id, now, read: Vec::new() }
    }

    /// Whether an alarm's outcome may be certain, and another than its state.
    pub(super) fn may_decide(&mut self, known: &Known) -> bool {
        let (Role::Metric(watched), Some(rule)) = (&known.role, known.alarm.config.metric()) else {
            return false;
        };
        if knows_of_one(known, &watched.spec) {
            return false;
        }
        let metric = match &rule.subject {
            Subject::Metric(metric) => metric,
            Subject::Queries(_) => return watched.early.is_some(),
        };
        let period = newest(&watched.spec.running_window(self.now));
        self.set(metric.unit, period).is_some_and(|set| watched.spec.is_certain(set))
    }

    /// The samples of a period; of several units the first by name.
    fn set(&mut self, unit: Option<Unit>, period: Window) -> Option<&StatisticSet> {
        let known = self.read.iter().position(|(of, window, _)| (*of, *window) == (unit, period));
        let at = known.unwrap_or_else(|| {
            let buckets = self.series.read(self.id, unit, &period, self.now);
            self.read.push((unit, period, buckets.into_iter().next().map(|bucket| bucket.set)));
            self.read.len() - 1
        });
        self.read[at].2.as_ref()
    }
}

/// Whether one breach is enough for an alarm, and it knows of one.
fn knows_of_one(known: &Known, spec: &Spec) -> bool {
    let state = &known.alarm.state;
    state.value == StateValue::Alarm
        && state.reason != INITIAL
        && state.evaluation.is_none()
        && spec.needed() == 1
        && !known.alarm.config.has_contributors()
}

/// The last period of a window.
fn newest(window: &Window) -> Window {
    Window { start: window.time(window.count - 1), count: 1, ..*window }
}

/// Evaluates an alarm whose series just got points: what to write if its outcome is certain before its time.
pub(super) fn judge_early(
    key: &str,
    known: &Known,
    series: &SeriesStore,
    around: &dyn Fn() -> Around,
    now: Timestamp,
) -> Option<Write> {
    let Role::Metric(watched) = &known.role else { return None };
    match &known.alarm.config.metric()?.subject {
        Subject::Metric(metric) => {
            let id = find(known, metric, series)?;
            let state = certain(known, watched, metric, (series, id), now)??;
            Some(Write::state(key.to_owned(), known.version, state, around()))
        }
        Subject::Queries(queries) => of_queries(key, known, watched, queries, series, around, now),
    }
}

fn of_queries(
    key: &str,
    known: &Known,
    watched: &Watched,
    queries: &Queries,
    series: &SeriesStore,
    around: &dyn Fn() -> Around,
    now: Timestamp,
) -> Option<Write> {
    let (spec, at) = (&watched.spec, now.as_second());
    let (window, partition) = (running_of_queries(spec, at), known.alarm.partition());
    let period = newest(&window);
    if let Early::Metrics(_, metrics) = watched.early.as_ref()?
        && !samples_are_positive(series, metrics, &partition, &period, at)
    {
        return None;
    }
    // What has a course has no band.
    let place = place(&known.alarm, &partition, &window, now);
    let watching = ask(queries, &place, series, &Bands::default()).ok()?;
    let crosses = |line: &&Line| {
        let newest = line.points.last().filter(|(time, _)| *time == period.start);
        let point =
            newest.map(|(time, value)| Datapoint { time: *time, value: *value, samples: None, band: None });
        point.is_some_and(|point| spec.is_breach(&point))
    };
    let crossing: Vec<&[String]> =
        watching.lines.iter().filter(crosses).map(|line| line.values.as_slice()).collect();
    // Of more groups than are looked at others may be the first ones in the end.
    if crossing.is_empty() || watching.partial {
        return None;
    }
    let negative = groups_with_negatives(series, &queries.metrics, &partition, (&period, at), &crossing);
    let is_certain =
        |line: &Line| crossing.contains(&line.values.as_slice()) && !negative.contains(&line.values);
    if !queries.group_by.is_empty() {
        return several(key, known, watched, queries, &watching, &window, Some(&is_certain), around(), now);
    }
    if !watching.lines.iter().all(is_certain) {
        return None;
    }
    let state = one_line(known, watched, &watching, &window, now)?;
    Some(Write::state(key.to_owned(), known.version, state, around()))
}

/// The window whose newest period runs; queries of less than a minute give points at multiples of their period.
fn running_of_queries(spec: &Spec, now: Second) -> Window {
    let window = spec.running_window(now);
    if spec.period >= 60 {
        return window;
    }
    let newest = now.div_euclid(spec.period) * spec.period;
    Window { start: newest - spec.period * (window.count as Second - 1), ..window }
}
