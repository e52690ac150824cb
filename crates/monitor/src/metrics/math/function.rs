//! The functions of metric math that take values and give values.

use super::MathError;

macro_rules! functions {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A function by its name, which is written in upper case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function { $($variant),* }

        impl Function {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

functions! {
    Abs = "ABS", AnomalyDetectionBand = "ANOMALY_DETECTION_BAND", Avg = "AVG", Ceil = "CEIL", DatapointCount = "DATAPOINT_COUNT",
    Date = "DATE", Day = "DAY", Diff = "DIFF", DiffTime = "DIFF_TIME", Epoch = "EPOCH", First = "FIRST", Floor = "FLOOR", Hour = "HOUR",
    If = "IF", Last = "LAST", Log = "LOG", Log10 = "LOG10", Max = "MAX", MetricCount = "METRIC_COUNT", Min = "MIN", Minute = "MINUTE",
    Month = "MONTH", Period = "PERIOD", Rate = "RATE", RemoveEmpty = "REMOVE_EMPTY", RunningSum = "RUNNING_SUM",
    ServiceQuota = "SERVICE_QUOTA", Slice = "SLICE", StdDev = "STDDEV", Sum = "SUM", TimeSeries = "TIME_SERIES", Year = "YEAR",
}

/// What the functions have in common that are told apart only by what they compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// A figure of each point alone.
    Point,
    /// A figure of each point and the ones before it.
    Sequence,
    /// One figure of a series, or one series of an array.
    Reducer,
    /// A figure of the time of each period.
    Calendar,
    /// What is picked from an array.
    Pick,
    /// What stands for itself.
    Other,
}

impl Function {
    pub(super) fn named(name: &str) -> Result<Self, MathError> {
        let found = Self::ALL.iter().find(|function| function.name() == name);
        found.copied().ok_or_else(|| MathError(format!("Unknown function '{name}'")))
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Abs | Self::Ceil | Self::Floor | Self::Log | Self::Log10 => Family::Point,
            Self::Diff | Self::DiffTime | Self::Rate | Self::RunningSum => Family::Sequence,
            Self::Avg | Self::DatapointCount | Self::Max | Self::Min | Self::StdDev | Self::Sum => {
                Family::Reducer
            }
            Self::Date | Self::Day | Self::Epoch | Self::Hour | Self::Minute | Self::Month | Self::Year => {
                Family::Calendar
            }
            Self::First | Self::Last | Self::RemoveEmpty | Self::Slice => Family::Pick,
            Self::AnomalyDetectionBand
            | Self::If
            | Self::MetricCount
            | Self::Period
            | Self::ServiceQuota
            | Self::TimeSeries => Family::Other,
        }
    }

    /// How many arguments it takes, at least and at most.
    pub(super) const fn arity(self) -> (usize, usize) {
        match self {
            Self::If => (2, 3),
            Self::Slice => (2, 3),
            Self::AnomalyDetectionBand => (1, 2),
            _ => (1, 1),
        }
    }
}
