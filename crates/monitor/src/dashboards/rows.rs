//! # Rows of metrics, as widgets write them
//! A **row** is an array: namespace, name and pairs of dimensions, or an expression, and what is said of its line. `"."` stands for
//! the value above it, `"..."` for as many values of the row above as are missing.
//!
//! Source: CloudWatch API Reference, "Dashboard Body Structure and Syntax".

use serde_json::{Map, Value};

/// A row after its short forms were written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) options: Map<String, Value>,
}

/// What a row draws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Metric { namespace: String, name: String, dimensions: Vec<(String, String)> },
    Expression(String),
}

/// Reads rows; an error has the index of its row.
pub(crate) fn rows(list: &[Value]) -> (Vec<Row>, Vec<(usize, String)>) {
    let (mut rows, mut errors) = (Vec::with_capacity(list.len()), Vec::new());
    let mut above: Vec<String> = Vec::new();
    for (index, value) in list.iter().enumerate() {
        match row(value, &above) {
            Ok((row, fields)) => {
                rows.push(row);
                if !fields.is_empty() {
                    above = fields;
                }
            }
            Err(message) => errors.push((index, message)),
        }
    }
    (rows, errors)
}

fn row(value: &Value, above: &[String]) -> Result<(Row, Vec<String>), String> {
    let fields = value.as_array().ok_or("Should be array")?;
    let (fields, options) = match fields.split_last() {
        Some((Value::Object(options), fields)) => (fields, options.clone()),
        _ => (fields.as_slice(), Map::new()),
    };
    if let Some(expression) = options.get("expression").filter(|_| fields.is_empty()) {
        let text = expression.as_str().ok_or("Invalid expression, only \"String\" type is allowed")?;
        return Ok((Row { subject: Subject::Expression(text.to_owned()), options }, Vec::new()));
    }
    let texts: Option<Vec<&str>> = fields.iter().map(Value::as_str).collect();
    let texts = texts.ok_or("Invalid metric field type, only \"String\" type is allowed")?;
    let fields = written_out(&texts, above)?;
    if fields.len() < 2 || !fields.len().is_multiple_of(2) {
        return Err("Should have a namespace, a metric name and pairs of dimension names and values".into());
    }
    let dimensions = fields[2..].chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let subject = Subject::Metric { namespace: fields[0].clone(), name: fields[1].clone(), dimensions };
    Ok((Row { subject, options }, fields))
}

fn written_out(fields: &[&str], above: &[String]) -> Result<Vec<String>, String> {
    let repeated = |at: usize| {
        above.get(at).cloned().ok_or_else(|| format!("There is no value above field {} to repeat", at + 1))
    };
    let mut out: Vec<String> = Vec::with_capacity(fields.len().max(above.len()));
    for (index, field) in fields.iter().enumerate() {
        match *field {
            "." => out.push(repeated(out.len())?),
            "..." => {
                let left = fields.len() - index - 1;
                while out.len() + left < above.len() {
                    out.push(repeated(out.len())?);
                }
            }
            other => out.push(other.to_owned()),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(list: Value, expected: &[&str]) {
        let (rows, errors) = rows(list.as_array().unwrap());
        let shown = |row: &Row| match &row.subject {
            Subject::Expression(text) => format!("={text}"),
            Subject::Metric { namespace, name, dimensions } => {
                let pairs: Vec<_> =
                    dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("{namespace} {name} {}", pairs.join(","))
            }
        };
        let mut found: Vec<String> = rows.iter().map(shown).collect();
        found.extend(errors.iter().map(|(index, message)| format!("{index}: {message}")));
        assert_eq!(found, expected, "{list}");
    }

    #[test]
    fn short_forms() {
        check(json!([["N", "M"]]), &["N M "]);
        check(json!([["N", "M", "D", "a"], ["...", "b"]]), &["N M D=a", "N M D=b"]);
        check(json!([["N", "M", "D", "a"], [".", "L", ".", "."]]), &["N M D=a", "N L D=a"]);
        check(
            json!([["N", "M", "D", "a", "E", "x"], ["...", "E", "y"], [".", "K", "..."]]),
            &["N M D=a,E=x", "N M D=a,E=y", "N K D=a,E=y"],
        );
        check(
            json!([["N", "M", "D", "a"], [{ "expression": "1" }], ["...", "b"]]),
            &["N M D=a", "=1", "N M D=b"],
        );
        check(json!([["N", "M", "D", "a"], ["O", "P", "..."], ["O", "P"]]), &["N M D=a", "O P D=a", "O P "]);
    }

    #[test]
    fn errors() {
        let pairs = "0: Should have a namespace, a metric name and pairs of dimension names and values";
        check(json!([["N"]]), &[pairs]);
        check(json!([["N", "M", "D"]]), &[pairs]);
        check(json!([[]]), &[pairs]);
        check(json!([["N", 1]]), &["0: Invalid metric field type, only \"String\" type is allowed"]);
        check(json!([".", ["N", "M"]]), &["N M ", "0: Should be array"]);
        check(json!([[".", "M"]]), &["0: There is no value above field 1 to repeat"]);
        check(json!([[{ "expression": 1 }]]), &["0: Invalid expression, only \"String\" type is allowed"]);
    }
}
