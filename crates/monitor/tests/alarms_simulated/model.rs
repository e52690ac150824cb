//! The reference: slow and obvious. It keeps all points there ever were, and at every moment works out from them what each alarm is.
//!
//! Source of the rules: CloudWatch User Guide, "Evaluating an alarm", "Configuring how CloudWatch alarms treat missing data", "Suppressing
//! composite alarm actions", "Alarm mute rules"; what Keywatch does earlier than by the clock: `docs/alarms.md`.

use std::collections::{BTreeMap, BTreeSet};

use keywatch_api::cloudwatch::StateValue;

use crate::{
    START,
    plan::{self, FAST, Kind, METRICS, MetricAlarm, Mute, Of, Point, Rule, Stat, Treatment},
};

#[derive(Debug)]
struct Alarm {
    kind: Kind,
    state: StateValue,
    actions: bool,
    held: Option<Held>,
    /// A composite alarm that is to be looked at.
    look: bool,
    /// Metrics that are in `ALARM` by themselves.
    contributors: BTreeSet<usize>,
}

/// Until when, in milliseconds, where time ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Mute(i64),
    Wait(i64),
    Suppressor,
    Extension(i64),
}

pub struct Model {
    points: Vec<BTreeMap<i64, Vec<f64>>>,
    alarms: BTreeMap<&'static str, Alarm>,
    mutes: Vec<Mute>,
    /// Milliseconds.
    now: i64,
    /// Every change and every action, with its moment.
    pub told: Vec<(i64, String)>,
}

impl Default for Model {
    fn default() -> Self {
        let points = vec![BTreeMap::new(); METRICS];
        Self {
            points,
            alarms: BTreeMap::new(),
            mutes: Vec::new(),
            now: START * 1_000 - 500,
            told: Vec::new(),
        }
    }
}

impl Model {
    pub fn put(&mut self, alarm: &plan::Alarm) {
        let new = || Alarm {
            kind: alarm.kind.clone(),
            state: StateValue::InsufficientData,
            actions: true,
            held: None,
            look: true,
            contributors: BTreeSet::new(),
        };
        let known = self.alarms.entry(alarm.name).or_insert_with(new);
        known.kind = alarm.kind.clone();
        known.look = true;
        self.settle();
    }

    pub fn delete(&mut self, name: &'static str) {
        self.alarms.remove(name);
    }

    pub fn set_state(&mut self, name: &'static str, state: StateValue) {
        if self.alarms.get(name).is_some_and(|alarm| alarm.state != state) {
            self.become_state(name, state);
        }
        self.settle();
    }

    pub fn actions(&mut self, name: &'static str, enabled: bool) {
        if let Some(alarm) = self.alarms.get_mut(name)
            && alarm.actions != enabled
        {
            alarm.actions = enabled;
            alarm.look = true;
        }
        self.settle();
    }

    pub fn mute(&mut self, rule: &Mute) {
        self.mutes.push(rule.clone());
        self.settle();
    }

    pub fn unmute(&mut self, name: &str) {
        self.mutes.retain(|rule| rule.name != name);
        self.settle();
    }

    pub fn points(&mut self, points: &[Point]) {
        for point in points {
            self.points[point.metric].entry(point.time).or_default().push(point.value);
        }
        self.touch(&points.iter().map(|point| point.metric).collect::<Vec<_>>());
    }

    /// A restart takes in again what was not written down of these metrics.
    pub fn restart(&mut self, metrics: &[usize]) {
        self.touch(metrics);
    }

    fn touch(&mut self, metrics: &[usize]) {
        let touched = |of: &Of| match of {
            Of::One(metric, _) => metrics.contains(metric),
            Of::Both(one, other) => metrics.contains(one) || metrics.contains(other),
            Of::Each => !metrics.is_empty(),
        };
        for (name, alarm) in self.metric_alarms() {
            if touched(&alarm.of) {
                self.look_early(name, &alarm);
            }
        }
        self.settle();
    }

    /// Lets time pass: every ten seconds what is evaluated by then, and what is held back until then.
    pub fn advance(&mut self, target: i64) {
        loop {
            let tick = (self.now.div_euclid(10_000) + 1) * 10_000;
            let ends = self.alarms.values().filter_map(|alarm| match alarm.held? {
                Held::Mute(until) | Held::Wait(until) | Held::Extension(until) => Some(until),
                Held::Suppressor => None,
            });
            let next = ends.filter(|end| *end > self.now).min().map_or(tick, |end| end.min(tick));
            if next > target {
                self.now = target;
                return;
            }
            self.now = next;
            if next == tick {
                self.evaluate_due();
            }
            if next < tick || self.alarms.values().any(|alarm| alarm.look || alarm.held.is_some()) {
                self.settle();
            }
        }
    }

