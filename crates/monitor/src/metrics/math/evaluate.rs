//! Evaluates an expression over its sources.

use std::collections::HashMap;

use super::{
    Expression, Filling, Function, MathError, Operator, SERIES_MAX, Second, Series, Sources, Value, calendar,
    condition, fill,
    function::Family,
    kind::{Kind, kind_of, undefined},
    point, reduce,
};

/// What an expression gives.
///
/// # Errors
/// What [`kind_of`] refuses, arrays of too many series, and what the sources cannot give.
pub fn evaluate(expression: &Expression, sources: &dyn Sources) -> Result<Value, MathError> {
    let mut kinds = HashMap::new();
    let mut failed = None;
    expression.visit(&mut |inner| {
        let Expression::Variable(id) = inner else { return };
        match sources.variable(id) {
            Ok(value) => kinds.extend(value.map(|value| (id.as_str(), value.kind()))),
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    kind_of(expression, &|id| kinds.get(id).copied())?;
    value(expression, sources)
}

impl Value {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Scalar(_) => Kind::Scalar,
            Self::Series(_) => Kind::Series,
            Self::Array(_) => Kind::Array,
        }
    }

    /// The same with every series changed; a scalar stays as it is.
    pub(super) fn map(self, change: impl Fn(Series) -> Series) -> Self {
        match self {
            Self::Scalar(_) => self,
            Self::Series(series) => Self::Series(change(series)),
            Self::Array(array) => Self::Array(array.into_iter().map(change).collect()),
        }
    }
}

fn value(expression: &Expression, sources: &dyn Sources) -> Result<Value, MathError> {
    match expression {
        Expression::Number(number) => Ok(Value::Scalar(*number)),
        Expression::Variable(id) => sources.variable(id)?.ok_or_else(|| undefined(id)),
        Expression::Array(members) => {
            let mut array = Vec::new();
            for member in members {
                match value(member, sources)? {
                    Value::Scalar(_) => {}
                    Value::Series(series) => array.push(series),
                    Value::Array(inner) => array.extend(inner),
                }
            }
            bounded(array)
        }
        Expression::Negative(inner) => {
            Ok(binary(Operator::Subtract, Value::Scalar(0.0), value(inner, sources)?))
        }
        Expression::Binary(operator, left, right) => {
            Ok(binary(*operator, value(left, sources)?, value(right, sources)?))
        }
        Expression::Metrics(containing) => {
            let named = |id: &str| containing.as_ref().is_none_or(|text| id.contains(text.as_str()));
            let found = sources.metrics().into_iter().filter(|(id, _)| named(id));
            bounded(found.map(|(_, series)| series).collect())
        }
        Expression::Search(search) => bounded(sources.search(search)?),
        Expression::Sort(sorted, sorting) => {
            let limit = sorting.limit.as_ref().map(|limit| scalar(limit, sources)).transpose()?;
            let limit = limit.map_or(usize::MAX, |limit| limit.max(0.0) as usize);
            Ok(Value::Array(reduce::sort(array(sorted, sources)?, sorting.by, sorting.descending, limit)))
        }
        Expression::Fill(filled, filling) => filled_with(value(filled, sources)?, filling, sources),
        Expression::Call(function, arguments) => call(*function, arguments, sources),
    }
}

fn bounded(array: Vec<Series>) -> Result<Value, MathError> {
    if array.len() > SERIES_MAX {
        return Err(MathError(format!("An array holds at most {SERIES_MAX} time series")));
    }
    Ok(Value::Array(array))
}

fn filled_with(filled: Value, filling: &Filling, sources: &dyn Sources) -> Result<Value, MathError> {
    let with = match filling {
        Filling::Repeat => fill::Gap::Repeat,
        Filling::Linear => fill::Gap::Linear,
        Filling::With(expression) => match value(expression, sources)? {
            Value::Scalar(number) => fill::Gap::Constant(number),
            Value::Series(series) => fill::Gap::Series(series),
            Value::Array(_) => return Err(MathError("FILL takes a scalar or a time series".into())),
        },
    };
    Ok(filled.map(|series| {
        let times = sources.times(series.period);
        fill::fill(&series, &times, &with)
    }))
}

fn call(function: Function, arguments: &[Expression], sources: &dyn Sources) -> Result<Value, MathError> {
    let first = || value(&arguments[0], sources);
    match function.family() {
        Family::Point => Ok(match first()? {
            Value::Scalar(number) => Value::Scalar(point::of(function, number)),
            other => other.map(|series| point::each(function, &series)),
        }),
        Family::Sequence => Ok(first()?.map(|series| point::sequence(function, &series))),
        Family::Reducer => Ok(match first()? {
            Value::Array(array) => Value::Series(reduce::across(function, &array, sources.period())),
            Value::Series(series) => Value::Scalar(reduce::along(function, &series)),
            Value::Scalar(number) => Value::Scalar(number),
        }),
        Family::Calendar => {
            let of = series(&arguments[0], sources)?;
            let points = sources.times(of.period).into_iter();
            Ok(Value::Series(of.with(points.map(|time| (time, calendar::of(function, time))))))
        }
        Family::Pick => pick(function, arguments, sources),
        Family::Other => other(function, arguments, sources),
    }
}

fn pick(function: Function, arguments: &[Expression], sources: &dyn Sources) -> Result<Value, MathError> {
    let mut found = array(&arguments[0], sources)?;
    let none = || Series { period: sources.period(), ..Series::default() };
    Ok(match function {
        Function::First => Value::Series(found.into_iter().next().unwrap_or_else(none)),
        Function::Last => Value::Series(found.pop().unwrap_or_else(none)),
        Function::RemoveEmpty => {
            found.retain(|series| !series.points.is_empty());
            Value::Array(found)
        }
        _ => {
            let index = |at: usize| -> Result<Option<usize>, MathError> {
                let index = arguments.get(at).map(|argument| scalar(argument, sources)).transpose()?;
                Ok(index.map(|index| index.max(0.0) as usize))
            };
            let start = index(1)?.unwrap_or(0);
            let end = index(2)?.unwrap_or(found.len()).min(found.len());
            Value::Array(found.drain(start.min(end)..end).collect())
        }
    })
}

fn other(function: Function, arguments: &[Expression], sources: &dyn Sources) -> Result<Value, MathError> {
    match function {
        Function::If => {
            let otherwise = arguments.get(2).map(|argument| value(argument, sources)).transpose()?;
            let chosen = [value(&arguments[0], sources)?, value(&arguments[1], sources)?];
            condition::choose(chosen, otherwise)
        }
        Function::MetricCount => Ok(Value::Scalar(array(&arguments[0], sources)?.len() as f64)),
        Function::Period => Ok(Value::Scalar(series(&arguments[0], sources)?.period as f64)),
        Function::TimeSeries => {
            let number = scalar(&arguments[0], sources)?;
            let constant = Series { period: sources.period(), ..Series::default() };
            let points = sources.times(constant.period).into_iter().map(|time| (time, number));
            Ok(Value::Series(constant.with(points)))
        }
        Function::ServiceQuota => {
            let usage = series(&arguments[0], sources)?;
            sources.quota(&arguments[0], &usage).map(Value::Series)
        }
        _ => {
            let expected = series(&arguments[0], sources)?;
            let deviations = arguments.get(1).map_or(Ok(2.0), |argument| scalar(argument, sources))?;
            let band = sources.band(&arguments[0], &expected, deviations)?;
            Ok(Value::Array(band.into()))
        }
    }
}

fn scalar(expression: &Expression, sources: &dyn Sources) -> Result<f64, MathError> {
    match value(expression, sources)? {
        Value::Scalar(number) => Ok(number),
        _ => Err(MathError("A scalar is needed".into())),
    }
}

fn series(expression: &Expression, sources: &dyn Sources) -> Result<Series, MathError> {
    match value(expression, sources)? {
        Value::Series(series) => Ok(series),
        _ => Err(MathError("A time series is needed".into())),
    }
}

fn array(expression: &Expression, sources: &dyn Sources) -> Result<Vec<Series>, MathError> {
    match value(expression, sources)? {
        Value::Array(array) => Ok(array),
        _ => Err(MathError("An array of time series is needed".into())),
    }
}

fn binary(operator: Operator, left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(apply(operator, left, right)),
        (Value::Scalar(left), right) => {
            right.map(|series| scaled(&series, |value| apply(operator, left, value)))
        }
        (left, Value::Scalar(right)) => {
            left.map(|series| scaled(&series, |value| apply(operator, value, right)))
        }
        (Value::Series(left), right) => right.map(|series| {
            let origin = series.origin;
            Series { origin, ..joined(operator, &left, &series) }
        }),
        (left, Value::Series(right)) => left.map(|series| joined(operator, &series, &right)),
        // The kinds were checked: two arrays have no operators.
        (left, _) => left,
    }
}

