//! An alarm in memory: as it is stored, with what was made of its configuration.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudwatch::StateValue;
use keywatch_store::{Row, Store, StoreError};

use super::roster::Roster;
use crate::{
    alarms::{
        alarm::{Alarm, State},
        composite::{self, rule::Rule},
        config::{Config, Subject},
        contributors::{CONTRIBUTORS, Changed, Contributors},
        reason::INITIAL,
        spec::Spec,
        store::alarm_key,
    },
    metrics::{
        Second,
        query::{Course, Early, Names, early},
        series::MetricRef,
    },
};

/// What of an alarm decides its state. Tags, texts and actions are read again by who writes a change.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) version: u64,
    pub(super) alarm: Alarm,
    pub(super) role: Role,
}

#[derive(Debug)]
pub(super) enum Role {
    Metric(Box<Watched>),
    Composite(Composite),
}

/// A metric alarm.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) spec: Spec,
    /// When the clock evaluates it next; never while it is quiet.
    next: Option<Second>,
    pub(super) contributors: Contributors,
    /// How an alarm on queries can be certain before its time.
    pub(super) early: Option<Early>,
    /// Points are not looked at before this, where looking is much work.
    rests_until: Timestamp,
}

/// A composite alarm.
#[derive(Debug)]
pub(super) struct Composite {
    rule: Rule,
    /// The keys of the children.
    pub(super) children: Vec<String>,
    /// What the last evaluation looked at.
    pub(super) seen: Option<Seen>,
}

/// What a composite alarm's state follows from: when it was configured, and the states of its children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    configured_at: Timestamp,
    children: Vec<Option<(StateValue, Timestamp)>>,
}

impl Known {
    /// Reads a row; none if its configuration is damaged. `seen` is what a composite alarm's last evaluation looked at.
    pub(super) async fn read(
        store: &Store,
        row: &Row,
        seen: Option<Seen>,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        let mut alarm: Alarm = keywatch_store::decode(&row.bytes)?;
        let role = match alarm.config.composite() {
            Some(rule) => Rule::parse(&rule.alarm_rule, (&alarm.account, &alarm.region)).ok().map(|rule| {
                let partition = alarm.partition();
                let children = rule.children().iter().map(|name| alarm_key(&partition, name)).collect();
                Role::Composite(Composite { rule, children, seen })
            }),
            None => match alarm.spec() {
                Some(spec) => {
                    let contributors = if alarm.config.has_contributors() {
                        let row = store.get(CONTRIBUTORS, &row.key).await?;
                        row.map_or(Ok(Contributors::default()), |row| keywatch_store::decode(&row.bytes))?
                    } else {
                        Contributors::default()
                    };
                    let next = Some(boundary_after(&spec, now.as_second()));
                    let (early, rests_until) = (early_of(&alarm, &spec), Timestamp::MIN);
                    Some(Role::Metric(Box::new(Watched { spec, next, contributors, early, rests_until })))
                }
                None => None,
            },
        };
        if role.is_none() {
            tracing::error!(alarm.name = alarm.name, "Alarm `{}` has a damaged configuration", alarm.name);
        }
        slim(&mut alarm);
        Ok(role.map(|role| Self { version: row.version, alarm, role }))
    }

    /// What the last evaluation of a composite alarm looked at.
    pub(super) fn seen(&self) -> Option<Seen> {
        match &self.role {
            Role::Composite(composite) => composite.seen.clone(),
            Role::Metric(_) => None,
        }
    }

    /// Whether it watches the same as the alarm it replaces; then it goes on where that was.
    pub(super) fn takes_over(&mut self, old: &Self) -> bool {
        if self.alarm.config.rule != old.alarm.config.rule {
            return false;
        }
        if let (Role::Metric(own), Some(old)) = (&mut self.role, old.watched()) {
            own.rests_until = old.rests_until;
        }
        true
    }

    pub(super) fn watched(&self) -> Option<&Watched> {
        match &self.role {
            Role::Metric(watched) => Some(watched),
            Role::Composite(_) => None,
        }
    }

    /// When the clock evaluates it next.
    pub(super) fn next(&self) -> Option<Second> {
        self.watched()?.next
    }

    /// Calls `each` with every metric whose points may decide it before its time.
    pub(super) fn each_metric(&self, each: &mut dyn FnMut(&MetricRef<'_>)) {
        let partition = self.alarm.partition();
        if let Some(metric) = self.alarm.config.one_metric() {
            each(&MetricRef {
                partition: &partition,
                namespace: &metric.namespace,
                name: &metric.metric_name,
                dimensions: &metric.sorted_dimensions(),
            });
        }
        let Some(Early::Metrics(_, metrics)) = self.watched().and_then(|watched| watched.early.as_ref())
        else {
            return;
        };
        for Names { namespace, name, dimensions, .. } in metrics {
            let dimensions: Vec<(&str, &str)> =
                dimensions.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            each(&MetricRef { partition: &partition, namespace, name, dimensions: &dimensions });
        }
    }

    /// The name of whose metrics any may decide it before its time.
    pub(super) fn name_of_all(&self) -> Option<MetricRef<'_>> {
        let Some(Early::Insights(_, Names { namespace, name, .. })) = &self.watched()?.early else {
            return None;
        };
        Some(MetricRef { partition: "", namespace, name, dimensions: &[] })
    }

