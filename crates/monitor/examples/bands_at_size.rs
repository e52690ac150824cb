//! Measures alarms on anomaly detection bands: how long the first round takes, in which all models are trained, and how much of a
//! processor a thousand alarms need that are evaluated every minute for two hours, training included.
//!
//! `cargo run --release -p keywatch-monitor --example bands_at_size -- [ALARMS] [PERIOD]`

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::{env, fs, time::Duration};

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudwatch::{
    ComparisonOperator,
    metrics::{Metric, MetricDataQuery, MetricStat},
};
use keywatch_monitor::{
    alarms::{
        alarm::Alarm,
        config::{Config, MetricRule, Queries, Rule, Subject},
        reconcile::AlarmReconciler,
        store::{ALARM, alarm_key},
    },
    engine::Follower,
    metrics::{
        Second, Unit,
        live::LiveSeries,
        series::{Datum, MetricRef},
        statistic_set::StatisticSet,
    },
};
use keywatch_store::{Store, Transaction};

/// The server's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ALARMS: usize = 1_000;
const PERIOD: Second = 60;
const MINUTES: i64 = 120;
const WEEKS: Second = 14 * 86_400;
const START: &str = "2026-09-14T11:00:00Z";
const PARTITION: &str = "000000000000/us-east-1";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let alarms = arguments.next().map_or(Ok(ALARMS), |text| text.parse())?;
    let period: Second = arguments.next().map_or(Ok(PERIOD), |text| text.parse())?;
    let scratch = tempfile::TempDir::new()?;
    let store = Store::open_embedded(scratch.path()).await?;
    let live = LiveSeries::load(&store).await?;
    let mut now: Timestamp = START.parse()?;
    for at in (now.as_second() - WEEKS..now.as_second()).step_by(usize::try_from(period)?) {
        put(&live, alarms, at)?;
    }
    let mut transaction = Transaction::new(&store);
    for number in 0..alarms {
        let alarm = alarm(number, i32::try_from(period)?, now);
        transaction.put(ALARM, &alarm_key(PARTITION, &alarm.name), &alarm)?;
    }
    transaction.commit().await.map_err(|error| error.to_string())?;

    let mut reconciler = AlarmReconciler::new(store.clone(), live.clone());
    reconciler.follow(&[], now).await?;
    now += SignedDuration::from_mins(1);
    let (rounds, first) = due(&mut reconciler, now).await?;
    println!("{alarms} alarms of {period} s: first evaluation {first:.1?} of a processor in {rounds} rounds");
    let (mut all, mut longest) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..MINUTES {
        if now.as_second() % period == 0 {
            put(&live, alarms, now.as_second())?;
        }
        now += SignedDuration::from_mins(1);
        let (_, took) = due(&mut reconciler, now).await?;
        (all, longest) = (all + took, longest.max(took));
    }
    let share = all.as_secs_f64() / (MINUTES * 60) as f64 * 100.0;
    let mean = all / u32::try_from(MINUTES)?;
    println!(
        "then {mean:.1?} a minute, at most {longest:.1?}: {share:.2} % of a processor, training included"
    );
    Ok(())
}

/// Evaluates what is due; gives how many rounds that took, and the processor's time.
async fn due(reconciler: &mut AlarmReconciler, now: Timestamp) -> Result<(u32, Duration), Failure> {
    let before = processor()?;
    let mut rounds = 0;
    while reconciler.next_due(now).await?.is_some_and(|due| due <= now) {
        reconciler.run_due(now).await?;
        rounds += 1;
    }
    Ok((rounds, processor()? - before))
}

/// What this thread has used of a processor.
fn processor() -> Result<Duration, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().ok_or("no time in schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn name(number: usize) -> String {
    format!("requests-{number}")
}

/// A daily wave with some unrest, for every metric.
fn put(live: &LiveSeries, metrics: usize, at: Second) -> Result<(), Failure> {
    live.change(|series, _| {
        for number in 0..metrics {
            let unrest = ((at / 60 + 31 * number as Second) * 7_919 % 97) as f64 / 10.0;
            let wave = (at as f64 / 86_400.0 * std::f64::consts::TAU).sin();
            let set = StatisticSet::uniform(200.0 + 80.0 * wave + unrest, 1.0);
            let name = name(number);
            let metric = MetricRef { partition: PARTITION, namespace: "App", name: &name, dimensions: &[] };
            let datum = Datum { metric, time: at, unit: Unit::None, high_resolution: false, set: &set };
            series.add(u64::try_from(at)?, &datum, at)?;
        }
        Ok(())
    })
}

fn alarm(number: usize, period: i32, now: Timestamp) -> Alarm {
    let metric = Metric { namespace: Some("App".into()), metric_name: Some(name(number)), dimensions: None };
    let query = |id: &str, metric_stat, expression| MetricDataQuery {
        id: id.into(),
        metric_stat,
        expression,
        label: None,
        return_data: Some(true),
        period: None,
        account_id: None,
    };
    let stat = MetricStat { metric, period, stat: "Average".into(), unit: None };
    let metrics = vec![
        query("m1", Some(stat), None),
        query("ad1", None, Some("ANOMALY_DETECTION_BAND(m1, 10)".into())),
    ];
    let threshold_metric_id = Some("ad1".into());
    let subject = Subject::Queries(Queries { metrics, threshold_metric_id, period, group_by: Vec::new() });
    let config = Config {
        description: None,
        actions_enabled: true,
        ok_actions: Vec::new(),
        alarm_actions: Vec::new(),
        insufficient_data_actions: Vec::new(),
        rule: Rule::Metric(MetricRule {
            subject,
            evaluation_periods: 1,
            datapoints_to_alarm: None,
            threshold: None,
            comparison_operator: ComparisonOperator::GreaterThanUpperThreshold,
            treat_missing_data: None,
            evaluate_low_sample_count_percentile: None,
        }),
    };
    Alarm::new(("000000000000", "us-east-1"), format!("band-{number}"), config, Vec::new(), now)
}
