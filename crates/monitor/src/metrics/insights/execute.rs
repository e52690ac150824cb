//! Answers a query from the series: filter, group, rank, cut, and merge the points of the groups that are left by period.
//!
//! Of a million series few are shown. Groups are ranked by what is known of them without reading their points (`recent.rs`), and points
//! are read from the highest bound down, until no group that was not read can be among the first. Where no bounds are known all are read.

use std::{cmp::Ordering, collections::BinaryHeap, thread};

use super::{Function, GROUPS_MAX, Order, Query, groups::Groups, plan::Plan};
use crate::metrics::{
    Second,
    packed::Figures,
    series::{SeriesStore, Window},
    tags::Tags,
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
    /// There are more groups than may be returned.
    pub partial: bool,
}

/// Fewer groups than this are not worth another thread.
const GROUPS_A_THREAD: usize = 20_000;
const THREADS_MAX: usize = 4;

/// Runs a query over the series of one partition (account and region) and the periods of a window.
pub fn execute(
    store: &SeriesStore,
    (partition, tags): (&str, &Tags),
    query: &Query,
    window: &Window,
    now: Second,
) -> Answer {
    let account = partition.split('/').next().unwrap_or_default();
    let plan = Plan::new(store, query, account, tags);
    let series = store.named(partition, &query.namespace, &query.metric);
    let groups = Groups::of(&plan, series, plan.symbols());
    let run = Run { store, partition, query, window, now, plan: &plan, groups: &groups };
    // Without a limit one more tells whether there are more than may be returned.
    let wanted = query.limit.map_or(GROUPS_MAX + 1, |limit| limit.min(GROUPS_MAX));
    let mut first = match query.order {
        None => run.first_by_label(wanted),
        Some(order) => run.first_by_bounds(order, wanted).unwrap_or_else(|| run.first_of_all(order, wanted)),
    };
    let partial = query.limit.is_none() && first.len() > GROUPS_MAX;
    first.truncate(GROUPS_MAX);
    let mut reader = Reader::new(window);
    let groups = first.into_iter().map(|group| {
        reader.read(&run, group, true);
        let values = run.values(group);
        Group { label: values.join(" "), values, points: reader.points(query.function, window) }
    });
    Answer { groups: groups.collect(), partial }
}

/// A query under way.
struct Run<'a> {
    store: &'a SeriesStore,
    partition: &'a str,
    query: &'a Query,
    window: &'a Window,
    now: Second,
    plan: &'a Plan<'a>,
    groups: &'a Groups,
}