fn scaled(series: &Series, change: impl Fn(f64) -> f64) -> Series {
    series.with(series.points.iter().map(|(time, value)| (*time, change(*value))))
}

/// Two series point by point: where only one has a point, the other counts as zero.
fn joined(operator: Operator, left: &Series, right: &Series) -> Series {
    let points = merged(left, right)
        .into_iter()
        .map(|(time, left, right)| (time, apply(operator, left.unwrap_or(0.0), right.unwrap_or(0.0))));
    Series { period: left.period.max(right.period), ..left.clone() }.with(points)
}

/// The times of both, each with the value of either that has one there.
fn merged(left: &Series, right: &Series) -> Vec<(Second, Option<f64>, Option<f64>)> {
    let (mut left, mut right) = (left.points.iter().peekable(), right.points.iter().peekable());
    let mut merged = Vec::new();
    loop {
        let time = match (left.peek(), right.peek()) {
            (Some((l, _)), Some((r, _))) => *l.min(r),
            (Some((time, _)), None) | (None, Some((time, _))) => *time,
            (None, None) => return merged,
        };
        let of = |value: Option<&(Second, f64)>| value.map(|(_, value)| *value);
        let l = of(left.next_if(|(at, _)| *at == time));
        let r = of(right.next_if(|(at, _)| *at == time));
        merged.push((time, l, r));
    }
}

fn apply(operator: Operator, left: f64, right: f64) -> f64 {
    let truth = |truth: bool| f64::from(u8::from(truth));
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Power => left.powf(right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::And => truth(left != 0.0 && right != 0.0),
        Operator::Or => truth(left != 0.0 || right != 0.0),
    }
}
