//! # What of an alarm's queries is certain before its time
//! While a period runs, a sum or a count of samples only rises and a minimum only falls, and so does what some expressions make of them.
//! The **course** of an alarm's result is the way in which its newest value can still move; a value that moves further beyond a
//! threshold has crossed it for certain. A sum rises as long as no sample is below zero, which is looked at where it matters. Other
//! results may move either way, and have no course: they are evaluated at their time.
//! **Not here:** what an alarm makes of it (`crate::alarms`).

use keywatch_api::cloudwatch::metrics::MetricDataQuery;

use super::{Checked, Source, check::check_queries, watched::watched};
use crate::metrics::{
    Second,
    insights::{self, Condition},
    math::{Expression, Filling, Function, Operator},
    series::{MetricRef, SeriesId, SeriesStore, Window},
    statistics::Statistic,
    tags::Tags,
};

/// Which way the newest value of a result can still move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Rises,
    Falls,
}

/// How an alarm's queries can be certain before their time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Early {
    /// The result follows from metrics; the names of each, dimensions sorted.
    Metrics(Course, Vec<Names>),
    /// Every metric of a name may be part of the result.
    Insights(Course, Names),
}

/// Namespace, name and dimensions of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    /// Its course holds only while no sample is below zero.
    only_positive: bool,
}

impl Names {
    /// The metric's series, if it has one.
    pub(crate) fn find(&self, series: &SeriesStore, partition: &str) -> Option<SeriesId> {
        let dimensions: Vec<(&str, &str)> =
            self.dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (namespace, name) = (self.namespace.as_str(), self.name.as_str());
        series.find(&MetricRef { partition, namespace, name, dimensions: &dimensions })
    }
}

/// How the result of queries can be certain before its time; `None` where it cannot. Queries with a band have no course.
pub(crate) fn early(queries: &[MetricDataQuery], period: Second) -> Option<Early> {
    let checked = check_queries(queries).ok()?;
    let at = watched(&checked, None)?;
    if let Source::Insights { query, .. } = &checked[at].source {
        // Another group may push one out of the limit until the period is over.
        let course = course_of_function(query.function).filter(|_| query.limit.is_none())?;
        let (namespace, name) = (query.namespace.clone(), query.metric.clone());
        let only_positive = query.function == insights::Function::Sum;
        let dimensions = Vec::new();
        return Some(Early::Insights(course, Names { namespace, name, dimensions, only_positive }));
    }
    let course = match of_query(&checked, at)?.moves {
        Moves::Up => Course::Rises,
        Moves::Down => Course::Falls,
        Moves::Not => return None,
    };
    let mut metrics = Vec::new();
    for query in &checked {
        let Source::Metric { stat, statistic, dimensions } = &query.source else { continue };
        if Second::from(stat.period) != period {
            return None;
        }
        metrics.push(Names {
            namespace: stat.metric.namespace.clone()?,
            name: stat.metric.metric_name.clone()?,
            dimensions: dimensions.clone(),
            only_positive: matches!(statistic, Statistic::Sum | Statistic::Maximum),
        });
    }
    Some(Early::Metrics(course, metrics))
}

const fn course_of_function(function: insights::Function) -> Option<Course> {
    match function {
        insights::Function::Sum | insights::Function::Count | insights::Function::Max => Some(Course::Rises),
        insights::Function::Min => Some(Course::Falls),
        insights::Function::Avg => None,
    }
}

/// Whether no sample of the metrics in a period is below zero, as far as that matters.
pub(crate) fn samples_are_positive(
    series: &SeriesStore,
    metrics: &[Names],
    partition: &str,
    period: &Window,
    now: Second,
) -> bool {
    metrics.iter().filter(|names| names.only_positive).all(|names| {
        let found = names.find(series, partition);
        found.is_none_or(|id| {
            series.read(id, None, period, now).iter().all(|bucket| bucket.set.minimum >= 0.0)
        })
    })
}