impl Run<'_> {
    fn values(&self, group: u32) -> Vec<String> {
        self.plan.parts(self.groups.key(group)).map(str::to_owned).collect()
    }

    fn by_values(&self, a: u32, b: u32) -> Ordering {
        self.plan.parts(self.groups.key(a)).cmp(self.plan.parts(self.groups.key(b)))
    }

    /// Alphabetical: the first groups that have samples.
    fn first_by_label(&self, wanted: usize) -> Vec<u32> {
        let mut left: Vec<u32> = (0..self.groups.len() as u32).collect();
        let mut first = Vec::new();
        let mut reader = Reader::new(self.window);
        while first.len() < wanted && !left.is_empty() {
            let some = left.len().min(2 * wanted);
            if some < left.len() {
                left.select_nth_unstable_by(some, |a, b| self.by_values(*a, *b));
            }
            let mut next: Vec<u32> = left.drain(..some).collect();
            next.sort_unstable_by(|a, b| self.by_values(*a, *b));
            let with_samples = next.into_iter().filter(|group| {
                reader.read(self, *group, false);
                reader.all.is_some()
            });
            first.extend(with_samples.take(wanted - first.len()));
        }
        first
    }

    /// Every group ranked.
    fn first_of_all(&self, order: Order, wanted: usize) -> Vec<u32> {
        let count = self.groups.len();
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let threads = threads.min(count / GROUPS_A_THREAD).max(1);
        let rank = |from: usize, to: usize| {
            let mut reader = Reader::new(self.window);
            let ranked =
                (from..to).filter_map(|group| Some((reader.rank(self, group as u32, order)?, group as u32)));
            ranked.collect::<Vec<(f64, u32)>>()
        };
        let part = |at: usize| count * at / threads;
        let mut ranked = thread::scope(|scope| {
            let others: Vec<_> =
                (1..threads).map(|at| scope.spawn(move || rank(part(at), part(at + 1)))).collect();
            let mut ranked = rank(0, part(1));
            for other in others {
                ranked.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            ranked
        });
        let compare = |a: &(f64, u32), b: &(f64, u32)| self.compare(order, *a, *b);
        if wanted < ranked.len() {
            ranked.select_nth_unstable_by(wanted, compare);
            ranked.truncate(wanted);
        }
        ranked.sort_unstable_by(compare);
        ranked.into_iter().map(|(_, group)| group).collect()
    }

    /// The groups with the highest ranks, found by upper bounds of them; `None` where none are known.
    fn first_by_bounds(&self, order: Order, wanted: usize) -> Option<Vec<u32>> {
        let of_one_period = match (self.query.function, order) {
            (Function::Sum, Order { function: Function::Sum, descending: true }) => false,
            (Function::Sum, Order { function: Function::Max, descending: true }) => true,
            _ => return None,
        };
        let names = (self.partition, self.query.namespace.as_str(), self.query.metric.as_str());
        let bounds = self.store.bounds(names, self.window, of_one_period)?;
        let bound =
            |group: u32| -> f64 { self.groups.members(group).iter().map(|id| bounds[id.0 as usize]).sum() };
        let mut left: BinaryHeap<Bounded> =
            (0..self.groups.len() as u32).map(|group| Bounded { bound: bound(group), group }).collect();
        let mut reader = Reader::new(self.window);
        let mut first: Vec<(f64, u32)> = Vec::new();
        while let Some(Bounded { bound, group }) = left.pop() {
            if wanted == 0 || (first.len() == wanted && first.last().is_some_and(|(rank, _)| bound < *rank)) {
                break;
            }
            let Some(rank) = reader.rank(self, group, order) else { continue };
            let at = first.partition_point(|known| self.compare(order, *known, (rank, group)).is_lt());
            first.insert(at, (rank, group));
            first.truncate(wanted);
        }
        Some(first.into_iter().map(|(_, group)| group).collect())
    }

    /// By rank in the order asked for; ties are alphabetical, so that answers are stable.
    fn compare(&self, order: Order, a: (f64, u32), b: (f64, u32)) -> Ordering {
        let rising = a.0.total_cmp(&b.0);
        let by_rank = if order.descending { rising.reverse() } else { rising };
        by_rank.then_with(|| self.by_values(a.1, b.1))
    }
}

/// A group and the most that its rank can be; the highest first.
struct Bounded {
    bound: f64,
    group: u32,
}

impl Ord for Bounded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound)
    }
}
impl PartialOrd for Bounded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Bounded {}

/// Reads the points of one group after the other.
struct Reader {
    periods: Vec<Option<Figures>>,
    /// Which periods are filled.
    filled: Vec<usize>,
    all: Option<Figures>,
}

impl Reader {
    fn new(window: &Window) -> Self {
        Self { periods: vec![None; window.count], filled: Vec::new(), all: None }
    }

    /// Takes in a group's points, by period if asked.
    fn read(&mut self, run: &Run<'_>, group: u32, by_period: bool) {
        for at in self.filled.drain(..) {
            self.periods[at] = None;
        }
        self.all = None;
        for id in run.groups.members(group) {
            // A series that fell silent before the window has nothing to add.
            if !run.store.is_recent(*id, run.now, run.now - run.window.start + 1) {
                continue;
            }
            run.store.for_each_figures(*id, run.window, run.now, |index, figures| {
                merge(&mut self.all, figures);
                if by_period {
                    if self.periods[index].is_none() {
                        self.filled.push(index);
                    }
                    merge(&mut self.periods[index], figures);
                }
            });
        }
    }

