//! Answers a query from the series: filter, group, merge by period, order, cut.

use std::{collections::HashMap, sync::Arc};

use super::{Condition, Function, GROUPS_MAX, Key, Query, SCANNED_MAX};
use crate::metrics::{
    Second,
    packed::Figures,
    series::{Metric, SeriesId, SeriesStore, Window},
    symbols::Symbol,
};

/// One time series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The values of the grouping keys, separated by blanks; empty without `GROUP BY`.
    pub label: String,
    /// The same values, in the order of the keys.
    pub values: Vec<String>,
    /// Start of a period and the function's value, oldest first; periods without samples are absent.
    pub points: Vec<(Second, f64)>,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub groups: Vec<Group>,
    /// More series matched than may be looked at, or more groups than may be returned.
    pub partial: bool,
}

/// The label of metrics that lack a dimension of `GROUP BY`.
const OTHER: &str = "Other";

/// Runs a query over the series of one partition (account and region) and the periods of a window.
pub fn execute(store: &SeriesStore, partition: &str, query: &Query, window: &Window, now: Second) -> Answer {
    let account = partition.split('/').next().unwrap_or_default();
    let plan = Plan::new(store, query, account);
    let mut groups: HashMap<Box<[Option<Symbol>]>, Totals> = HashMap::new();
    let mut scanned = 0;
    for &id in store.named(partition, &query.namespace, &query.metric) {
        let metric = store.metric(id);
        // A series that fell silent before the window has nothing to add.
        if !plan.takes(&metric) || !store.is_recent(id, now, now - window.start + 1) {
            continue;
        }
        scanned += 1;
        if scanned > SCANNED_MAX {
            break;
        }
        add(store, id, window, now, groups.entry(plan.group(&metric)).or_insert_with(|| Totals::new(window)));
    }
    let labelled = groups.into_iter().map(|(key, totals)| (plan.values(&key), totals));
    let mut labelled: Vec<(Vec<String>, Totals)> = merge_by_values(labelled, window);
    labelled.retain(|(_, totals)| totals.all.is_some());
    sort(&mut labelled, query);
    let limit = query.limit.unwrap_or(GROUPS_MAX).min(GROUPS_MAX);
    let partial = scanned > SCANNED_MAX || (query.limit.is_none() && labelled.len() > limit);
    labelled.truncate(limit);
    let group = |(values, totals): (Vec<String>, Totals)| Group {
        label: values.join(" "),
        values,
        points: totals.points(query.function, window),
    };
    Answer { groups: labelled.into_iter().map(group).collect(), partial }
}

fn add(store: &SeriesStore, id: SeriesId, window: &Window, now: Second, totals: &mut Totals) {
    store.for_each_figures(id, window, now, |index, figures| {
        merge(&mut totals.periods[index], figures);
        merge(&mut totals.all, figures);
    });
}

/// Groups with the same values are one, as when a dimension's value is itself `Other`.
fn merge_by_values(
    labelled: impl Iterator<Item = (Vec<String>, Totals)>,
    window: &Window,
) -> Vec<(Vec<String>, Totals)> {
    let mut by_values: HashMap<Vec<String>, Totals> = HashMap::new();
    for (values, totals) in labelled {
        let all = by_values.entry(values).or_insert_with(|| Totals::new(window));
        for (mine, theirs) in all.periods.iter_mut().zip(&totals.periods) {
            if let Some(theirs) = theirs {
                merge(mine, *theirs);
            }
        }
        if let Some(theirs) = totals.all {
            merge(&mut all.all, theirs);
        }
    }
    by_values.into_iter().collect()
}

/// Alphabetical, then by the order asked for; ties stay alphabetical so that answers are stable.
///
/// `ORDER BY` ranks what the query shows: with the selected function the group's aggregate over the whole range, with
/// another one that function over the shown values, so that `SELECT SUM(x) … ORDER BY MAX()` finds the busiest minute
/// and not the largest sample, which for a counter is always 1.
fn sort(groups: &mut [(Vec<String>, Totals)], query: &Query) {
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let Some(order) = query.order else { return };
    let rank = |totals: &Totals| {
        let ranked = if order.function == query.function { totals.all } else { totals.shown(query.function) };
        ranked.map_or(f64::NEG_INFINITY, |figures| value(order.function, &figures))
    };
    groups.sort_by(|(_, a), (_, b)| {
        let rising = rank(a).total_cmp(&rank(b));
        if order.descending { rising.reverse() } else { rising }
    });
}

/// The figures of a group while series are added.
#[derive(Debug)]
struct Totals {
    periods: Vec<Option<Figures>>,
    all: Option<Figures>,
}

impl Totals {
    fn new(window: &Window) -> Self {
        Self { periods: vec![None; window.count], all: None }
    }