/// The groups of a Metrics Insights query that have a sample below zero in a period, by their values, where that matters.
pub(crate) fn groups_with_negatives(
    series: &SeriesStore,
    queries: &[MetricDataQuery],
    partition: &str,
    (period, now): (&Window, Second),
    groups: &[&[String]],
) -> Vec<Vec<String>> {
    let Ok(checked) = check_queries(queries) else { return Vec::new() };
    let Some(Source::Insights { query, .. }) = watched(&checked, None).map(|at| &checked[at].source) else {
        return Vec::new();
    };
    if query.function != insights::Function::Sum {
        return Vec::new();
    }
    let minima = insights::Query {
        function: insights::Function::Min,
        order: None,
        condition: with_first_key(query, groups),
        ..query.clone()
    };
    let answer = insights::execute(series, (partition, Tags::NONE), &minima, period, now);
    let is_negative = |group: &insights::Group| group.points.iter().any(|(_, value)| *value < 0.0);
    answer.groups.into_iter().filter(is_negative).map(|group| group.values).collect()
}

/// The query's condition, and that the first key is one of the groups', so that no more groups are looked at than need be.
fn with_first_key(query: &insights::Query, groups: &[&[String]]) -> Option<Condition> {
    let Some(key @ insights::Key::Dimension(_)) = query.group_by.first() else {
        return query.condition.clone();
    };
    let values = groups.iter().filter_map(|values| values.first());
    let mut values: Vec<insights::Literal> = values.cloned().map(insights::Literal::Text).collect();
    values.dedup();
    let own = Condition::Is(key.clone(), values);
    Some(match query.condition.clone() {
        // Metrics without the key are a group of their own, which has no value to ask for.
        Some(condition) => {
            Condition::All(vec![condition, Condition::Any(vec![own, Condition::IsMissing(key.clone())])])
        }
        None => Condition::Any(vec![own, Condition::IsMissing(key.clone())]),
    })
}

/// How a value can still move, and whether it is never below zero while no sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Motion {
    moves: Moves,
    is_positive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    /// It is a number, whatever data come.
    Not,
    Up,
    Down,
}

const RISES: Motion = Motion { moves: Moves::Up, is_positive: true };

impl Motion {
    /// The same, the other way round.
    fn turned(self) -> Self {
        let moves = match self.moves {
            Moves::Not => Moves::Not,
            Moves::Up => Moves::Down,
            Moves::Down => Moves::Up,
        };
        Self { moves, is_positive: false }
    }

    fn is_constant(self) -> bool {
        self.moves == Moves::Not
    }
}

