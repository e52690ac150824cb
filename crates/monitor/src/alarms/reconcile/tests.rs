//! Alarms over a real store, with time moved by hand.

use jiff::ToSpan;
use keywatch_api::cloudwatch::{ComparisonOperator, SimpleStatistic, StateValue};
use keywatch_store::{Append, Batch, EntryKind, Partition, Scan, Transaction};

use super::*;
use crate::{
    alarms::{
        alarm::{State, sample, sample_with},
        reason::INITIAL,
        store::{HISTORY, HistoryItem},
    },
    entry::{Body, Message, Point, PointValue, Points, Target},
};

/// A store with one alarm, and the reconciler over it.
struct World {
    store: Store,
    live: Arc<LiveSeries>,
    reconciler: AlarmReconciler,
    now: Timestamp,
    _dir: tempfile::TempDir,
}

impl World {
    async fn new(alarm: Alarm) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_embedded(dir.path()).await.unwrap();
        let live = LiveSeries::load(&store).await.unwrap();
        let reconciler = AlarmReconciler::new(store.clone(), Arc::clone(&live));
        let world = Self { store, live, reconciler, now: "2026-09-14T11:00:10Z".parse().unwrap(), _dir: dir };
        let mut tx = Transaction::new(&world.store);
        tx.put(ALARM, &alarm_key(&alarm.partition(), &alarm.name), &alarm).unwrap();
        tx.commit().await.unwrap();
        world
    }

    async fn append(&mut self, append: Append) {
        self.store.commit(Batch { appends: vec![append], ..Batch::default() }).await.unwrap();
        self.follow().await;
    }

    /// What the engine does: the log, and then what is due, until neither is left.
    async fn follow(&mut self) {
        while self.reconciler.position() < self.store.head() {
            let entries = self.store.read_log(self.reconciler.position(), 1 << 20).await.unwrap();
            self.live.apply(&entries, self.now).unwrap();
            self.reconciler.follow(&entries, self.now).await.unwrap();
        }
    }

    async fn put(&mut self, value: f64) {
        let point = Point {
            metric_name: "Calls".into(),
            dimensions: vec![("Operation".into(), "Decrypt".into())],
            time: self.now,
            unit: None,
            resolution: 60,
            value: PointValue::One(value),
        };
        let points = Points { namespace: "App".into(), points: vec![point] };
        self.append(points.append(Partition::new("111122223333", "us-east-1"), self.now)).await;
    }

    /// Moves time from due moment to due moment. Returns how many there were.
    async fn advance(&mut self, target: Timestamp) -> usize {
        let mut moments = 0;
        while let Some(due) = self.reconciler.next_due(self.now).await.unwrap().filter(|due| *due <= target) {
            assert!(due > self.now, "time moves");
            self.now = due;
            self.reconciler.run_due(due).await.unwrap();
            self.follow().await;
            moments += 1;
        }
        self.now = target;
        moments
    }

    async fn state(&self) -> State {
        self.all_alarms().await.remove(0).state
    }

    async fn all_alarms(&self) -> Vec<Alarm> {
        let rows = all_rows(&self.store, ALARM).await.unwrap();
        rows.iter().map(|row| keywatch_store::decode(&row.bytes).unwrap()).collect()
    }

    async fn messages(&self) -> Vec<Message> {
        let entries = self.store.read_log(0, usize::MAX).await.unwrap();
        entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Message)
            .map(|entry| Message::read(entry).unwrap())
            .collect()
    }

    async fn history(&self) -> Vec<String> {
        let rows = self.store.scan(HISTORY, Scan { prefix: "", after: None, limit: 1_000 }).await.unwrap();
        rows.iter().map(|row| keywatch_store::decode::<HistoryItem>(&row.bytes).unwrap().summary).collect()
    }
}

fn quiet_is_ok() -> Alarm {
    sample_with(|rule, _| rule.treat_missing_data = Some("notBreaching".into()))
}

#[tokio::test]
async fn a_certain_breach_is_told_at_once_and_once() {
    let mut world = World::new(quiet_is_ok()).await;
    world.put(1.0).await;
    let state = world.state().await;
    assert_eq!(state.value, StateValue::Alarm);
    assert_eq!(
        state.reason,
        "Threshold Crossed: 1 datapoint [1.0 (14/09/26 11:00:00)] was greater than or equal to the threshold (1.0)."
    );
    world.put(1.0).await;
    world.advance(world.now + 50.seconds()).await;
    let messages = world.messages().await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].target, Target::Topic("arn:aws:sns:us-east-1:111122223333:alerts".into()));
    assert_eq!(messages[0].subject.as_deref(), Some("ALARM: \"Runaway\" in US East (N. Virginia)"));
    assert_eq!(
        world.history().await,
        [
            "Successfully executed action arn:aws:sns:us-east-1:111122223333:alerts",
            "Alarm updated from INSUFFICIENT_DATA to ALARM"
        ]
    );
}

