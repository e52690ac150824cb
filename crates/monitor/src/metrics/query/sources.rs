//! What expressions compute with: the request's other queries, and the series that searches find.

use std::cell::{Cell, RefCell};

use keywatch_api::{cloudwatch::metrics::MessageData, kms::quotas};

use super::{Checked, Found, Place, Source, answer, banded};
use crate::detectors::Bands;
use crate::metrics::{
    Second,
    derive::{CALL_COUNT, USAGE_NAMESPACE},
    label::Subject,
    math::{
        self, Expression, MathError, SERIES_MAX, Series, Sources, Value,
        search::{Candidate, Search},
    },
    period::window,
    series::{SeriesId, SeriesStore},
    statistics::Statistic,
};

/// The period of expressions that neither say one nor compute with anything that has one.
const PERIOD_DEFAULT: Second = 300;

/// Bands are no wider than so many standard deviations.
const DEVIATIONS_MAX: f64 = 1_000.0;

/// The answers of a request as far as they were needed.
pub(super) struct Answers<'a> {
    series: &'a SeriesStore,
    queries: &'a [Checked<'a>],
    place: &'a Place<'a>,
    bands: &'a Bands,
    values: RefCell<Vec<Option<Value>>>,
    /// The metrics that series of arrays come from.
    subjects: RefCell<Vec<Subject>>,
    /// The period that the expression under way asks for.
    period: Cell<Option<Second>>,
    found_too_many: Cell<bool>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(
        series: &'a SeriesStore,
        queries: &'a [Checked<'a>],
        place: &'a Place<'a>,
        bands: &'a Bands,
    ) -> Self {
        Self {
            series,
            queries,
            place,
            bands,
            values: RefCell::new(vec![None; queries.len()]),
            subjects: RefCell::default(),
            period: Cell::new(None),
            found_too_many: Cell::new(false),
        }
    }

    /// What a query gives to expressions; the request's check has seen that none needs itself.
    pub(super) fn value(&self, at: usize) -> Result<Value, MathError> {
        if let Some(value) = &self.values.borrow()[at] {
            return Ok(value.clone());
        }
        let query = &self.queries[at];
        let value = match &query.source {
            Source::Metric { stat, statistic, dimensions } => {
                let origin = query.subject(self.place).map(|subject| self.origin(subject));
                let found = answer::metric(self.series, stat, *statistic, dimensions, self.place);
                Value::Series(Series { origin, period: stat.period.into(), points: found.points })
            }
            Source::Insights { query, period } => {
                let groups = answer::selected(self.series, query, *period, self.place);
                let series = |found: Found| Series { origin: None, period: *period, points: found.points };
                Value::Array(groups.into_iter().map(series).collect())
            }
            Source::Math { expression, period } => {
                let outer = self.period.replace(*period);
                let value = math::evaluate(expression, self);
                self.period.set(outer);
                value?
            }
        };
        self.values.borrow_mut()[at] = Some(value.clone());
        Ok(value)
    }

    /// The points of an expression, of which a period is known.
    pub(super) fn points(
        &self,
        expression: &Expression,
        period: Second,
    ) -> Result<Vec<(Second, f64)>, MathError> {
        let outer = self.period.replace(Some(period));
        let value = math::evaluate(expression, self);
        self.period.set(outer);
        match value? {
            Value::Series(series) => Ok(series.points),
            _ => Err(MathError("A time series is needed".into())),
        }
    }

    pub(super) fn subject(&self, origin: usize) -> Subject {
        self.subjects.borrow()[origin].clone()
    }

    /// The metric that an argument names, where it names one of the request and no expression.
    fn usage_metric(&self, argument: &Expression) -> Option<Subject> {
        let Expression::Variable(id) = argument else { return None };
        self.queries.iter().find(|query| query.query.id == *id)?.subject(self.place)
    }

    /// What there is to say about searches so far.
    pub(super) fn messages(&self) -> Vec<MessageData> {
        let too_many = || MessageData {
            code: "MaxMetricsExceeded".into(),
            value: format!("The search found more than {SERIES_MAX} metrics; the first ones are returned."),
        };
        if self.found_too_many.get() { vec![too_many()] } else { Vec::new() }
    }

    fn origin(&self, subject: Subject) -> usize {
        let mut subjects = self.subjects.borrow_mut();
        subjects.push(subject);
        subjects.len() - 1
    }

    /// The metrics that a search finds, by their names.
    fn found(&self, search: &Search) -> Vec<SeriesId> {
        let finds = |id: &SeriesId| {
            let metric = self.series.metric(*id);
            if metric.partition() != self.place.partition {
                return false;
            }
            let dimensions: Vec<(&str, &str)> = metric.dimensions().collect();
            let candidate = Candidate {
                namespace: metric.namespace(),
                name: metric.name(),
                dimensions: &dimensions,
                account: self.place.account,
            };
            search.finds(&candidate) && self.series.is_listed(*id, self.place.now)
        };
        let mut found: Vec<SeriesId> = self.series.ids_after(None).filter(finds).collect();
        found.sort_by_cached_key(|id| {
            let metric = self.series.metric(*id);
            (metric.namespace(), metric.name(), metric.dimensions().collect::<Vec<_>>())
        });
        found
    }
}

