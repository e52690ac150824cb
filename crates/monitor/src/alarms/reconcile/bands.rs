//! Has the models trained that alarms on bands compare with, before they are evaluated.
//!
//! After a start every model is to be trained. So that no alarm waits long for others' models, a round learns from a
//! bounded number of points; alarms whose turn does not come stay due, and the next round begins with them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use keywatch_store::StoreError;

use super::{
    AlarmReconciler,
    judge::{place, window_of_queries},
    known::{Known, Role},
    roster::Key,
};
use crate::{
    alarms::config::{Queries, Subject},
    detectors::{Bands, Plan},
    metrics::query::plan_queries,
};

/// Points of one round: some two seconds of a processor.
const POINTS_MAX: usize = 1_000_000;

/// The bands of a round's alarms.
#[derive(Default)]
pub(super) struct Learnt {
    bands: HashMap<Key, Bands>,
    waiting: HashSet<Key>,
    none: Bands,
}

impl Learnt {
    /// What an alarm compares with; none where its turn did not come.
    pub(super) fn of(&self, key: &str) -> Option<&Bands> {
        (!self.waiting.contains(key)).then(|| self.bands.get(key).unwrap_or(&self.none))
    }
}

impl AlarmReconciler {
    /// Learns what alarms need.
    pub(super) async fn learn_bands(&self, keys: &[Key], now: Timestamp) -> Result<Learnt, StoreError> {
        let mut learnt = Learnt::default();
        let known = |key: &Key| self.roster.get(key).filter(|known| queries_with_bands(known).is_some());
        let banded: Vec<(&Key, &Known)> = keys.iter().filter_map(|key| Some((key, known(key)?))).collect();
        if banded.is_empty() {
            return Ok(learnt);
        }
        self.models.refresh(&self.store).await?;
        let mut points = 0;
        for (key, known) in banded {
            if points >= POINTS_MAX {
                learnt.waiting.insert(Key::clone(key));
            } else if let Some(plan) = self.planned(known, now).await? {
                points += plan.lesson_points();
                learnt.bands.insert(Key::clone(key), self.models.carry_out(plan));
            }
        }
        Ok(learnt)
    }

    /// None where the queries cannot be answered, which their evaluation will say.
    async fn planned(&self, known: &Known, now: Timestamp) -> Result<Option<Plan>, StoreError> {
        let Some(queries) = queries_with_bands(known) else { return Ok(None) };
        let Role::Metric(watched) = &known.role else { return Ok(None) };
        let window = window_of_queries(&watched.spec, now.as_second());
        let partition = known.alarm.partition();
        let place = place(&known.alarm, &partition, &window, now);
        let plan =
            self.live.read(|series| plan_queries(series, &queries.metrics, &place, &self.models)).await?;
        Ok(plan.ok())
    }
}

fn queries_with_bands(known: &Known) -> Option<&Queries> {
    let Subject::Queries(queries) = &known.alarm.config.metric()?.subject else { return None };
    let has_band = |text: &String| text.contains("ANOMALY_DETECTION_BAND");
    let mut expressions = queries.metrics.iter().filter_map(|query| query.expression.as_ref());
    expressions.any(has_band).then_some(queries)
}
