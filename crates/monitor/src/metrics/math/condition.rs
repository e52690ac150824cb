//! `IF`: one value or another, decided once or for each point.

use std::collections::BTreeSet;

use super::{MathError, Second, Series, Value};

/// `[condition, then]` and what stands for it otherwise. A condition that is a time series decides for each of its points: what it
/// chooses counts as zero where it has no point, unless it is chosen over a scalar by a condition that does not hold, and without an
/// otherwise those points are left out.
pub(super) fn choose([condition, then]: [Value; 2], otherwise: Option<Value>) -> Result<Value, MathError> {
    match condition {
        Value::Scalar(condition) => Ok(by_scalar(condition != 0.0, then, otherwise)),
        Value::Series(condition) => Ok(Value::Series(by_point(&condition, &then, otherwise.as_ref()))),
        Value::Array(_) => Err(MathError("IF takes a scalar or a time series".into())),
    }
}

/// A scalar decides for all. When the other branch is a series the result is one too, with the scalar at each of its times.
fn by_scalar(holds: bool, then: Value, otherwise: Option<Value>) -> Value {
    let nothing = |like: &Value| match like {
        Value::Series(series) => Value::Series(series.with(std::iter::empty())),
        _ => Value::Scalar(f64::NAN),
    };
    let (chosen, other) = match otherwise {
        None if holds => return then,
        None => return nothing(&then),
        Some(otherwise) if holds => (then, otherwise),
        Some(otherwise) => (otherwise, then),
    };
    match (chosen, other) {
        (Value::Scalar(number), Value::Series(series)) => {
            Value::Series(series.with(series.points.iter().map(|(time, _)| (*time, number))))
        }
        (chosen, _) => chosen,
    }
}

fn by_point(condition: &Series, then: &Value, otherwise: Option<&Value>) -> Series {
    let has_point = |value: &Value, time: Second| match value {
        Value::Series(series) => series.at(time),
        Value::Scalar(number) => Some(*number),
        Value::Array(_) => None,
    };
    let points = condition.points.iter().filter_map(|(time, condition)| {
        if *condition != 0.0 {
            return Some((*time, has_point(then, *time).unwrap_or(0.0)));
        }
        let otherwise = otherwise?;
        // Between two series a missing point is zero where the other has one.
        let beside = matches!(then, Value::Series(_)) && has_point(then, *time).is_some();
        let value = has_point(otherwise, *time).or(beside.then_some(0.0))?;
        Some((*time, value))
    });
    let points: Vec<_> = points.collect();
    let periods = [Some(then), otherwise].into_iter().flatten().filter_map(|value| match value {
        Value::Series(series) => Some(series.period),
        _ => None,
    });
    let period =
        periods.chain([condition.period]).collect::<BTreeSet<_>>().pop_last().unwrap_or(condition.period);
    Series { period, ..condition.clone() }.with(points.into_iter())
}