    /// What a group is ordered by; `None` without samples.
    ///
    /// `ORDER BY` ranks what the query shows: with the selected function the group's aggregate over the whole range, with
    /// another one that function over the shown values, so that `SELECT SUM(x) … ORDER BY MAX()` finds the busiest minute
    /// and not the largest sample, which for a counter is always 1.
    fn rank(&mut self, run: &Run<'_>, group: u32, order: Order) -> Option<f64> {
        let selected = run.query.function;
        self.read(run, group, order.function != selected);
        let all = self.all?;
        if order.function == selected {
            return Some(value(order.function, &all));
        }
        let mut shown = None;
        for figures in self.filled.iter().filter_map(|at| self.periods[*at].as_ref()) {
            let one = value(selected, figures);
            merge(&mut shown, Figures { count: 1.0, sum: one, minimum: one, maximum: one });
        }
        shown.map(|shown| value(order.function, &shown))
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
    fn tags_group_and_filter() {
        let mut tags = Tags::default();
        for (key, team) in [("a", "blue"), ("b", "Encrypt"), ("none", "red")] {
            tags.add(key.into(), vec![("Team".into(), team.into())]);
        }
        let answered = |text: &str| {
            let query = parse(&format!("SELECT SUM(SuccessfulRequest) FROM \"AWS/KMS\" {text}")).unwrap();
            let answer = execute(&store(), (PARTITION, &tags), &query, &Window::covering(0, 300, 300), NOW);
            answer.groups.into_iter().map(|group| (group.label, group.points[0].1)).collect::<Vec<_>>()
        };
        for (text, expected) in [
            ("GROUP BY tag.Team", vec![("Encrypt", 10.0), ("Other", 11.0), ("blue", 3.0)]),
            (r#"WHERE tag."Team" = 'blue'"#, vec![("", 3.0)]),
            ("WHERE tag.Team != 'blue' AND KeyArn = 'b'", vec![("", 10.0)]),
            ("WHERE tag.Team IS NULL", vec![("", 11.0)]),
            ("WHERE tag.Team = 'red'", vec![]),
            ("WHERE tag.Unknown = 'blue'", vec![]),
            (
                "WHERE tag.Team IN ('blue', 'Encrypt') GROUP BY KeyArn, tag.Team",
                vec![("a blue", 3.0), ("b Encrypt", 10.0)],
            ),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(label, sum)| (label.to_owned(), sum)).collect();
            assert_eq!(answered(text), expected, "{text}");
        }
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

    /// Bounds leave out only what reading everything leaves out too.
    #[test]
    fn bounds_find_what_reading_all_finds() {
        let mut store = SeriesStore::default();
        let (mut random, now) = (7u64, 200_000);
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..6_000 {
            let (key, operation) = (next(40).to_string(), next(3).to_string());
            let (time, count) = (now - next(13_000) as Second, 1.0 + next(9) as f64 * next(9) as f64);
            let dimensions = [("KeyArn", key.as_str()), ("Operation", operation.as_str())];
            let metric =
                MetricRef { partition: PARTITION, namespace: "A", name: "x", dimensions: &dimensions };
            let set = StatisticSet::uniform(if next(20) == 0 { -1.0 } else { 1.0 }, count);
            let unit = if next(4) == 0 { Unit::None } else { Unit::Count };
            store.add(1, &Datum { metric, time, unit, high_resolution: false, set: &set }, now).unwrap();
        }
        for (start, period) in
            [(now - 10_800, 60), (now - 9_990, 300), (now - 700, 60), (now - 10_800, 3_600)]
        {
            for order in ["SUM", "MAX"] {
                let text = format!("SELECT SUM(x) FROM A GROUP BY KeyArn ORDER BY {order}() DESC");
                let query = parse(&text).unwrap();
                let window = Window::covering(start, now, period);
                let plan = Plan::new(&store, &query, "000000000000", Tags::NONE);
                let groups = Groups::of(&plan, store.named(PARTITION, "A", "x"), plan.symbols());
                let (store, query, window) = (&store, &query, &window);
                let run =
                    Run { store, partition: PARTITION, query, window, now, plan: &plan, groups: &groups };
                for wanted in [1, 7, 40] {
                    let order = query.order.unwrap();
                    let by_bounds = run.first_by_bounds(order, wanted);
                    assert_eq!(by_bounds, Some(run.first_of_all(order, wanted)), "{text} {start} {wanted}");
                }
            }
        }
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
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn = 'b' OR Operation = 'Decrypt' AND KeyArn IN ('a', 'c')",
            &[("", &[(60, 10.0), (120, 3.0)])],
        );
        check("SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE KeyArn IS NULL", &[("", &[(60, 7.0)])]);
        check(
            "SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE NOT (KeyArn IS NULL OR KeyArn NOT IN ('a'))",
            &[("", &[(60, 1.0), (120, 2.0)])],
        );
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
        assert_eq!(
            execute(&store(), (PARTITION, Tags::NONE), &query, &Window::covering(9_000, 9_600, 60), NOW)
                .groups,
            []
        );
        let old =
            execute(&store(), (PARTITION, Tags::NONE), &query, &Window::covering(0, 300, 300), NOW * 1_000);
        assert_eq!(old.groups.len(), 4);
    }

    #[track_caller]
    fn check(text: &str, want: &[(&str, &[(Second, f64)])]) {
        let query = parse(&format!("SELECT {text}")).unwrap();
        let answer = execute(&store(), (PARTITION, Tags::NONE), &query, &Window::covering(0, 300, 60), NOW);
        let got: Vec<_> =
            answer.groups.iter().map(|group| (group.label.as_str(), group.points.as_slice())).collect();
        assert_eq!(got, want);
        assert!(!answer.partial);
    }
}