    /// The figures of the values that `function` shows, one a period.
    fn shown(&self, function: Function) -> Option<Figures> {
        let mut shown = None;
        for figures in self.periods.iter().flatten() {
            let one = value(function, figures);
            merge(&mut shown, Figures { count: 1.0, sum: one, minimum: one, maximum: one });
        }
        shown
    }

    fn points(&self, function: Function, window: &Window) -> Vec<(Second, f64)> {
        let filled =
            self.periods.iter().enumerate().filter_map(|(index, figures)| Some((index, figures.as_ref()?)));
        filled.map(|(index, figures)| (window.time(index), value(function, figures))).collect()
    }
}

fn merge(into: &mut Option<Figures>, figures: Figures) {
    *into = Some(match *into {
        None => figures,
        Some(all) => Figures {
            count: all.count + figures.count,
            sum: all.sum + figures.sum,
            minimum: all.minimum.min(figures.minimum),
            maximum: all.maximum.max(figures.maximum),
        },
    });
}

fn value(function: Function, figures: &Figures) -> f64 {
    match function {
        Function::Avg => figures.sum / figures.count,
        Function::Count => figures.count,
        Function::Max => figures.maximum,
        Function::Min => figures.minimum,
        Function::Sum => figures.sum,
    }
}

/// A query with its names looked up once, so that each series costs comparisons of numbers only.
struct Plan<'a> {
    store: &'a SeriesStore,
    account: Arc<str>,
    /// The wanted dimension names; `Some(None)` when one of them is in no series at all.
    schema: Option<Option<Vec<Symbol>>>,
    tests: Vec<Test>,
    group_by: Vec<GroupKey>,
    /// The conditions on the account hold.
    account_fits: bool,
}

struct Test {
    name: Option<Symbol>,
    value: Option<Symbol>,
    negated: bool,
}

enum GroupKey {
    Account,
    /// The dimension's name; none when no series has it.
    Dimension(Option<Symbol>),
}

impl<'a> Plan<'a> {
    fn new(store: &'a SeriesStore, query: &Query, account: &str) -> Self {
        let schema = query.schema.as_ref().map(|names| {
            let mut symbols: Vec<Symbol> =
                names.iter().map(|name| store.symbol(name)).collect::<Option<_>>()?;
            symbols.sort_unstable();
            Some(symbols)
        });
        let (mut tests, mut account_fits) = (Vec::new(), true);
        for Condition { key, negated, value } in &query.conditions {
            match key {
                Key::AccountId => {
                    account_fits &= value.as_deref().is_none_or(|value| value == account) != *negated
                }
                Key::Dimension(name) => tests.push(Test {
                    name: store.symbol(name),
                    value: value.as_deref().and_then(|value| store.symbol(value)),
                    negated: *negated,
                }),
            }
        }
        let group_by = query.group_by.iter().map(|key| match key {
            Key::AccountId => GroupKey::Account,
            Key::Dimension(name) => GroupKey::Dimension(store.symbol(name)),
        });
        Self { store, account: account.into(), schema, tests, group_by: group_by.collect(), account_fits }
    }

    fn takes(&self, metric: &Metric<'_>) -> bool {
        let dimensions = metric.dimension_symbols();
        let schema_fits = match &self.schema {
            None => true,
            Some(None) => false,
            Some(Some(names)) => {
                names.len() == dimensions.len()
                    && dimensions.iter().all(|(name, _)| names.binary_search(name).is_ok())
            }
        };
        schema_fits && self.account_fits && self.tests.iter().all(|test| test.holds(dimensions))
    }

    fn group(&self, metric: &Metric<'_>) -> Box<[Option<Symbol>]> {
        let dimensions = metric.dimension_symbols();
        let value = |key: &GroupKey| match key {
            GroupKey::Account => None,
            GroupKey::Dimension(name) => name.and_then(|name| find(dimensions, name)),
        };
        self.group_by.iter().map(value).collect()
    }

    fn values(&self, group: &[Option<Symbol>]) -> Vec<String> {
        let parts = self.group_by.iter().zip(group).map(|(key, value)| match (key, value) {
            (GroupKey::Account, _) => &*self.account,
            (GroupKey::Dimension(_), Some(value)) => self.store.text(*value),
            (GroupKey::Dimension(_), None) => OTHER,
        });
        parts.map(str::to_owned).collect()
    }
}

impl Test {
    fn holds(&self, dimensions: &[(Symbol, Symbol)]) -> bool {
        let found = self.name.and_then(|name| find(dimensions, name));
        let equal = found.is_some() && found == self.value;
        equal != self.negated
    }
}

