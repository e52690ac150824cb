//! `ListMetrics`: the metrics that had points lately.

use keywatch_api::{
    cloudwatch::metrics::{Dimension, DimensionFilter, ListMetricsRequest, ListMetricsResponse, MetricNames},
    page,
};
use keywatch_iam::Call;

use super::{
    Second,
    series::{Metric, SeriesId, SeriesStore},
};
use crate::cloudwatch::{CloudWatch, CloudWatchError};

pub const PAGE_MAX: usize = 500;
const THREE_HOURS: Second = 3 * 3_600;

/// The other operations with pages declare `InvalidNextToken`; this one does not.
fn invalid_token() -> CloudWatchError {
    CloudWatchError::InvalidParameterValue("The value for NextToken is invalid.".to_owned())
}

pub(crate) async fn list_metrics(
    call: &mut Call<'_>,
    service: &CloudWatch,
    request: ListMetricsRequest,
) -> Result<ListMetricsResponse, CloudWatchError> {
    call.authorize_own("cloudwatch:ListMetrics", "*")?;
    let question = question(&request);
    let after = match &request.next_token {
        None => None,
        Some(token) => {
            let last = page::decode(&question, token).ok().and_then(|last| last.parse().ok());
            Some(SeriesId(last.ok_or_else(invalid_token)?))
        }
    };
    service.catch_up(call).await?;
    let (partition, now) = (call.partition(), call.now.as_second());
    let is_other_account =
        request.owning_account.as_deref().is_some_and(|owner| owner != call.account().as_str());
    let (metrics, last) = if is_other_account {
        (Vec::new(), None)
    } else {
        service.live.look(|series| find(series, partition.as_str(), &request, after, now))
    };
    let owners = request
        .include_linked_accounts
        .unwrap_or(false)
        .then(|| vec![call.account().to_string(); metrics.len()]);
    Ok(ListMetricsResponse {
        metrics,
        next_token: last.map(|last| page::encode(&question, &last.0.to_string())),
        owning_accounts: owners,
    })
}

/// What a token continues; the token itself is not part of it.
fn question(request: &ListMetricsRequest) -> String {
    let ListMetricsRequest { namespace, metric_name, dimensions, recently_active, .. } = request;
    let dimensions: Vec<_> = dimensions.iter().flatten().map(|d| (&d.name, &d.value)).collect();
    format!("ListMetrics {namespace:?} {metric_name:?} {dimensions:?} {recently_active:?}")
}

/// A page of metrics, and the last one of it when more follow.
fn find(
    series: &SeriesStore,
    partition: &str,
    request: &ListMetricsRequest,
    after: Option<SeriesId>,
    now: Second,
) -> (Vec<MetricNames>, Option<SeriesId>) {
    let is_known = |id: SeriesId| match request.recently_active {
        Some(_) => series.is_recent(id, now, THREE_HOURS),
        None => series.is_listed(id, now),
    };
    let wanted = |id: &SeriesId| {
        let metric = series.metric(*id);
        metric.partition() == partition
            && request.namespace.as_deref().is_none_or(|namespace| metric.namespace() == namespace)
            && request.metric_name.as_deref().is_none_or(|name| metric.name() == name)
            && request.dimensions.iter().flatten().all(|filter| has(&metric, filter))
            && is_known(*id)
    };
    let mut ids: Vec<SeriesId> = series.ids_after(after).filter(wanted).take(PAGE_MAX + 1).collect();
    let more = ids.len() > PAGE_MAX;
    ids.truncate(PAGE_MAX);
    let last = ids.last().copied().filter(|_| more);
    (ids.into_iter().map(|id| names(series.metric(id))).collect(), last)
}

fn has(metric: &Metric<'_>, filter: &DimensionFilter) -> bool {
    metric.dimensions().any(|(name, value)| {
        name == filter.name && filter.value.as_deref().is_none_or(|wanted| wanted == value)
    })
}

fn names(metric: Metric<'_>) -> MetricNames {
    let dimensions =
        metric.dimensions().map(|(name, value)| Dimension { name: name.to_owned(), value: value.to_owned() });
    MetricNames {
        namespace: metric.namespace().to_owned(),
        metric_name: metric.name().to_owned(),
        dimensions: dimensions.collect(),
    }
}

#[cfg(test)]
mod tests {
    use keywatch_api::shape;

    use super::*;
    use crate::metrics::{
        Unit,
        series::{Datum, MetricRef},
        statistic_set::StatisticSet,
    };

    const PARTITION: &str = "000000000000/us-east-1";

    fn store(count: usize) -> SeriesStore {
        let mut store = SeriesStore::default();
        for at in 0..count {
            let (value, partition) =
                (at.to_string(), if at == 3 { "111122223333/us-east-1" } else { PARTITION });
            let dimensions = [("Even", if at % 2 == 0 { "yes" } else { "no" }), ("N", value.as_str())];
            let metric = MetricRef { partition, namespace: "App", name: "Calls", dimensions: &dimensions };
            let set = StatisticSet::uniform(1.0, 1.0);
            let time = if at == 0 { 0 } else { 10_000_000 };
            let datum = Datum { metric, time, unit: Unit::Count, high_resolution: false, set: &set };
            store.add(1, &datum, time).unwrap();
        }
        store
    }

    #[track_caller]
    fn check(request: &str, want: usize) {
        let request: ListMetricsRequest = shape::check(serde_json::from_str(request).unwrap()).unwrap();
        assert_eq!(find(&store(10), PARTITION, &request, None, 10_000_100).0.len(), want);
    }

    #[test]
    fn filters() {
        check("{}", 8);
        check(r#"{"Namespace":"App","MetricName":"Calls"}"#, 8);
        check(r#"{"Namespace":"Other"}"#, 0);
        check(r#"{"MetricName":"Call"}"#, 0);
        check(r#"{"Dimensions":[{"Name":"Even","Value":"yes"}]}"#, 4);
        check(r#"{"Dimensions":[{"Name":"Even","Value":"yes"},{"Name":"N"}]}"#, 4);
        check(r#"{"Dimensions":[{"Name":"Nothing"}]}"#, 0);
        check(r#"{"RecentlyActive":"PT3H"}"#, 8);
    }

    #[test]
    fn pages_cover_everything_once() {
        let (store, request) = (store(1_300), shape::check(serde_json::from_str("{}").unwrap()).unwrap());
        let (mut after, mut seen) = (None, 0);
        loop {
            let (metrics, last) = find(&store, PARTITION, &request, after, 10_000_100);
            seen += metrics.len();
            after = last;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, 1_298);
    }
}
