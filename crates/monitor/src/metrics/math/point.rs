//! Functions that give a figure for each point of a series.

use super::{Function, Series};

/// The figure of one value alone; not finite where there is none.
pub(super) fn of(function: Function, value: f64) -> f64 {
    match function {
        Function::Abs => value.abs(),
        Function::Ceil => value.ceil(),
        Function::Floor => value.floor(),
        Function::Log => value.ln(),
        Function::Log10 => value.log10(),
        _ => value,
    }
}

pub(super) fn each(function: Function, series: &Series) -> Series {
    series.with(series.points.iter().map(|(time, value)| (*time, of(function, *value))))
}

/// The figures of points and the ones before them. What compares a point with the one before has none for the first.
pub(super) fn sequence(function: Function, series: &Series) -> Series {
    if function == Function::RunningSum {
        let mut sum = 0.0;
        let running = series.points.iter().map(|(time, value)| {
            sum += value;
            (*time, sum)
        });
        return series.with(running);
    }
    let pairs = series.points.windows(2).map(|pair| {
        let [(before, earlier), (time, value)] = [pair[0], pair[1]];
        let seconds = (time - before) as f64;
        let figure = match function {
            Function::Diff => value - earlier,
            Function::DiffTime => seconds,
            _ => (value - earlier) / seconds,
        };
        (time, figure)
    });
    series.with(pairs)
}
