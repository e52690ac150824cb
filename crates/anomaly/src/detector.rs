//! Scores a series one point at a time.
//!
//! Nouns: a [`Detector`] holds what a series taught it; each point gets a [`Verdict`]. Eleven **views** look at a point: the
//! step to it, its distance from a short average, above and below the long level, the drift of the level, restlessness and
//! calm of the last hours, the distance from the time of the day (at once, and as a run), and how unlike the last stretch is
//! to every stretch before (a long and a short one). Each view has a [`Tail`] of its own, which turns a magnitude into a
//! rarity; the rarities' norm is the **surprise**. Then comes the hold: an alarm is raised once, and again within the hold
//! only for something rarer, or one event would be as many alarms as it has points.
//! **Invariants:** a point is judged by what came before it and only then learnt; memory is constant; no input panics.

use crate::codec::{Codec, NotAState};
use crate::level::{Level, Reach, WARM_UP};
use crate::settings::Settings;
use crate::shape::Shapes;
use crate::tail::{Reading, Tail};

const VIEWS: usize = 11;
const VERSION: u8 = 1;
/// A view says no more than this: once in e^60 is a promise no history can keep.
const RARITY_MAX: f64 = 60.0;
const SURPRISE_MAX: f64 = 40.0;
/// Surprises are told apart by quarters, so that one event is not re-raised for a trifle.
const SURPRISE_STEP: f64 = 0.25;
/// Differences of less than this part of the spread come from rounding.
const ROUNDING: f64 = 1e-5;
/// Less is no event that silences others.
const EVENT: f64 = 4.0;
/// The largest magnitude CloudWatch takes, 2^360; further values are not looked at.
const VALUE_MAX: f64 = 2.348_542_582_773_833_4e108;
/// Points before there is a score or a band.
const ENOUGH: u64 = WARM_UP;
/// The share of points above the band, and below it.
const OUTSIDE: f64 = 0.005;
/// Points over which the level's forecast and the day's are compared.
const COMPARED: f64 = 300.0;

/// What a series taught so far: about 60 kB, whatever its length.
#[derive(Debug, Clone)]
pub struct Detector {
    settings: Settings,
    level: Level,
    long_shapes: Shapes<64, 16>,
    short_shapes: Shapes<16, 8>,
    tails: [Tail; VIEWS],
    hold: Hold,
    forecast: Forecast,
}

/// What a point is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// 0 to 1; from one half up it is an alarm. Raised where an anomaly begins, and 0 while it lasts.
    pub score: f64,
    /// How unlikely the point is by all views, in natural logarithms of rarity: not held, for those who draw it.
    pub surprise: f64,
    /// What was expected, in the values' unit; `None` while there is too little data (50 points).
    pub band: Option<Band>,
}

/// The expected value and the range in which 99 of 100 points were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub expected: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Detector {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            level: Level::new(),
            long_shapes: Shapes::new(),
            short_shapes: Shapes::new(),
            tails: std::array::from_fn(|_| Tail::new()),
            hold: Hold { peak: 0.0, since: 0 },
            forecast: Forecast::new(),
        }
    }

    /// Judges the value at a time (seconds since 1970, UTC) and learns it. Times should rise; what is not a number, or
    /// beyond 2^360, scores 0 and is not learnt.
    pub fn observe(&mut self, at: i64, value: f64) -> Verdict {
        let enough = self.level.points() >= ENOUGH;
        let forecasts = self.level.expected(at);
        let band = enough.then(|| self.forecast.band(forecasts));
        if value.is_nan() || value.abs() > VALUE_MAX {
            return Verdict { score: 0.0, surprise: 0.0, band };
        }
        if enough {
            self.forecast.learn(value, forecasts, self.settings.memory);
        } else {
            self.forecast.least = self.forecast.least.min(value);
        }
        let reach = self.level.learn(at, value, &self.settings);
        let shapes = (self.long_shapes.learn(value), self.short_shapes.learn(value));
        let rounding = ROUNDING * self.level.spread();
        let magnitudes =
            views(&reach, shapes).map(|magnitude| if magnitude < rounding { 0.0 } else { magnitude });
        let surprise = self.surprise(magnitudes, enough);
        let raised = self.hold.raised(surprise, &self.settings);
        let (square, half) = (raised * raised, self.settings.half * self.settings.half);
        Verdict { score: square / (square + half), surprise, band }
    }

    /// The norm of the views' rarities, in steps; each magnitude is learnt after it was read.
    fn surprise(&mut self, magnitudes: [f64; VIEWS], enough: bool) -> f64 {
        let reading = Reading { few: self.settings.few, fall: self.settings.fall };
        let mut sum = 0.0;
        for (tail, magnitude) in self.tails.iter_mut().zip(magnitudes) {
            if enough {
                let rarity = tail.rarity(magnitude, reading).clamp(0.0, RARITY_MAX);
                sum += rarity.powf(self.settings.norm);
            }
            tail.learn(magnitude, self.settings.memory);
        }
        let surprise = sum.powf(1.0 / self.settings.norm).min(SURPRISE_MAX);
        (surprise / SURPRISE_STEP).floor() * SURPRISE_STEP
    }

    /// The state, to go on later with the same verdicts: a version byte and the fields (see `codec`). Settings are not in it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut codec = Codec::Write(Vec::new());
        self.clone().code(&mut codec);
        match codec {
            Codec::Write(bytes) => bytes,
            Codec::Read(_) => Vec::new(),
        }
    }

    /// The detector whose state `bytes` are.
    ///
    /// # Errors
    /// [`NotAState`] for other bytes.
    pub fn from_bytes(settings: Settings, bytes: &[u8]) -> Result<Self, NotAState> {
        let mut detector = Self::new(settings);
        let mut codec = Codec::Read(Some(bytes));
        detector.code(&mut codec);
        if codec.whole() { Ok(detector) } else { Err(NotAState) }
    }

    fn code(&mut self, codec: &mut Codec<'_>) {
        codec.version(VERSION);
        self.level.code(codec);
        self.long_shapes.code(codec);
        self.short_shapes.code(codec);
        self.tails.iter_mut().for_each(|tail| tail.code(codec));
        codec.f64(&mut self.hold.peak);
        codec.u64(&mut self.hold.since);
        self.forecast.code(codec);
    }
}