impl Sources for Answers<'_> {
    fn times(&self, period: Second) -> Vec<Second> {
        let window = window(self.place.start, self.place.end, period, self.place.alignment, self.place.now);
        window.map_or_else(Vec::new, |window| (0..window.count).map(|at| window.time(at)).collect())
    }

    fn period(&self) -> Second {
        let of_metrics = self.queries.iter().filter_map(|query| match &query.source {
            Source::Metric { stat, .. } => Some(Second::from(stat.period)),
            _ => None,
        });
        self.period.get().or_else(|| of_metrics.max()).unwrap_or(PERIOD_DEFAULT)
    }

    fn variable(&self, id: &str) -> Result<Option<Value>, MathError> {
        let at = self.queries.iter().position(|query| query.query.id == id);
        at.map(|at| self.value(at)).transpose()
    }

    fn metrics(&self) -> Vec<(String, Series)> {
        let metric = |(at, query): (usize, &Checked<'_>)| {
            // Expressions are no metrics; the one under way is among them.
            let Source::Metric { .. } = query.source else { return None };
            match self.value(at) {
                Ok(Value::Series(series)) => Some((query.query.id.clone(), series)),
                _ => None,
            }
        };
        self.queries.iter().enumerate().filter_map(metric).collect()
    }

    fn search(&self, search: &Search) -> Result<Vec<Series>, MathError> {
        let statistic = Statistic::parse(&search.statistic)
            .ok_or_else(|| MathError(format!("SEARCH does not know the statistic '{}'", search.statistic)))?;
        let period = search.period.unwrap_or_else(|| self.period());
        let found = self.found(search);
        if found.len() > SERIES_MAX {
            self.found_too_many.set(true);
        }
        let series = |id: SeriesId| {
            let metric = self.series.metric(id);
            let subject = Subject {
                metric_name: metric.name().to_owned(),
                namespace: metric.namespace().to_owned(),
                stat: search.statistic.clone(),
                period,
                dimensions: metric
                    .dimensions()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                account: self.place.account.to_owned(),
                region: self.place.region.to_owned(),
            };
            let (points, _) = answer::points(self.series, id, statistic, None, period, self.place);
            Series { origin: Some(self.origin(subject)), period, points }
        };
        Ok(found.into_iter().take(SERIES_MAX).map(series).collect())
    }

    fn band(&self, argument: &Expression, _: &Series, deviations: f64) -> Result<[Series; 2], MathError> {
        if !(deviations > 0.0 && deviations <= DEVIATIONS_MAX) {
            let text = format!(
                "ANOMALY_DETECTION_BAND takes more than 0 and at most {DEVIATIONS_MAX} standard deviations"
            );
            return Err(MathError(text));
        }
        let wanted = banded::of_argument(argument, self.queries)?;
        let edges = |time: Second| Some((time, self.bands.edges(&wanted, time, deviations)?));
        let edges: Vec<(Second, (f64, f64))> =
            self.times(wanted.period).into_iter().filter_map(edges).collect();
        let none = Series { period: wanted.period, ..Series::default() };
        let lower = none.with(edges.iter().map(|(time, (lower, _))| (*time, *lower)));
        let upper = none.with(edges.iter().map(|(time, (_, upper))| (*time, *upper)));
        Ok([lower, upper])
    }

    /// A quota is so many calls a second, and a usage metric counts those of a period: the quota is shown for as long.
    fn quota(&self, argument: &Expression, usage: &Series) -> Result<Series, MathError> {
        let quota = self.usage_metric(argument).and_then(|subject| {
            let dimension = |name: &str| {
                let found = subject.dimensions.iter().find(|(known, _)| known == name);
                found.map(|(_, value)| value.as_str())
            };
            let is_usage = subject.namespace == USAGE_NAMESPACE
                && subject.metric_name == CALL_COUNT
                && subject.dimensions.len() == 4
                && dimension("Service") == Some("KMS")
                && dimension("Type") == Some("API")
                && dimension("Class") == Some("None");
            let resource = dimension("Resource").filter(|_| is_usage)?;
            quotas::of_usage(resource, &subject.region)
        });
        let Some(quota) = quota else {
            return Err(MathError(
                "SERVICE_QUOTA takes a usage metric of AWS/Usage that has a service quota".into(),
            ));
        };
        let allowed = f64::from(quota) * usage.period as f64;
        let points = self.times(usage.period).into_iter().map(|time| (time, allowed));
        Ok(Series { origin: None, ..usage.clone() }.with(points))
    }
}