/// The motion of what a query gives; the check has seen that none needs itself.
fn of_query(queries: &[Checked<'_>], at: usize) -> Option<Motion> {
    match &queries[at].source {
        Source::Metric {
            statistic: Statistic::Sum | Statistic::SampleCount | Statistic::Maximum, ..
        } => Some(RISES),
        Source::Metric { statistic: Statistic::Minimum, .. } => {
            Some(Motion { moves: Moves::Down, is_positive: true })
        }
        Source::Metric { .. } | Source::Insights { .. } => None,
        Source::Math { expression, .. } => of_expression(queries, expression),
    }
}

fn of_expression(queries: &[Checked<'_>], expression: &Expression) -> Option<Motion> {
    let of = |expression: &Expression| of_expression(queries, expression);
    match expression {
        Expression::Number(number) => Some(Motion { moves: Moves::Not, is_positive: *number >= 0.0 }),
        Expression::Variable(id) => {
            of_query(queries, queries.iter().position(|query| query.query.id == *id)?)
        }
        Expression::Negative(inner) => Some(of(inner)?.turned()),
        Expression::Binary(operator, left, right) => of_operator(*operator, of(left)?, of(right)?),
        Expression::Call(function, arguments) => of_call(queries, *function, arguments),
        // A gap that is zero until data come only rises.
        Expression::Fill(filled, Filling::With(with)) if **with == Expression::Number(0.0) => {
            of(filled).filter(|motion| *motion == RISES)
        }
        Expression::Array(_)
        | Expression::Metrics(_)
        | Expression::Search(_)
        | Expression::Sort(..)
        | Expression::Fill(..) => None,
    }
}

/// Two series are only followed where both rise from zero, since a missing point beside another is zero until it comes.
fn of_operator(operator: Operator, left: Motion, right: Motion) -> Option<Motion> {
    use Operator as Is;
    let both_rise = left == RISES && right == RISES;
    let (moves, is_positive) = (left.moves, left.is_positive && right.is_positive);
    match operator {
        Is::Add if right.is_constant() => Some(Motion { moves, is_positive }),
        Is::Add if left.is_constant() => Some(Motion { moves: right.moves, is_positive }),
        Is::Add | Is::Multiply | Is::And | Is::Or if both_rise => Some(RISES),
        Is::Subtract if right.is_constant() => Some(Motion { moves, is_positive: false }),
        Is::Subtract if left.is_constant() => Some(right.turned()),
        Is::Multiply | Is::Divide if right.is_constant() => Some(scaled(left, right)),
        Is::Multiply if left.is_constant() => Some(scaled(right, left)),
        Is::Greater | Is::GreaterOrEqual if right.is_constant() => Some(Motion { moves, is_positive: true }),
        Is::Less | Is::LessOrEqual if left.is_constant() => {
            Some(Motion { moves: right.moves, is_positive: true })
        }
        Is::Less | Is::LessOrEqual if right.is_constant() => {
            Some(Motion { is_positive: true, ..left.turned() })
        }
        Is::Greater | Is::GreaterOrEqual if left.is_constant() => {
            Some(Motion { is_positive: true, ..right.turned() })
        }
        _ => None,
    }
}

fn scaled(motion: Motion, by: Motion) -> Motion {
    if by.is_positive { motion } else { motion.turned() }
}

fn of_call(queries: &[Checked<'_>], function: Function, arguments: &[Expression]) -> Option<Motion> {
    let first = arguments.first()?;
    let members = || members(queries, first);
    match function {
        Function::Ceil | Function::Floor => of_expression(queries, first),
        Function::Abs | Function::RunningSum => {
            of_expression(queries, first).filter(|motion| *motion == RISES)
        }
        Function::Sum => members()?.iter().all(|motion| *motion == RISES).then_some(RISES),
        Function::Max => {
            let members = members()?;
            let is_positive = members.iter().all(|motion| motion.is_positive);
            let rise = members.iter().all(|motion| motion.moves == Moves::Up);
            rise.then_some(Motion { moves: Moves::Up, is_positive })
        }
        Function::Min => {
            let members = members()?;
            let is_positive = members.iter().all(|motion| motion.is_positive);
            let fall = members.iter().all(|motion| motion.moves == Moves::Down);
            fall.then_some(Motion { moves: Moves::Down, is_positive })
        }
        _ => None,
    }
}

/// The motions of what a reducer takes: the series of an array, or one.
fn members(queries: &[Checked<'_>], expression: &Expression) -> Option<Vec<Motion>> {
    match expression {
        Expression::Array(members) => members.iter().map(|member| of_expression(queries, member)).collect(),
        Expression::Metrics(containing) => {
            let is_named = |query: &Checked<'_>| {
                matches!(query.source, Source::Metric { .. })
                    && containing.as_ref().is_none_or(|text| query.query.id.contains(text.as_str()))
            };
            let named = (0..queries.len()).filter(|at| is_named(&queries[*at]));
            named.map(|at| of_query(queries, at)).collect()
        }
        one => of_expression(queries, one).map(|motion| vec![motion]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(expression: &str) -> Option<Course> {
        let stats = ["Sum", "SampleCount", "Maximum", "Minimum", "Average"];
        let metric = |(at, stat): (usize, &str)| {
            format!(
                r#"{{"Id":"m{}","MetricStat":{{"Metric":{{"Namespace":"App","MetricName":"n"}},"Period":60,"Stat":"{stat}"}},"ReturnData":false}}"#,
                at + 1
            )
        };
        let metrics: Vec<String> = stats.into_iter().enumerate().map(metric).collect();
        let text = format!(r#"[{},{{"Id":"e1","Expression":"{expression}"}}]"#, metrics.join(","));
        let queries: Vec<MetricDataQuery> = serde_json::from_str(&text).unwrap();
        match early(&queries, 60)? {
            Early::Metrics(course, metrics) => {
                assert_eq!(metrics.len(), 5);
                Some(course)
            }
            Early::Insights(course, _) => Some(course),
        }
    }

    #[test]
    fn expressions_have_a_course_or_none() {
        use Course::{Falls, Rises};
        for (expression, want) in [
            ("m1 / 2", Some(Rises)),
            ("m1 + m2 * 3", Some(Rises)),
            ("m1 - 10", Some(Rises)),
            ("m1 * m3", Some(Rises)),
            ("10 - m1", Some(Falls)),
            ("-m1 * -1", Some(Rises)),
            ("m1 / -2", Some(Falls)),
            ("SUM([m1, m2])", Some(Rises)),
            ("SUM([m1, m2 - 1])", None),
            ("MAX([m1, m3 - 1])", Some(Rises)),
            ("MAX([m1, m4])", None),
            ("MIN([m4, m4 / 2])", Some(Falls)),
            ("MIN([m1, m2])", None),
            ("SUM(METRICS())", None),
            ("SUM(METRICS('m1'))", Some(Rises)),
            ("CEIL(m4)", Some(Falls)),
            ("m1 > 5", Some(Rises)),
            ("5 < m1 AND m2 >= 2", Some(Rises)),
            ("m4 < 3", Some(Rises)),
            ("m1 < 3", Some(Falls)),
            ("FILL(m1, 0)", Some(Rises)),
            ("FILL(m1, 1)", None),
            ("FILL(m1, REPEAT)", None),
            ("RUNNING_SUM(m1)", Some(Rises)),
            ("m1 - m2", None),
            ("m1 / m2", None),
            ("m1 + m4", None),
            ("(m1 - 5) + m2", None),
            ("m5", None),
            ("AVG([m1, m2])", None),
            ("IF(m1 > 3, m2)", None),
            ("RATE(m1)", None),
            ("TIME_SERIES(5)", None),
        ] {
            assert_eq!(course(expression), want, "{expression}");
        }
    }

    #[test]
    fn queries_of_insights_have_the_course_of_their_function() {
        for (query, want) in [
            ("SELECT SUM(n) FROM App GROUP BY Key", Some(Course::Rises)),
            ("SELECT COUNT(n) FROM App", Some(Course::Rises)),
            ("SELECT MAX(n) FROM App", Some(Course::Rises)),
            ("SELECT MIN(n) FROM App", Some(Course::Falls)),
            ("SELECT AVG(n) FROM App", None),
            ("SELECT SUM(n) FROM App GROUP BY Key ORDER BY SUM() DESC", Some(Course::Rises)),
            ("SELECT SUM(n) FROM App GROUP BY Key ORDER BY SUM() DESC LIMIT 5", None),
        ] {
            let text = format!(r#"[{{"Id":"q1","Expression":"{query}","Period":60}}]"#);
            let queries: Vec<MetricDataQuery> = serde_json::from_str(&text).unwrap();
            let course = early(&queries, 60).map(|early| match early {
                Early::Metrics(course, _) | Early::Insights(course, _) => course,
            });
            assert_eq!(course, want, "{query}");
        }
    }

    #[test]
    fn other_periods_have_no_course() {
        let text = r#"[{"Id":"m1","MetricStat":{"Metric":{"Namespace":"App","MetricName":"n"},"Period":60,"Stat":"Sum"},"ReturnData":false},
            {"Id":"e1","Expression":"m1","Period":300}]"#;
        let queries: Vec<MetricDataQuery> = serde_json::from_str(text).unwrap();
        assert_eq!(early(&queries, 300), None);
    }
}
