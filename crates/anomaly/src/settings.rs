//! The detector's parameters: one set for all series.

/// What the detector is set to. Every number holds for every series; `docs/anomaly-detection.md` shows what becomes of the
/// benchmark when one is changed by a fifth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Points after which a magnitude has lost a factor e of its weight. Two weeks of five-minute points are 4,032: a change
    /// of habit is learnt within weeks, and a rarity of once in thousands can still be told.
    pub memory: f64,
    /// Points of the short average: long enough to pass over a single point, short enough to see a turn.
    pub short: f64,
    /// Points of the middle average, over which restlessness is measured: two hours of five-minute points.
    pub middle: f64,
    /// Points of the long level: two days of five-minute points, so that no time of the day is level.
    pub long: f64,
    /// Visits after which a time of the day forgets: a month of days, half an hour each.
    pub visits: f64,
    /// Magnitudes that make a share which is believed; beyond them the tail is extrapolated.
    pub few: f64,
    /// What is believed of a tail's fall before it was seen: octaves for a factor e of rarity.
    pub fall: f64,
    /// The exponent by which the views' rarities are brought together: 1 would add them, infinity take the largest. Views of
    /// one series agree often, so less than their sum is believed, and more than the loudest alone.
    pub norm: f64,
    /// Points of silence after an alarm, unless something rarer comes: one event is one alarm.
    pub hold: f64,
    /// How much more surprise makes something rarer.
    pub margin: f64,
    /// The surprise whose score is one half: mere noise reaches it in none to two of ten thousand points.
    pub half: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: 5000.0,
            short: 6.0,
            middle: 24.0,
            long: 600.0,
            visits: 30.0,
            few: 10.0,
            fall: 0.3,
            norm: 2.5,
            hold: 200.0,
            margin: 1.0,
            half: 16.0,
        }
    }
}

/// A parameter's name and its place.
pub type Parameter = (&'static str, fn(&mut Settings) -> &mut f64);

impl Settings {
    /// Every parameter, for those who try others.
    pub const PARAMETERS: [Parameter; 11] = [
        ("memory", |s| &mut s.memory),
        ("short", |s| &mut s.short),
        ("middle", |s| &mut s.middle),
        ("long", |s| &mut s.long),
        ("visits", |s| &mut s.visits),
        ("few", |s| &mut s.few),
        ("fall", |s| &mut s.fall),
        ("norm", |s| &mut s.norm),
        ("hold", |s| &mut s.hold),
        ("margin", |s| &mut s.margin),
        ("half", |s| &mut s.half),
    ];
}
