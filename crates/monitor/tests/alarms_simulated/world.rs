//! The real thing: series, alarms and a store in a directory, moved from due moment to due moment as the engine does.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use keywatch_api::cloudwatch::{
    ComparisonOperator, HistoryItemType, SimpleStatistic, StateValue,
    metrics::{Dimension, MetricDataQuery},
    mutes,
};
use keywatch_monitor::{
    alarms::{
        alarm::{Alarm, State},
        change,
        composite::rule,
        config::{self, CompositeRule, Config, MetricRule, OneMetric, Queries, Subject},
        history::Configured,
        hold::Around,
        mute::{MUTE_RULE, MuteRule, mute_key, muting},
        reconcile::AlarmReconciler,
        store::{ALARM, HISTORY, HistoryItem, alarm_key},
    },
    engine::Follower,
    entry::{Body, Event, Message, Point, PointValue, Points},
    metrics::{follower::MetricsFollower, live::LiveSeries},
};
use keywatch_store::{Batch, EntryKind, Partition, Scan, Store, Transaction};

use crate::{
    START,
    plan::{self, FAST, Kind, Mute, Of, Rule, Stat, Treatment},
};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const PARTITION: &str = "111122223333/us-east-1";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alerts";
const NAMESPACE: &str = "Sim";

pub struct World {
    directory: tempfile::TempDir,
    running: Option<Running>,
    now: Timestamp,
    /// Metrics with points since the series were last written down.
    unstored: Vec<usize>,
}

struct Running {
    store: Store,
    metrics: MetricsFollower,
    alarms: AlarmReconciler,
}

impl Running {
    async fn open(directory: &tempfile::TempDir, now: Timestamp) -> Self {
        let store = Store::open_embedded(directory.path()).await.unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        let metrics = MetricsFollower::new(store.clone(), Arc::clone(&live), now);
        let alarms = AlarmReconciler::new(store.clone(), live);
        Self { store, metrics, alarms }
    }
}

