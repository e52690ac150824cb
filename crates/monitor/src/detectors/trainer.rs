//! Has the models of queries trained that were not known, apart from the threads that serve.

use std::sync::Arc;

use keywatch_iam::slow::Pool;
use keywatch_store::Store;

use super::{Bands, Models};
use crate::{
    cloudwatch::CloudWatchError,
    metrics::{
        live::LiveSeries,
        query::{Checked, Place, plan},
    },
};

/// Models that are kept for queries.
const MODELS_KEPT: usize = 2_000;

/// Keeps the models that queries asked for; alarms keep their own.
#[derive(Debug)]
pub(crate) struct Trainer {
    pub(super) models: Arc<Models>,
    /// Training takes some ten milliseconds a model.
    pool: Pool,
}

impl Trainer {
    pub(crate) fn new() -> Self {
        Self { models: Arc::new(Models::new(MODELS_KEPT)), pool: Pool::for_generation() }
    }

    /// The bands that queries ask for.
    ///
    /// # Errors
    /// Expressions that their data make wrong, and what the store cannot tell of detectors.
    pub(crate) async fn bands(
        &self,
        (store, live): (&Store, &LiveSeries),
        queries: &[Checked<'_>],
        place: &Place<'_>,
    ) -> Result<Bands, CloudWatchError> {
        self.models.refresh(store).await?;
        let plan = live.read(|series| plan(series, queries, place, &self.models)).await??;
        if plan.lesson_points() == 0 {
            return Ok(self.models.carry_out(plan));
        }
        let models = Arc::clone(&self.models);
        let learnt = self.pool.run(move || models.carry_out(plan)).await;
        learnt.map_err(|error| CloudWatchError::Internal(error.to_string()))
    }
}