    fn metric_alarms(&self) -> Vec<(&'static str, MetricAlarm)> {
        let metric = |alarm: &Alarm| match &alarm.kind {
            Kind::Metric(metric) => Some(metric.clone()),
            Kind::Composite(_) => None,
        };
        self.alarms.iter().filter_map(|(name, alarm)| Some((*name, metric(alarm)?))).collect()
    }

    fn evaluate_due(&mut self) {
        let now = self.now / 1_000;
        let is_due = |kind: &Kind| matches!(kind, Kind::Metric(metric) if now % cadence(metric) == 0);
        let due: Vec<&'static str> =
            self.alarms.iter().filter(|(_, alarm)| is_due(&alarm.kind)).map(|(name, _)| *name).collect();
        for name in due {
            let Some(Alarm { kind: Kind::Metric(alarm), .. }) = self.alarms.get(name) else { continue };
            let alarm = alarm.clone();
            let is_one = matches!(alarm.of, Of::One(..));
            if is_one && self.is_certain(&alarm, None) {
                self.evaluate(name, &alarm, running_end(&alarm, now));
            } else if alarm.of == Of::Each {
                self.evaluate_each(name, &alarm, now, None);
            } else {
                self.evaluate(name, &alarm, now);
            }
        }
    }

    fn look_early(&mut self, name: &'static str, alarm: &MetricAlarm) {
        let end = running_end(alarm, self.now / 1_000);
        if alarm.of == Of::Each {
            let certain = (0..METRICS).filter(|metric| self.is_certain(alarm, Some(*metric))).collect();
            self.evaluate_each(name, alarm, end, Some(certain));
        } else if self.is_certain(alarm, None) {
            self.evaluate(name, alarm, end);
        }
    }

    /// Whether the period that runs has crossed the threshold, and cannot come back.
    fn is_certain(&self, alarm: &MetricAlarm, each: Option<usize>) -> bool {
        let end = running_end(alarm, self.now / 1_000);
        let from = end - alarm.period;
        let samples = |metric: usize| self.samples(metric, alarm.period, from, end);
        let is_positive = |metric: usize| samples(metric).iter().all(|value| *value >= 0.0);
        let moves_on = match (&alarm.of, each) {
            (Of::One(metric, Stat::Sum), _) => alarm.above && is_positive(*metric),
            (Of::One(_, Stat::Maximum | Stat::SampleCount), _) => alarm.above,
            (Of::One(_, Stat::Minimum), _) => !alarm.above,
            (Of::One(_, Stat::Average), _) => false,
            (Of::Both(one, other), _) => alarm.above && is_positive(*one) && is_positive(*other),
            (Of::Each, Some(metric)) => alarm.above && is_positive(metric),
            (Of::Each, None) => false,
        };
        let value = match each {
            Some(metric) => statistic(&samples(metric), Stat::Sum),
            None => self.value(alarm, from, end),
        };
        moves_on && value.is_some_and(|value| breaches(alarm, value))
    }

    fn evaluate(&mut self, name: &'static str, alarm: &MetricAlarm, end: i64) {
        let window: Vec<Option<f64>> =
            periods(alarm, end).map(|from| self.value(alarm, from, from + alarm.period)).collect();
        if let Some(state) = decide(alarm, &window) {
            self.become_state(name, state);
        }
    }

    /// Of the metrics one by one; with `only` nothing is said about the others.
    fn evaluate_each(&mut self, name: &'static str, alarm: &MetricAlarm, end: i64, only: Option<Vec<usize>>) {
        if only.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        let mut seen = 0;
        let mut contributors = self.alarms[name].contributors.clone();
        for metric in 0..METRICS {
            let sums = periods(alarm, end).map(|from| {
                statistic(&self.samples(metric, alarm.period, from, from + alarm.period), Stat::Sum)
            });
            let window: Vec<Option<f64>> = sums.collect();
            let is_seen = window.iter().any(Option::is_some);
            seen += usize::from(is_seen);
            if only.as_ref().is_some_and(|only| !only.contains(&metric)) {
                continue;
            }
            let in_alarm = match decide(alarm, &window) {
                _ if !is_seen => false,
                None => continue,
                Some(state) => state == StateValue::Alarm,
            };
            let changed = if in_alarm { contributors.insert(metric) } else { contributors.remove(&metric) };
            if changed {
                let to = if in_alarm { StateValue::Alarm } else { StateValue::Ok };
                self.tell(format!("{name}/{metric} is {to}"));
                if self.alarms[name].actions {
                    self.tell(format!("{name}/{metric} acts {to}"));
                }
            }
        }
        let any = !contributors.is_empty();
        if let Some(alarm) = self.alarms.get_mut(name) {
            alarm.contributors = contributors;
        }
        let state = match seen {
            0 => decide(alarm, &vec![None; alarm.evaluated]),
            _ if any => Some(StateValue::Alarm),
            _ => Some(StateValue::Ok),
        };
        if let Some(state) = state {
            self.become_state(name, state);
        }
    }