impl World {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millisecond(START * 1_000 - 500).unwrap();
        let running = Some(Running::open(&directory, now).await);
        Self { directory, running, now, unstored: Vec::new() }
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().unwrap()
    }

    /// Opens the place again. Gives the metrics whose points are taken in once more.
    pub async fn restart(&mut self, stored: bool) -> Vec<usize> {
        let now = self.now;
        if stored {
            self.running().metrics.store(now).await.unwrap();
            self.unstored.clear();
        }
        let Running { store, metrics, alarms } = self.running.take().unwrap();
        drop((metrics, alarms));
        store.close().await;
        drop(store);
        self.running = Some(Running::open(&self.directory, now).await);
        self.settle().await;
        self.unstored.clone()
    }

    pub async fn advance(&mut self, target: i64) {
        let target = Timestamp::from_millisecond(target).unwrap();
        loop {
            let now = self.now;
            let running = self.running();
            let dues =
                [running.metrics.next_due(now).await.unwrap(), running.alarms.next_due(now).await.unwrap()];
            let Some(due) = dues.into_iter().flatten().min().filter(|due| *due <= target) else { break };
            assert!(due > now, "time moves on");
            self.now = due;
            self.settle().await;
        }
        self.now = target;
    }

    /// The log, and what is due, until neither is left.
    async fn settle(&mut self) {
        let now = self.now;
        loop {
            let running = self.running.as_mut().unwrap();
            let store = &running.store;
            while running.alarms.position() < store.head() {
                let from = running.alarms.position().min(running.metrics.position());
                let entries = store.read_log(from, 4 << 20).await.unwrap();
                for follower in [&mut running.metrics as &mut dyn Follower, &mut running.alarms] {
                    let position = follower.position();
                    let new = &entries[entries.partition_point(|entry| entry.seq <= position)..];
                    follower.follow(new, now).await.unwrap();
                }
            }
            let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= now);
            if is_due(running.metrics.next_due(now).await.unwrap()) {
                running.metrics.run_due(now).await.unwrap();
                self.unstored.clear();
            } else if is_due(running.alarms.next_due(now).await.unwrap()) {
                running.alarms.run_due(now).await.unwrap();
            } else if running.alarms.position() >= store.head() {
                return;
            }
        }
    }

    pub async fn points(&mut self, points: &[plan::Point]) {
        let point = |point: &plan::Point| Point {
            metric_name: "Calls".into(),
            dimensions: vec![("Key".into(), point.metric.to_string())],
            time: Timestamp::from_second(point.time).unwrap(),
            unit: None,
            resolution: if point.metric == FAST { 1 } else { 60 },
            value: PointValue::One(point.value),
        };
        self.unstored.extend(points.iter().map(|point| point.metric));
        let points = Points { namespace: NAMESPACE.into(), points: points.iter().map(point).collect() };
        let append = points.append(Partition::new(ACCOUNT, REGION), self.now);
        self.running().store.commit(Batch { appends: vec![append], ..Batch::default() }).await.unwrap();
        self.settle().await;
    }

    /// What `PutMetricAlarm` and `PutCompositeAlarm` write.
    pub async fn put(&mut self, alarm: &plan::Alarm) {
        let config = config(&alarm.kind);
        self.change(alarm.name, async |tx, before, now| {
            let mut config = config.clone();
            let (alarm, what) = match before {
                Some(before) => {
                    config.actions_enabled = before.config.actions_enabled;
                    if config == before.config {
                        return;
                    }
                    (Alarm { config, configured_at: now, ..before.clone() }, Configured::Updated)
                }
                None => {
                    let name = alarm.name.to_owned();
                    (Alarm::new((ACCOUNT, REGION), name, config, Vec::new(), now), Configured::Created)
                }
            };
            tx.put(ALARM, &alarm_key(PARTITION, &alarm.name), &alarm).unwrap();
            change::configured(tx, &alarm, before, what, now).unwrap();
        })
        .await;
    }

    /// What `EnableAlarmActions` and `DisableAlarmActions` write.
    pub async fn actions(&mut self, name: &str, enabled: bool) {
        self.change(name, async |tx, before, now| {
            let Some(before) = before.filter(|before| before.config.actions_enabled != enabled) else {
                return;
            };
            let mut alarm = Alarm { configured_at: now, ..before.clone() };
            alarm.config.actions_enabled = enabled;
            tx.put(ALARM, &alarm_key(PARTITION, &alarm.name), &alarm).unwrap();
            change::configured(tx, &alarm, Some(before), Configured::Updated, now).unwrap();
        })
        .await;
    }

    pub async fn delete(&mut self, name: &str) {
        self.change(name, async |tx, before, now| {
            let Some(before) = before else { return };
            tx.delete(ALARM, &alarm_key(PARTITION, &before.name));
            change::configured(tx, before, None, Configured::Deleted, now).unwrap();
        })
        .await;
    }

    /// What `SetAlarmState` writes.
    pub async fn set_state(&mut self, name: &str, value: StateValue) {
        self.change(name, async |tx, before, now| {
            let Some(before) = before.filter(|before| before.state.value != value) else { return };
            let rules = keywatch_monitor::alarms::mute::rules(tx, PARTITION).await.unwrap();
            let muted = muting(&rules, &before.name, now);
            let suppressor = before.config.composite().and_then(|rule| rule.suppressor.as_ref());
            let suppressing = match suppressor {
                None => false,
                Some(other) => {
                    let other: Option<Alarm> =
                        tx.get(ALARM, &alarm_key(PARTITION, &other.name)).await.unwrap();
                    other.is_some_and(|other| other.state.value == StateValue::Alarm)
                }
            };
            let state = State {
                value,
                reason: "by hand".into(),
                reason_data: None,
                updated_at: now,
                transitioned_at: now,
                evaluation: None,
            };
            change::write(tx, before.clone(), state, &Around { muted, suppressing }, now).unwrap();
        })
        .await;
    }

    pub async fn mute(&mut self, rule: &Mute) {
        let at = |second| Timestamp::from_second(second).unwrap().strftime("%Y-%m-%dT%H:%M").to_string();
        let schedule = mutes::Schedule {
            expression: format!("at({})", at(rule.start)),
            duration: format!("PT{}M", (rule.end - rule.start) / 60),
            timezone: None,
        };
        let stored = MuteRule {
            account: ACCOUNT.into(),
            region: REGION.into(),
            name: rule.name.clone(),
            description: None,
            rule: mutes::Rule { schedule },
            targets: Some(vec![rule.target.into()]),
            start_date: None,
            expire_date: None,
            updated_at: self.now,
            tags: Vec::new(),
        };
        self.change("", async |tx, _, now| {
            tx.put(MUTE_RULE, &mute_key(PARTITION, &rule.name), &stored).unwrap();
            tx.append(Event::on_default_bus("{}".into()).append(Partition::new(ACCOUNT, REGION), now));
        })
        .await;
    }

    pub async fn unmute(&mut self, name: &str) {
        self.change("", async |tx, _, now| {
            tx.delete(MUTE_RULE, &mute_key(PARTITION, name));
            tx.append(Event::on_default_bus("{}".into()).append(Partition::new(ACCOUNT, REGION), now));
        })
        .await;
    }

    async fn change(
        &mut self,
        name: &str,
        change: impl AsyncFnOnce(&mut Transaction<'_>, Option<&Alarm>, Timestamp),
    ) {
        let now = self.now;
        let store = self.running().store.clone();
        let mut tx = Transaction::new(&store);
        let before: Option<Alarm> = tx.get(ALARM, &alarm_key(PARTITION, name)).await.unwrap();
        change(&mut tx, before.as_ref(), now).await;
        tx.commit().await.unwrap();
        self.settle().await;
    }

    /// Every change of state that history knows, and every message that was sent, with their moments.
    pub async fn told(&mut self) -> Vec<(i64, String)> {
        let store = self.running().store.clone();
        let mut told = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let scan = Scan { prefix: "", after: after.as_deref(), limit: 1_000 };
            let rows = store.scan(HISTORY, scan).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(last.key.clone());
            for row in &rows {
                told.extend(changed(&keywatch_store::decode(&row.bytes).unwrap()));
            }
        }
        let mut position = 0;
        while position < store.head() {
            let entries = store.read_log(position, 4 << 20).await.unwrap();
            position = entries.last().unwrap().seq;
            for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Message) {
                told.push((entry.time.as_millisecond(), acted(&Message::read(entry).unwrap())));
            }
        }
        told
    }
}

