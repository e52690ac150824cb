//! What happens in a fortnight: everything follows from the seed.

use keywatch_api::cloudwatch::StateValue;

use crate::{DAYS, START};

/// The last metric has points by the second.
pub const METRICS: usize = 4;
pub const FAST: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stat {
    Sum,
    Maximum,
    Minimum,
    Average,
    SampleCount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Of {
    One(usize, Stat),
    /// The sums of two metrics added up, by metric math.
    Both(usize, usize),
    /// The sum of each metric by itself, by Metrics Insights.
    Each,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricAlarm {
    pub of: Of,
    pub above: bool,
    pub threshold: f64,
    /// Seconds.
    pub period: i64,
    pub evaluated: usize,
    pub needed: usize,
    pub missing: Treatment,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Is(StateValue, &'static str),
    Not(Box<Rule>),
    And(Box<Rule>, Box<Rule>),
    Or(Box<Rule>, Box<Rule>),
    AtLeast(usize, StateValue, Vec<&'static str>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct CompositeAlarm {
    pub rule: Rule,
    pub suppressor: Option<Suppressor>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Suppressor {
    pub name: &'static str,
    /// Seconds.
    pub wait: i64,
    pub extension: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Metric(MetricAlarm),
    Composite(CompositeAlarm),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub name: &'static str,
    pub kind: Kind,
}

/// A value of a metric at a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub metric: usize,
    pub time: i64,
    pub value: f64,
}

/// One window.
#[derive(Debug, Clone, PartialEq)]
pub struct Mute {
    pub name: String,
    pub target: &'static str,
    /// Whole minutes.
    pub start: i64,
    pub end: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Doing {
    Points(Vec<Point>),
    Change(Alarm),
    SetState(&'static str, StateValue),
    Actions(&'static str, bool),
    Mute(Mute),
    Unmute(String),
    /// `stored` if the series were written down before.
    Restart {
        stored: bool,
    },
    /// Of a metric alarm that is put again later.
    Delete(&'static str),
}

impl Doing {
    pub fn number(&self) -> usize {
        match self {
            Self::Points(_) => 0,
            Self::Change(_) => 1,
            Self::SetState(..) => 2,
            Self::Actions(..) => 3,
            Self::Mute(_) => 4,
            Self::Unmute(_) => 5,
            Self::Restart { .. } => 6,
            Self::Delete(_) => 7,
        }
    }
}

/// Numbers that look like chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.unsigned_abs()) as i64
    }

    fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as i64) as usize].clone()
    }
}

pub struct Plan {
    dice: Dice,
    alarms: Vec<Alarm>,
    /// The minute that comes next.
    minute: i64,
    /// Until when it is busy, or quiet.
    until: i64,
    busy: bool,
    mutes: i64,
}

const SPAN: i64 = DAYS * 24 * 60;

impl Plan {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let alarms = alarms(&mut dice);
        Self { dice, alarms, minute: 0, until: 0, busy: false, mutes: 0 }
    }

    pub fn alarms(&self) -> Vec<Alarm> {
        self.alarms.clone()
    }

    /// What happens next, and when, in milliseconds: in the middle of a second, never at a full minute.
    pub fn next(&mut self) -> Option<(i64, Doing)> {
        loop {
            self.minute += 1;
            if self.minute >= SPAN {
                return None;
            }
            if self.minute >= self.until {
                self.busy = !self.busy;
                self.until = self.minute
                    + if self.busy { 10 + self.dice.below(30) } else { 60 + self.dice.below(1_600) };
            }
            let at = (START + self.minute * 60 + self.dice.below(59)) * 1_000 + 500;
            let happens = if self.busy { self.dice.below(100) } else { 100 + self.dice.below(2_000) };
            match happens {
                0..75 => return Some((at, self.points(at / 1_000))),
                75..82 | 100..110 => return Some((at, self.special(at / 1_000))),
                _ => {}
            }
        }
    }

    fn points(&mut self, now: i64) -> Doing {
        let count = 1 + self.dice.below(5);
        let point = |dice: &mut Dice| {
            let metric = dice.below(METRICS as i64) as usize;
            let time = match dice.below(20) {
                0 | 1 => now - dice.below(1_800),
                2 => now - dice.below(20_000) * i64::from(metric != FAST),
                3 => now + dice.below(200),
                _ => now,
            };
            let value = match dice.below(30) {
                0 => -4,
                1..=4 => 0,
                _ => dice.below(10),
            };
            Point { metric, time, value: value as f64 }
        };
        Doing::Points((0..count).map(|_| point(&mut self.dice)).collect())
    }

    fn special(&mut self, now: i64) -> Doing {
        let at = self.dice.below(self.alarms.len() as i64) as usize;
        let name = self.alarms[at].name;
        match self.dice.below(9) {
            0 | 1 => Doing::Restart { stored: self.dice.one_in(2) },
            2 => Doing::SetState(
                name,
                self.dice.pick(&[StateValue::Ok, StateValue::Alarm, StateValue::InsufficientData]),
            ),
            3 => Doing::Actions(name, self.dice.one_in(2)),
            4 | 5 => {
                // What contributors do in windows has cases of its own.
                let target = if name.starts_with("each") { "either" } else { name };
                self.mutes += 1;
                let start = (now / 60 + self.dice.below(60) - 10) * 60;
                let end = start + 60 * (11 + self.dice.below(180));
                Doing::Mute(Mute { name: format!("mute-{}", self.mutes), target, start, end })
            }
            6 if self.mutes > 0 => {
                Doing::Unmute(format!("mute-{}", self.mutes - self.dice.below(3).min(self.mutes - 1)))
            }
            7 if name == "lonely" => Doing::Delete(name),
            7 => Doing::Delete("lonely"),
            _ => self.change(at),
        }
    }

    /// Another configuration of an alarm. One that is evaluated by the hour keeps its own.
    fn change(&mut self, at: usize) -> Doing {
        let alarm = &mut self.alarms[at];
        match &mut alarm.kind {
            Kind::Metric(metric) if metric.period < 3_600 => {
                metric.threshold = metric.threshold + self.dice.below(5) as f64 - 2.0;
                metric.missing = self.dice.pick(&[
                    metric.missing,
                    Treatment::Missing,
                    Treatment::Ignore,
                    Treatment::Breaching,
                    Treatment::NotBreaching,
                ]);
                metric.evaluated = 1 + self.dice.below(5) as usize;
                metric.needed = 1 + self.dice.below(metric.evaluated as i64) as usize;
            }
            Kind::Metric(_) => {}
            Kind::Composite(composite) => {
                composite.rule = Rule::Not(Box::new(Rule::Not(Box::new(composite.rule.clone()))));
                if let Rule::Not(outer) = &composite.rule
                    && let Rule::Not(inner) = &**outer
                    && let Rule::Not(_) = &**inner
                {
                    composite.rule = (**outer).clone();
                }
            }
        }
        Doing::Change(alarm.clone())
    }
}

fn alarms(dice: &mut Dice) -> Vec<Alarm> {
    use StateValue::{Alarm as InAlarm, InsufficientData, Ok};
    use Treatment::{Breaching, Ignore, NotBreaching};
    let mut metric = |name, of, above, threshold: i64, (period, needed, evaluated), missing| {
        let threshold = (threshold + dice.below(3)) as f64;
        Alarm {
            name,
            kind: Kind::Metric(MetricAlarm { of, above, threshold, period, evaluated, needed, missing }),
        }
    };
    let mut alarms = vec![
        metric("sum", Of::One(0, Stat::Sum), true, 8, (60, 1, 1), NotBreaching),
        metric("max", Of::One(1, Stat::Maximum), true, 6, (60, 2, 3), Treatment::Missing),
        metric("min", Of::One(1, Stat::Minimum), false, 2, (60, 3, 5), Ignore),
        metric("average", Of::One(2, Stat::Average), true, 4, (300, 1, 1), Breaching),
        metric("five", Of::One(0, Stat::Sum), true, 14, (300, 2, 2), Treatment::Missing),
        metric("count", Of::One(2, Stat::SampleCount), true, 1, (60, 2, 3), NotBreaching),
        metric("fast", Of::One(FAST, Stat::Sum), true, 4, (10, 2, 3), Treatment::Missing),
        metric("thirty", Of::One(FAST, Stat::Maximum), true, 5, (30, 1, 2), NotBreaching),
        metric("twenty", Of::One(FAST, Stat::Average), true, 4, (20, 2, 2), Ignore),
        metric("hour", Of::One(0, Stat::Sum), true, 60, (3_600, 1, 25), Treatment::Missing),
        metric("math", Of::Both(0, 1), true, 9, (60, 1, 2), NotBreaching),
        metric("math-less", Of::Both(1, 2), false, 5, (120, 2, 2), Treatment::Missing),
        metric("each", Of::Each, true, 8, (60, 1, 1), NotBreaching),
        metric("each-five", Of::Each, true, 15, (300, 1, 2), Treatment::Missing),
        metric("less", Of::One(2, Stat::Sum), false, 3, (60, 2, 2), Breaching),
        metric("lonely", Of::One(2, Stat::Maximum), true, 7, (60, 1, 1), Ignore),
    ];
    let is = |state, name| Box::new(Rule::Is(state, name));
    let mut composite = |name, rule, suppressor: Option<(&'static str, i64, i64)>| {
        let suppressor = suppressor.map(|(name, wait, extension)| Suppressor { name, wait, extension });
        alarms.push(Alarm { name, kind: Kind::Composite(CompositeAlarm { rule, suppressor }) });
    };
    composite("either", Rule::Or(is(InAlarm, "sum"), is(InAlarm, "max")), Some(("thirty", 90, 120)));
    composite("both", Rule::And(is(InAlarm, "five"), Box::new(Rule::Not(is(Ok, "average")))), None);
    composite(
        "top",
        Rule::Or(is(InAlarm, "either"), Box::new(Rule::AtLeast(2, InAlarm, vec!["min", "count", "both"]))),
        None,
    );
    composite(
        "silent",
        Rule::And(is(InsufficientData, "max"), Box::new(Rule::Not(is(InAlarm, "less")))),
        Some(("count", 0, 60)),
    );
    alarms
}
