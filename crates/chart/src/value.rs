//! Numbers as people read them.

/// At most four digits and a letter for the thousands: `0.25`, `12.5k`, `3M`.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    let (scaled, unit) = match size {
        _ if !value.is_finite() => return "–".to_owned(),
        _ if size >= 1e15 => return format!("{value:.2e}"),
        _ if size >= 1e12 => (value / 1e12, "T"),
        _ if size >= 1e9 => (value / 1e9, "G"),
        _ if size >= 1e6 => (value / 1e6, "M"),
        _ if size >= 1e3 => (value / 1e3, "k"),
        _ if size == 0.0 => return "0".to_owned(),
        _ if size < 1e-4 => return format!("{value:.1e}"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (1.0 / 3.0, "0.3333"),
            (999.0, "999"),
            (1_000.0, "1k"),
            (12_500.0, "12.5k"),
            (-1_500_000.0, "-1.5M"),
            (3e9, "3G"),
            (2e12, "2T"),
            (1e300, "1.00e300"),
            (1e-9, "1.0e-9"),
            (f64::NAN, "–"),
            (123.456, "123.5"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text, "{value}");
        }
    }
}
