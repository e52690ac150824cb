//! What is told: families of samples.

/// What is told of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// In letters, digits and `_`, with the unit and without `_total`: `keywatch_request_duration_seconds`.
    pub name: &'static str,
    pub help: &'static str,
    /// The unit at the end of the name, where there is one: `seconds`, `bytes`.
    pub unit: Option<&'static str>,
    pub kind: Kind,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    Gauge,
    Histogram,
    /// Labels that do not change; its value is 1.
    Info,
}

/// One figure of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values; no name twice.
    pub labels: Vec<(&'static str, String)>,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Histogram(Histogram),
}

/// How often values fell between bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bounds, each included in its bucket, growing.
    pub bounds: &'static [f64],
    /// One for each bound and one for what is above the last.
    pub counts: Vec<u64>,
    pub sum: f64,
}

impl Family {
    pub fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self { name, help, unit: None, kind, samples: Vec::new() }
    }

    /// Says what the name ends in.
    pub fn in_unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// Adds a figure.
    pub fn with(mut self, labels: &[(&'static str, &str)], value: f64) -> Self {
        self.push(labels, Value::Number(value));
        self
    }

    pub fn push(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { labels, value });
    }
}

impl Histogram {
    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}