#[tokio::test]
async fn silence_brings_the_alarm_back_and_then_nothing_is_due() {
    let mut world = World::new(quiet_is_ok()).await;
    world.put(5.0).await;
    world.advance("2026-09-14T11:03:59Z".parse().unwrap()).await;
    assert_eq!(world.state().await.value, StateValue::Alarm);
    world.advance("2026-09-14T11:04:00Z".parse().unwrap()).await;
    let state = world.state().await;
    assert_eq!(state.value, StateValue::Ok);
    assert_eq!(
        state.reason,
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]."
    );
    let moments = world.advance(world.now + (24 * 30).hours()).await;
    assert!(moments < 3, "{moments} evaluations of a quiet alarm");
    world.put(5.0).await;
    assert_eq!(world.state().await.value, StateValue::Alarm);
}

#[tokio::test]
async fn a_new_alarm_is_first_evaluated_by_the_clock() {
    let mut world = World::new(sample()).await;
    world.follow().await;
    assert_eq!(world.state().await.reason, INITIAL);
    world.advance("2026-09-14T11:01:00Z".parse().unwrap()).await;
    let state = world.state().await;
    assert_eq!(
        (state.value, state.reason.as_str()),
        (StateValue::InsufficientData, "Insufficient Data: 1 datapoint was unknown.")
    );
    assert_eq!(world.history().await, [""; 0]);
}

#[tokio::test]
async fn a_countdown_of_weeks_alarms_on_the_minute() {
    let alarm = sample_with(|rule, metric| {
        metric.namespace = "AWS/KMS".into();
        metric.metric_name = "SecondsUntilKeyMaterialExpiration".into();
        metric.dimensions =
            vec![keywatch_api::cloudwatch::metrics::Dimension { name: "KeyId".into(), value: "k1".into() }];
        metric.statistic = Some(SimpleStatistic::Minimum);
        rule.comparison_operator = ComparisonOperator::LessThanOrEqualToThreshold;
        rule.threshold = Some(864_000.0);
    });
    let mut world = World::new(alarm).await;
    let record = format!(
        r#"{{"eventSource":"kms.amazonaws.com","eventName":"ImportKeyMaterial","eventTime":"{}","awsRegion":"us-east-1","eventType":"AwsApiCall",
        "recipientAccountId":"111122223333","resources":[{{"ARN":"arn:aws:kms:us-east-1:111122223333:key/k1"}}],
        "requestParameters":{{"validTo":"2026-10-04T11:00:10Z"}}}}"#,
        world.now
    );
    let partition = Partition::new("111122223333", "us-east-1");
    world.append(Append { kind: EntryKind::Record, time: world.now, partition, bytes: record.into() }).await;
    world.advance("2026-09-14T11:05:00Z".parse().unwrap()).await;
    assert_eq!(world.state().await.value, StateValue::Ok);
    let moments = world.advance("2026-09-25T11:05:00Z".parse().unwrap()).await;
    assert_eq!(moments, 15_840);
    let state = world.state().await;
    assert_eq!(state.value, StateValue::Alarm);
    // 864,000 seconds are left at 2026-09-24T11:00:10Z; the first minute that starts below is 11:01.
    assert_eq!(state.transitioned_at, "2026-09-24T11:01:00Z".parse().unwrap());
    assert!(
        state.reason.contains("[863950.0 (24/09/26 11:01:00)] was less than or equal to"),
        "{}",
        state.reason
    );
    assert_eq!(world.messages().await.len(), 1);
}

#[tokio::test]
async fn actions_may_be_off_and_others_fail_openly() {
    let mut alarm = quiet_is_ok();
    alarm.config.actions_enabled = false;
    let mut world = World::new(alarm).await;
    world.put(1.0).await;
    assert_eq!(world.state().await.value, StateValue::Alarm);
    assert_eq!(world.messages().await, []);
    assert_eq!(world.history().await, ["Alarm updated from INSUFFICIENT_DATA to ALARM"]);

    let mut alarm = quiet_is_ok();
    alarm.config.alarm_actions = vec!["arn:aws:automate:us-east-1:ec2:stop".into()];
    let mut world = World::new(alarm).await;
    world.put(1.0).await;
    assert_eq!(world.history().await[0], "Failed to execute action arn:aws:automate:us-east-1:ec2:stop");
}
