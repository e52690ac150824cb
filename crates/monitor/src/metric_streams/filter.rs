//! Which metrics a stream sends. Pure.

use keywatch_api::cloudwatch::streams::{MetricStreamFilter, MetricStreamState};

use super::record::StreamRecord;

/// Whether a stream sends a metric of its account and Region at the moment.
pub(super) fn sends(stream: &StreamRecord, namespace: &str, name: &str) -> bool {
    if stream.state != MetricStreamState::Running {
        return false;
    }
    let listed = |filters: &[MetricStreamFilter]| filters.iter().any(|filter| fits(filter, namespace, name));
    match (stream.include.as_deref(), stream.exclude.as_deref()) {
        (Some(include), _) if !include.is_empty() => listed(include),
        (_, Some(exclude)) => !listed(exclude),
        _ => true,
    }
}

/// A filter without names is about its whole namespace.
fn fits(filter: &MetricStreamFilter, namespace: &str, name: &str) -> bool {
    let names = filter.metric_names.as_deref().unwrap_or_default();
    filter.namespace.as_deref() == Some(namespace)
        && (names.is_empty() || names.iter().any(|known| known == name))
}

/// The statistics of a metric besides the four that each one has, by the names they were asked for.
pub(super) fn statistics<'s>(stream: &'s StreamRecord, namespace: &str, name: &str) -> Vec<&'s str> {
    let mut names: Vec<&str> = Vec::new();
    for configuration in stream.statistics.iter().flatten() {
        let listed = &configuration.include_metrics;
        if listed.iter().any(|metric| metric.namespace == namespace && metric.metric_name == name) {
            for statistic in &configuration.additional_statistics {
                if !names.contains(&statistic.as_str()) {
                    names.push(statistic);
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric_streams::tests::stream;

    fn filter(namespace: &str, names: &[&str]) -> MetricStreamFilter {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        MetricStreamFilter { namespace: Some(namespace.into()), metric_names: Some(names) }
    }

    #[test]
    fn filters() {
        let both = [("A", "x"), ("A", "y"), ("B", "x")];
        for (include, exclude, expected) in [
            (None, None, [true, true, true]),
            (Some(vec![]), None, [true, true, true]),
            (Some(vec![filter("A", &[])]), None, [true, true, false]),
            (Some(vec![filter("A", &["y"]), filter("B", &["x"])]), None, [false, true, true]),
            (None, Some(vec![filter("A", &["x"])]), [false, true, true]),
            (None, Some(vec![filter("A", &[])]), [false, false, true]),
        ] {
            let stream = StreamRecord { include, exclude, ..stream("s", "f") };
            assert_eq!(both.map(|(namespace, name)| sends(&stream, namespace, name)), expected, "{stream:?}");
            let stopped = StreamRecord { state: MetricStreamState::Stopped, ..stream };
            assert!(!sends(&stopped, "A", "y"));
        }
    }
}