fn changed(item: &HistoryItem) -> Option<(i64, String)> {
    let state = item.summary.rsplit(' ').next()?;
    let name = match item.kind {
        HistoryItemType::StateUpdate => item.alarm.clone(),
        HistoryItemType::AlarmContributorStateUpdate => {
            named(&item.alarm, &item.contributor.as_ref().unwrap().attributes)
        }
        _ => return None,
    };
    Some((item.at.as_millisecond(), format!("{name} is {state}")))
}

fn named(alarm: &str, attributes: &BTreeMap<String, String>) -> String {
    format!("{alarm}/{}", attributes["Key"])
}

fn acted(message: &Message) -> String {
    let structured: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    let body: serde_json::Value = serde_json::from_str(structured["default"].as_str().unwrap()).unwrap();
    let alarm = body["AlarmName"].as_str().unwrap();
    let attributes = body
        .get("AlarmContributorAttributes")
        .map(|attributes| serde_json::from_value::<BTreeMap<String, String>>(attributes.clone()).unwrap());
    let name = attributes.map_or(alarm.to_owned(), |attributes| named(alarm, &attributes));
    format!("{name} acts {}", body["NewStateValue"].as_str().unwrap())
}

/// How a moment reads.
pub fn text(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap().to_string()
}

fn config(kind: &Kind) -> Config {
    let rule = match kind {
        Kind::Metric(alarm) => config::Rule::Metric(metric_rule(alarm)),
        Kind::Composite(alarm) => {
            let alarm_rule = rule_text(&alarm.rule);
            rule::Rule::parse(&alarm_rule, (ACCOUNT, REGION)).unwrap();
            let suppressor = alarm.suppressor.as_ref().map(|one| config::Suppressor {
                given: one.name.into(),
                name: one.name.into(),
                wait_period: one.wait as i32,
                extension_period: one.extension as i32,
            });
            config::Rule::Composite(CompositeRule { alarm_rule, suppressor })
        }
    };
    Config {
        description: None,
        actions_enabled: true,
        ok_actions: vec![TOPIC.into()],
        alarm_actions: vec![TOPIC.into()],
        insufficient_data_actions: vec![TOPIC.into()],
        rule,
    }
}