fn views(reach: &Reach, (long, short): (f64, f64)) -> [f64; VIEWS] {
    let Reach { step, from_short, above, below, drift, restless, calm, off_day, off_day_run } = *reach;
    [step, from_short, above, below, drift, restless, calm, off_day, off_day_run, long, short]
}

/// The last event, and points since.
#[derive(Debug, Clone)]
struct Hold {
    peak: f64,
    since: u64,
}

impl Hold {
    /// The surprise when it is news, else 0.
    fn raised(&mut self, surprise: f64, settings: &Settings) -> f64 {
        self.since = self.since.saturating_add(1);
        let silent = self.since as f64 <= settings.hold && surprise <= self.peak + settings.margin;
        if silent {
            return 0.0;
        }
        if surprise >= EVENT {
            (self.peak, self.since) = (surprise, 0);
        }
        surprise
    }
}

/// The expected value: of the level or of the time of the day, whichever was nearer of late; and the errors it made.
#[derive(Debug, Clone)]
struct Forecast {
    above: Tail,
    below: Tail,
    level_error: f64,
    day_error: f64,
    /// The least value so far: a band of what was never negative is not either.
    least: f64,
}

impl Forecast {
    fn new() -> Self {
        Self { above: Tail::new(), below: Tail::new(), level_error: 0.0, day_error: 0.0, least: f64::MAX }
    }

    fn expected(&self, (level, day): (f64, Option<f64>)) -> f64 {
        day.filter(|_| self.day_error < self.level_error).unwrap_or(level)
    }

    fn band(&self, forecasts: (f64, Option<f64>)) -> Band {
        let expected = self.expected(forecasts);
        let floor = if self.least >= 0.0 { 0.0 } else { f64::MIN };
        let expected = expected.max(floor);
        let lower = (expected - self.below.quantile(OUTSIDE)).max(floor);
        Band { expected, lower, upper: expected + self.above.quantile(OUTSIDE) }
    }

    fn learn(&mut self, value: f64, forecasts: (f64, Option<f64>), memory: f64) {
        let off = value - self.expected(forecasts);
        self.above.learn(off.max(0.0), memory);
        self.below.learn((-off).max(0.0), memory);
        self.least = self.least.min(value);
        let (level, day) = forecasts;
        // Errors are held to ten times the mean, so that one outlier does not decide.
        let follow = |mean: &mut f64, error: f64| {
            let held = if *mean > 0.0 { error.min(10.0 * *mean) } else { error };
            *mean += (held - *mean) / COMPARED;
        };
        follow(&mut self.level_error, (value - level).abs());
        follow(&mut self.day_error, (value - day.unwrap_or(level)).abs());
    }

    fn code(&mut self, codec: &mut Codec<'_>) {
        self.above.code(codec);
        self.below.code(codec);
        codec.f64(&mut self.level_error);
        codec.f64(&mut self.day_error);
        codec.f64(&mut self.least);
    }
}