    /// Whether it is an alarm on queries that can be certain before its time.
    pub(super) fn watches_queries(&self) -> bool {
        self.watched().is_some_and(|watched| watched.early.is_some())
    }

    /// Whether its points are looked at now; if not, when.
    pub(super) fn look(&mut self, now: Timestamp, pause: SignedDuration) -> Result<(), Timestamp> {
        let Role::Metric(watched) = &mut self.role else { return Ok(()) };
        if now < watched.rests_until {
            return Err(watched.rests_until);
        }
        watched.rests_until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        Ok(())
    }

    /// Its series got points: if it was quiet it is no more, and this is when it is evaluated next.
    pub(super) fn wake(&mut self, now: Second) -> Option<Second> {
        let Role::Metric(watched) = &mut self.role else { return None };
        if watched.next.is_some() {
            return None;
        }
        watched.next = Some(boundary_after(&watched.spec, now));
        watched.next
    }

    /// It was evaluated by the clock at `now`. Gives when it is evaluated next.
    pub(super) fn schedule(&mut self, quiet: bool, now: Second) -> Option<Second> {
        let Role::Metric(watched) = &mut self.role else { return None };
        watched.next = (!quiet).then(|| boundary_after(&watched.spec, now));
        watched.next
    }

    pub(super) fn holds_something(&self) -> bool {
        let untold = |watched: &Watched| watched.contributors.all.values().any(|one| one.untold);
        self.alarm.held.is_some() || self.watched().is_some_and(untold)
    }

    /// The contributors as they are once all is told, and those to tell of.
    pub(super) fn untold(&self) -> Option<(Contributors, Vec<Changed>)> {
        let mut contributors = self.watched()?.contributors.clone();
        let changed = contributors.take_untold();
        (!changed.is_empty()).then_some((contributors, changed))
    }
}

/// How an alarm on queries can be certain before its time: its result can only move on beyond its threshold.
fn early_of(alarm: &Alarm, spec: &Spec) -> Option<Early> {
    let Subject::Queries(queries) = &alarm.config.metric()?.subject else { return None };
    if queries.threshold_metric_id.is_some() {
        return None;
    }
    early(&queries.metrics, spec.period).filter(|early| {
        let (Early::Metrics(course, _) | Early::Insights(course, _)) = early;
        (*course == Course::Rises) == spec.is_upward()
    })
}

/// Leaves out what no decision looks at: there may be a hundred thousand alarms.
fn slim(alarm: &mut Alarm) {
    let Config { description, ok_actions, alarm_actions, insufficient_data_actions, .. } = &mut alarm.config;
    *description = None;
    for actions in [ok_actions, alarm_actions, insufficient_data_actions] {
        *actions = Vec::new();
    }
    alarm.tags = Vec::new();
    alarm.state.reason_data = None;
}

/// The next moment of the alarm's cadence.
fn boundary_after(spec: &Spec, now: Second) -> Second {
    (now.div_euclid(spec.cadence()) + 1) * spec.cadence()
}

/// Whether a composite alarm is, by its children and theirs, a child of its own.
pub(super) fn is_in_cycle(roster: &Roster, key: &str) -> bool {
    let children = |key: &str| match roster.get(key).map(|known| &known.role) {
        Some(Role::Composite(composite)) => composite.children.as_slice(),
        _ => &[],
    };
    let mut open: Vec<&str> = children(key).iter().map(String::as_str).collect();
    let mut visited: HashSet<&str> = HashSet::new();
    while let Some(child) = open.pop() {
        if child == key {
            return true;
        }
        if visited.insert(child) {
            open.extend(children(child).iter().map(String::as_str));
        }
    }
    false
}

/// What a composite alarm's state follows from, and the state to write if it changes; none when it need not be evaluated.
///
/// A state that was set by hand stays until a child changes after that.
pub(super) fn decide_composite(roster: &Roster, key: &str, now: Timestamp) -> Option<(Seen, Option<State>)> {
    let Known { alarm, role: Role::Composite(composite), .. } = roster.get(key)? else { return None };
    let child = |key: &String| roster.get(key).map(|known| &known.alarm.state);
    let children: Vec<Option<(StateValue, Timestamp)>> = composite
        .children
        .iter()
        .map(|key| child(key).map(|state| (state.value, state.transitioned_at)))
        .collect();
    let seen = Seen { configured_at: alarm.configured_at, children };
    if composite.seen.as_ref() == Some(&seen) {
        return None;
    }
    let newest = seen.children.iter().flatten().map(|(_, at)| *at).chain([alarm.configured_at]).max();
    if newest < Some(alarm.state.updated_at) && alarm.state.reason != INITIAL {
        return Some((seen, None));
    }
    let partition = alarm.partition();
    let by_name = |name: &str| roster.get(&alarm_key(&partition, name)).map(|known| &known.alarm);
    let state = composite::decide(alarm, &composite.rule, &by_name, now);
    Some((seen, state))
}