fn rule_text(rule: &Rule) -> String {
    match rule {
        Rule::Is(state, name) => format!("{state}({name})"),
        Rule::Not(rule) => format!("NOT ({})", rule_text(rule)),
        Rule::And(one, other) => format!("({}) AND ({})", rule_text(one), rule_text(other)),
        Rule::Or(one, other) => format!("({}) OR ({})", rule_text(one), rule_text(other)),
        Rule::AtLeast(count, state, names) => format!("AT_LEAST({count}, {state}, ({}))", names.join(", ")),
    }
}

fn metric_rule(alarm: &plan::MetricAlarm) -> MetricRule {
    let period = alarm.period as i32;
    let sum_of = |id: &str, metric: usize| {
        format!(
            r#"{{"Id":"{id}","MetricStat":{{"Metric":{{"Namespace":"{NAMESPACE}","MetricName":"Calls","Dimensions":[{{"Name":"Key","Value":"{metric}"}}]}},"Period":{period},"Stat":"Sum"}},"ReturnData":false}}"#
        )
    };
    let queries = |text: &str, group_by: &[&str]| {
        let metrics: Vec<MetricDataQuery> = serde_json::from_str(text).unwrap();
        let group_by = group_by.iter().map(|key| (*key).to_owned()).collect();
        Subject::Queries(Queries { metrics, threshold_metric_id: None, period, group_by })
    };
    let subject = match &alarm.of {
        Of::One(metric, stat) => Subject::Metric(OneMetric {
            namespace: NAMESPACE.into(),
            metric_name: "Calls".into(),
            dimensions: vec![Dimension { name: "Key".into(), value: metric.to_string() }],
            statistic: Some(match stat {
                Stat::Sum => SimpleStatistic::Sum,
                Stat::Maximum => SimpleStatistic::Maximum,
                Stat::Minimum => SimpleStatistic::Minimum,
                Stat::Average => SimpleStatistic::Average,
                Stat::SampleCount => SimpleStatistic::SampleCount,
            }),
            extended_statistic: None,
            unit: None,
            period,
        }),
        Of::Both(one, other) => {
            let metrics = [sum_of("m1", *one), sum_of("m2", *other)].join(",");
            queries(&format!(r#"[{metrics},{{"Id":"e1","Expression":"m1 + m2"}}]"#), &[])
        }
        Of::Each => {
            let text = format!("SELECT SUM(Calls) FROM SCHEMA({NAMESPACE}, Key) GROUP BY Key");
            queries(&format!(r#"[{{"Id":"q1","Expression":"{text}","Period":{period}}}]"#), &["Key"])
        }
    };
    MetricRule {
        subject,
        evaluation_periods: alarm.evaluated as i32,
        datapoints_to_alarm: Some(alarm.needed as i32),
        threshold: Some(alarm.threshold),
        comparison_operator: if alarm.above {
            ComparisonOperator::GreaterThanThreshold
        } else {
            ComparisonOperator::LessThanThreshold
        },
        treat_missing_data: Some(
            match alarm.missing {
                Treatment::Missing => "missing",
                Treatment::Ignore => "ignore",
                Treatment::Breaching => "breaching",
                Treatment::NotBreaching => "notBreaching",
            }
            .into(),
        ),
        evaluate_low_sample_count_percentile: None,
    }
}
