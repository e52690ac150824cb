//! The kind of value an expression gives, which follows from the kinds of its inputs alone.

use super::{Expression, Filling, Function, MathError, function::Family};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    Series,
    Array,
}

use Kind::{Array, Scalar, Series};

/// The kind of an expression; `variable` tells the kinds of other queries by their ids.
///
/// # Errors
/// A variable that is not there, and operands or arguments of a kind that their operator or function does not take.
pub fn kind_of(expression: &Expression, variable: &dyn Fn(&str) -> Option<Kind>) -> Result<Kind, MathError> {
    let kind = |expression: &Expression| kind_of(expression, variable);
    match expression {
        Expression::Number(_) => Ok(Scalar),
        Expression::Variable(id) => variable(id).ok_or_else(|| undefined(id)),
        Expression::Array(members) => {
            for member in members {
                if kind(member)? == Scalar {
                    return Err(MathError("An array holds time series, not scalars".into()));
                }
            }
            Ok(Array)
        }
        Expression::Negative(inner) => kind(inner),
        Expression::Binary(_, left, right) => match (kind(left)?, kind(right)?) {
            (Array, Array) => Err(MathError("Operators do not take two arrays of time series".into())),
            (Array, _) | (_, Array) => Ok(Array),
            (Series, _) | (_, Series) => Ok(Series),
            (Scalar, Scalar) => Ok(Scalar),
        },
        Expression::Metrics(_) | Expression::Search(_) => Ok(Array),
        Expression::Sort(sorted, sorting) => {
            only("SORT", kind(sorted)?, &[Array])?;
            if let Some(limit) = &sorting.limit {
                only("SORT", kind(limit)?, &[Scalar])?;
            }
            Ok(Array)
        }
        Expression::Fill(filled, filling) => {
            let filled = only("FILL", kind(filled)?, &[Series, Array])?;
            if let Filling::With(value) = filling {
                only("FILL", kind(value)?, &[Scalar, Series])?;
            }
            Ok(filled)
        }
        Expression::Call(function, arguments) => {
            let kinds: Vec<Kind> = arguments.iter().map(kind).collect::<Result<_, _>>()?;
            call(*function, &kinds)
        }
    }
}

pub(super) fn undefined(id: &str) -> MathError {
    MathError(format!("Unknown id '{id}'"))
}

/// The parser has counted the arguments.
fn call(function: Function, kinds: &[Kind]) -> Result<Kind, MathError> {
    let name = function.name();
    let first = |allowed: &[Kind]| only(name, kinds[0], allowed);
    let scalars =
        |from: usize| kinds[from..].iter().try_for_each(|kind| only(name, *kind, &[Scalar]).map(|_| ()));
    match function.family() {
        Family::Point => first(&[Scalar, Series, Array]),
        Family::Sequence => first(&[Series, Array]),
        Family::Reducer => Ok(if first(&[Series, Array])? == Series { Scalar } else { Series }),
        Family::Calendar => first(&[Series]),
        Family::Pick => {
            first(&[Array])?;
            scalars(1)?;
            Ok(if matches!(function, Function::First | Function::Last) { Series } else { Array })
        }
        Family::Other => match function {
            Function::AnomalyDetectionBand => {
                first(&[Series])?;
                scalars(1)?;
                Ok(Array)
            }
            Function::If => {
                kinds.iter().try_for_each(|kind| only(name, *kind, &[Scalar, Series]).map(|_| ()))?;
                Ok(if kinds.contains(&Series) { Series } else { Scalar })
            }
            Function::MetricCount => first(&[Array]).map(|_| Scalar),
            Function::TimeSeries => first(&[Scalar]).map(|_| Series),
            Function::Period => first(&[Series]).map(|_| Scalar),
            _ => first(&[Series]),
        },
    }
}

fn only(name: &str, kind: Kind, allowed: &[Kind]) -> Result<Kind, MathError> {
    if allowed.contains(&kind) {
        return Ok(kind);
    }
    let word = |kind: &Kind| match kind {
        Scalar => "a scalar",
        Series => "a time series",
        Array => "an array of time series",
    };
    let wanted: Vec<&str> = allowed.iter().map(word).collect();
    Err(MathError(format!("{name} takes {}, not {}", wanted.join(" or "), word(&kind))))
}