    /// The samples of a metric in `[from, end)`. Periods of less than a minute see only points that came by the second; others see
    /// minutes whole.
    fn samples(&self, metric: usize, period: i64, from: i64, end: i64) -> Vec<f64> {
        if period < 60 && metric != FAST {
            return Vec::new();
        }
        self.points[metric].range(from..end).flat_map(|(_, values)| values).copied().collect()
    }

    fn value(&self, alarm: &MetricAlarm, from: i64, end: i64) -> Option<f64> {
        let samples = |metric: usize| self.samples(metric, alarm.period, from, end);
        match &alarm.of {
            Of::One(metric, stat) => statistic(&samples(*metric), *stat),
            Of::Both(one, other) => {
                let sums = [one, other].map(|metric| statistic(&samples(*metric), Stat::Sum));
                // A point that is missing beside another counts as zero.
                sums.iter().any(Option::is_some).then(|| sums.into_iter().flatten().sum())
            }
            Of::Each => None,
        }
    }

    /// Whatever follows from changes: composite alarms level by level, and actions that nothing holds back any more.
    fn settle(&mut self) {
        loop {
            let mut changes: Vec<(&'static str, StateValue)> = Vec::new();
            let mut steps: Vec<(&'static str, Option<Held>)> = Vec::new();
            for (name, alarm) in &self.alarms {
                if let Kind::Composite(composite) = &alarm.kind
                    && alarm.look
                {
                    let state = if self.holds(&composite.rule) { StateValue::Alarm } else { StateValue::Ok };
                    if state != alarm.state {
                        changes.push((name, state));
                        continue;
                    }
                }
                if let Some(held) = alarm.held
                    && let Some(next) = self.step(name, alarm, held)
                {
                    steps.push((name, next));
                }
            }
            self.alarms.values_mut().for_each(|alarm| alarm.look = false);
            if changes.is_empty() && steps.is_empty() {
                return;
            }
            for (name, state) in changes {
                self.become_state(name, state);
            }
            for (name, held) in steps {
                let Some(alarm) = self.alarms.get_mut(name) else { continue };
                alarm.held = held;
                let (state, acts) = (alarm.state, alarm.actions && held.is_none());
                if acts {
                    self.tell(format!("{name} acts {state}"));
                }
            }
        }
    }

    fn holds(&self, rule: &Rule) -> bool {
        let state = |name: &str| self.alarms.get(name).map(|alarm| alarm.state);
        match rule {
            Rule::Is(wanted, name) => state(name) == Some(*wanted),
            Rule::Not(rule) => !self.holds(rule),
            Rule::And(one, other) => self.holds(one) && self.holds(other),
            Rule::Or(one, other) => self.holds(one) || self.holds(other),
            Rule::AtLeast(count, wanted, names) => {
                names.iter().filter(|name| state(name) == Some(*wanted)).count() >= *count
            }
        }
    }

    /// What becomes of a held change: `None` if it stays so, `Some(None)` if nothing holds it any more.
    fn step(&self, name: &str, alarm: &Alarm, held: Held) -> Option<Option<Held>> {
        let muted = self.muted_until(name);
        let suppressor = suppressor(alarm);
        let suppressing = suppressor.is_some_and(|one| self.alarms[one.name].state == StateValue::Alarm);
        let free = || Some(muted.map(Held::Mute));
        match held {
            Held::Mute(until) if muted == Some(until) => None,
            Held::Mute(_) if muted.is_none() && suppressing => Some(Some(Held::Suppressor)),
            Held::Mute(_) => free(),
            Held::Wait(_) | Held::Extension(_) if suppressing => Some(Some(Held::Suppressor)),
            Held::Wait(until) | Held::Extension(until) if self.now < until => None,
            Held::Wait(_) | Held::Extension(_) => free(),
            Held::Suppressor if suppressing => None,
            Held::Suppressor => match suppressor.filter(|one| one.extension > 0) {
                Some(one) => Some(Some(Held::Extension(self.now + one.extension * 1_000))),
                None => free(),
            },
        }
    }

    /// When the last of the windows ends that are open.
    fn muted_until(&self, name: &str) -> Option<i64> {
        let now = self.now;
        let open = self
            .mutes
            .iter()
            .filter(|rule| rule.target == name && rule.start * 1_000 <= now && now < rule.end * 1_000);
        open.map(|rule| rule.end * 1_000).max()
    }

    fn become_state(&mut self, name: &'static str, state: StateValue) {
        let muted = self.muted_until(name);
        let Some(alarm) = self.alarms.get(name) else { return };
        if alarm.state == state {
            return;
        }
        let of_many = matches!(&alarm.kind, Kind::Metric(MetricAlarm { of: Of::Each, .. }));
        let suppressor = suppressor(alarm);
        let suppressing = suppressor.is_some_and(|one| self.alarms[one.name].state == StateValue::Alarm);
        let held = match (muted, suppressor) {
            (Some(until), _) => Some(Held::Mute(until)),
            (None, Some(_)) if suppressing => Some(Held::Suppressor),
            (None, Some(one)) if one.wait > 0 => Some(Held::Wait(self.now + one.wait * 1_000)),
            _ => None,
        };
        let acts = alarm.actions && !of_many;
        self.tell(format!("{name} is {state}"));
        if let Some(alarm) = self.alarms.get_mut(name) {
            alarm.state = state;
            alarm.held = held.filter(|_| acts);
        }
        if acts && held.is_none() {
            self.tell(format!("{name} acts {state}"));
        }
        for parent in self.alarms.values_mut() {
            if let Kind::Composite(composite) = &parent.kind
                && names(&composite.rule).contains(&name)
            {
                parent.look = true;
            }
        }
    }

    fn tell(&mut self, what: String) {
        self.told.push((self.now, what));
    }
}

/// Seconds between evaluations.
fn cadence(alarm: &MetricAlarm) -> i64 {
    match alarm.period {
        period if period < 60 => 10,
        period if period * alarm.evaluated as i64 > 86_400 => 3_600,
        _ => 60,
    }
}

/// The end of the period that runs: that of the step under way. Math of less than a minute is not in the plan.
fn running_end(alarm: &MetricAlarm, now: i64) -> i64 {
    let step = cadence(alarm).min(60);
    now.div_euclid(step) * step + step
}

/// The starts of the periods that an evaluation looks at: some more than it needs.
fn periods(alarm: &MetricAlarm, end: i64) -> impl Iterator<Item = i64> {
    let more = if alarm.period < 60 { 60 / alarm.period } else { 2 };
    let (period, count) = (alarm.period, alarm.evaluated as i64 + more);
    (0..count).map(move |at| end - (count - at) * period)
}

fn statistic(samples: &[f64], stat: Stat) -> Option<f64> {
    let sum: f64 = samples.iter().sum();
    let largest = samples.iter().copied().reduce(f64::max)?;
    Some(match stat {
        Stat::Sum => sum,
        Stat::Average => sum / samples.len() as f64,
        Stat::SampleCount => samples.len() as f64,
        Stat::Maximum => largest,
        Stat::Minimum => samples.iter().copied().fold(largest, f64::min),
    })
}

fn breaches(alarm: &MetricAlarm, value: f64) -> bool {
    if alarm.above { value > alarm.threshold } else { value < alarm.threshold }
}

/// The state that a window says, oldest period first; none if it stays what it was.
fn decide(alarm: &MetricAlarm, window: &[Option<f64>]) -> Option<StateValue> {
    use StateValue::{Alarm, InsufficientData, Ok};
    let newest: Vec<f64> = window.iter().rev().flatten().copied().take(alarm.evaluated).collect();
    let bad = newest.iter().filter(|value| breaches(alarm, **value)).count();
    let good = newest.len() - bad;
    let lacking = alarm.evaluated - newest.len();
    if bad >= alarm.needed {
        return Some(Alarm);
    }
    if good + alarm.needed > alarm.evaluated {
        return Some(Ok);
    }
    match alarm.missing {
        Treatment::Ignore => (good > 0).then_some(Ok),
        Treatment::Breaching => Some(if bad + lacking >= alarm.needed { Alarm } else { Ok }),
        Treatment::NotBreaching => Some(Ok),
        Treatment::Missing if newest.is_empty() => Some(InsufficientData),
        Treatment::Missing if good > 0 => Some(Ok),
        Treatment::Missing => {
            // Only breaches and gaps: no alarm before the oldest breach is as old as the breaches it would take.
            let oldest = window.iter().position(Option::is_some)?;
            (window.len() - oldest >= alarm.needed).then_some(Alarm)
        }
    }
}

fn suppressor(alarm: &Alarm) -> Option<&plan::Suppressor> {
    match &alarm.kind {
        Kind::Composite(composite) => composite.suppressor.as_ref(),
        Kind::Metric(_) => None,
    }
}

fn names(rule: &Rule) -> Vec<&'static str> {
    match rule {
        Rule::Is(_, name) => vec![name],
        Rule::Not(rule) => names(rule),
        Rule::And(one, other) | Rule::Or(one, other) => [names(one), names(other)].concat(),
        Rule::AtLeast(_, _, names) => names.clone(),
    }
}