fn find(dimensions: &[(Symbol, Symbol)], name: Symbol) -> Option<Symbol> {
    dimensions.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{
        Unit,
        insights::parse,
        series::{Datum, MetricRef},
        statistic_set::StatisticSet,
    };

    const PARTITION: &str = "000000000000/us-east-1";
    const NOW: Second = 10_000;

    /// Three keys: `a` 1+2 calls, `b` 10 in one minute, `c` 4 by two operations; and a metric without dimensions.
    fn store() -> SeriesStore {
        let mut store = SeriesStore::default();
        for (key, operation, time, count) in [
            ("a", "Encrypt", 60, 1.0),
            ("a", "Encrypt", 120, 2.0),
            ("b", "Decrypt", 60, 10.0),
            ("c", "Encrypt", 60, 1.0),
            ("c", "Decrypt", 120, 3.0),
        ] {
            put(
                &mut store,
                PARTITION,
                &[("KeyArn", key), ("Operation", operation)],
                time,
                &StatisticSet::uniform(1.0, count),
            );
        }
        put(&mut store, PARTITION, &[], 60, &StatisticSet::uniform(7.0, 1.0));
        put(
            &mut store,
            "111122223333/us-east-1",
            &[("KeyArn", "z"), ("Operation", "Sign")],
            60,
            &StatisticSet::uniform(1.0, 99.0),
        );
        store
    }

    fn put(
        store: &mut SeriesStore,
        partition: &str,
        dimensions: &[(&str, &str)],
        time: Second,
        set: &StatisticSet,
    ) {
        let metric = MetricRef { partition, namespace: "AWS/KMS", name: "SuccessfulRequest", dimensions };
        store.add(1, &Datum { metric, time, unit: Unit::Count, high_resolution: false, set }, NOW).unwrap();
    }

    #[test]
    fn busiest_first() {
        check(
            "SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY SUM() DESC",
            &[("b", &[(60, 10.0)]), ("c", &[(60, 1.0), (120, 3.0)]), ("a", &[(60, 1.0), (120, 2.0)])],
        );
        check(
            "SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", Operation, KeyArn) GROUP BY KeyArn ORDER BY SUM() LIMIT 1",
            &[("a", &[(60, 1.0), (120, 2.0)])],
        );
    }

    #[test]
    fn another_function_orders_the_shown_values() {
        check(
            "SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY MAX () DESC",
            &[("b", &[(60, 10.0)]), ("c", &[(60, 1.0), (120, 3.0)]), ("a", &[(60, 1.0), (120, 2.0)])],
        );
        check(
            "SUM(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY KeyArn ORDER BY COUNT() DESC LIMIT 1",
            &[("a", &[(60, 1.0), (120, 2.0)])],
        );
    }

    #[test]
    fn groups_are_alphabetical_without_an_order() {
        check(
            "COUNT(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn, Operation) GROUP BY Operation, KeyArn LIMIT 2",
            &[("Decrypt b", &[(60, 10.0)]), ("Decrypt c", &[(120, 3.0)])],
        );
    }

    #[test]
    fn conditions() {
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn = 'c'",
            &[("", &[(60, 1.0), (120, 3.0)])],
        );
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn != 'b' AND Operation != 'Decrypt'",
            &[("", &[(60, 9.0), (120, 2.0)])],
        );
        check("SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn = 'nobody'", &[]);
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE Nothing != 'x' AND KeyArn = 'b'",
            &[("", &[(60, 10.0)])],
        );
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE AWS.AccountId = CURRENT_ACCOUNT_ID() AND KeyArn = 'b'",
            &[("", &[(60, 10.0)])],
        );
        check("SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE AWS.AccountId = '5'", &[]);
    }

    #[test]
    fn schemas_and_missing_dimensions() {
        check("MAX(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\")", &[("", &[(60, 7.0)])]);
        check("MAX(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", KeyArn)", &[]);
        check("MAX(SuccessfulRequest) FROM SCHEMA(\"AWS/KMS\", Unknown)", &[]);
        check(
            "AVG(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn != 'b' AND KeyArn != 'c' GROUP BY KeyArn, AWS.AccountId",
            &[("Other 000000000000", &[(60, 7.0)]), ("a 000000000000", &[(60, 1.0), (120, 1.0)])],
        );
        check("SUM(Other) FROM \"AWS/KMS\"", &[]);
    }

    #[test]
    fn silent_series_are_no_groups() {
        let query = parse("SELECT SUM(SuccessfulRequest) FROM \"AWS/KMS\" GROUP BY KeyArn").unwrap();
        assert_eq!(execute(&store(), PARTITION, &query, &Window::covering(9_000, 9_600, 60), NOW).groups, []);
        let old = execute(&store(), PARTITION, &query, &Window::covering(0, 300, 300), NOW * 1_000);
        assert_eq!(old.groups.len(), 4);
    }

    #[track_caller]
    fn check(text: &str, want: &[(&str, &[(Second, f64)])]) {
        let query = parse(&format!("SELECT {text}")).unwrap();
        let answer = execute(&store(), PARTITION, &query, &Window::covering(0, 300, 60), NOW);
        let got: Vec<_> =
            answer.groups.iter().map(|group| (group.label.as_str(), group.points.as_slice())).collect();
        assert_eq!(got, want);
        assert!(!answer.partial);
    }
}
