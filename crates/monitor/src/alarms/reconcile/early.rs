//! What may be certain before its time: the periods that run, of a series that just got points.

use crate::{
    alarms::config::Subject,
    alarms::reason::INITIAL,
    metrics::{
        Second, Unit,
        series::{SeriesId, SeriesStore, Window},
        statistic_set::StatisticSet,
    },
};

use keywatch_api::cloudwatch::StateValue;

use super::known::{Known, Role};

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
        let Role::Metric(watched) = &known.role else { return false };
        let spec = &watched.spec;
        let state = &known.alarm.state;
        if state.value == StateValue::Alarm && spec.needed() == 1 && state.reason != INITIAL {
            // One breach is enough, and the alarm knows of one.
            return false;
        }
        let Some(Subject::Metric(metric)) = known.alarm.config.metric().map(|rule| &rule.subject) else {
            return false;
        };
        let running = spec.running_window(self.now);
        let newest = Window { start: running.time(running.count - 1), count: 1, ..running };
        self.set(metric.unit, newest).is_some_and(|set| spec.is_certain(set))
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
