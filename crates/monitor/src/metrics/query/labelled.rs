//! Labels what queries gave.

use jiff::tz::TimeZone;

use super::{Checked, Edge, Found, Name, Place, Shown, Source};
use crate::metrics::label::{Subject, default_labels, fill};

impl Checked<'_> {
    /// What a query for a metric reads.
    pub(super) fn subject(&self, place: &Place<'_>) -> Option<Subject> {
        let Source::Metric { stat, dimensions, .. } = &self.source else { return None };
        Some(Subject {
            metric_name: stat.metric.metric_name.clone().unwrap_or_default(),
            namespace: stat.metric.namespace.clone().unwrap_or_default(),
            stat: stat.stat.clone(),
            period: stat.period.into(),
            dimensions: dimensions.clone(),
            account: place.account.to_owned(),
            region: place.region.to_owned(),
        })
    }
}

/// What may be seen of the answers, in the order of the queries. Metrics without a label of their own are told apart by what they
/// differ in, and so are the metrics of one array.
pub(crate) fn labelled(
    queries: &[Checked<'_>],
    answers: Vec<Vec<Found>>,
    place: &Place<'_>,
    zone: &TimeZone,
) -> Vec<Shown> {
    let subjects: Vec<Option<Subject>> = queries.iter().map(|query| query.subject(place)).collect();
    let unlabelled: Vec<usize> = (0..queries.len())
        .filter(|at| subjects[*at].is_some() && queries[*at].visible && queries[*at].query.label.is_none())
        .collect();
    let defaults =
        default_labels(&unlabelled.iter().filter_map(|at| subjects[*at].as_ref()).collect::<Vec<_>>());
    let mut shown = Vec::new();
    for (at, (query, found)) in
        queries.iter().zip(answers).enumerate().filter(|(_, (query, _))| query.visible)
    {
        let own = unlabelled.iter().position(|of| *of == at).map(|position| defaults[position].clone());
        let metric_name = subjects[at].as_ref().map(|subject| subject.metric_name.clone());
        let default = own.or(metric_name).unwrap_or_else(|| query.query.id.clone());
        shown.extend(of_query(query, found, &default, subjects[at].as_ref(), zone));
    }
    shown
}

fn of_query(
    query: &Checked<'_>,
    found: Vec<Found>,
    default: &str,
    subject: Option<&Subject>,
    zone: &TimeZone,
) -> Vec<Shown> {
    let members: Vec<&Subject> = found
        .iter()
        .filter_map(|found| match &found.name {
            Name::Metric(subject) => Some(&**subject),
            _ => None,
        })
        .collect();
    let mut of_members = default_labels(&members).into_iter();
    let names: Vec<Option<String>> = found
        .iter()
        .map(|found| match &found.name {
            Name::Query | Name::Edge(_) => None,
            Name::Group(group) => Some(group.clone()),
            Name::Metric(_) => of_members.next(),
        })
        .collect();
    let shown = |(found, name): (Found, Option<String>)| {
        let default = name.clone().unwrap_or_else(|| default.to_owned());
        let subject = match &found.name {
            Name::Metric(member) => Some(&**member),
            _ => subject,
        };
        let label = match &query.query.label {
            None => default,
            Some(label) => {
                let filled = fill(label, &default, subject, &found.points, zone);
                match name {
                    // A label that names nothing of the member is put before its name.
                    Some(name) if !label.contains("${LABEL}") && !label.contains("${PROP(") => {
                        format!("{filled} {name}")
                    }
                    _ => filled,
                }
            }
        };
        let edge = edge(&found.name);
        let label = edge.map_or(label.clone(), |edge| format!("{label} {}", edge.word()));
        let Found { points, status, messages, .. } = found;
        Shown { id: query.query.id.clone(), label, edge, points, status, messages }
    };
    found.into_iter().zip(names).map(shown).collect()
}

fn edge(name: &Name) -> Option<Edge> {
    match name {
        Name::Edge(edge) => Some(*edge),
        _ => None,
    }
}
