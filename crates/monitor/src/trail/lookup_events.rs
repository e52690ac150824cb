//! `LookupEvents`: the records of an account and Region, newest first.
//!
//! The next page continues after the last event shown, by time and sequence number: records that arrive in between neither
//! shift nor repeat it. Where records lie, in the log or in segments, is `history`'s affair.
//!
//! Our own records are shown for 90 days, as AWS shows them, or for as long as the server is told. Imported records stay in it for good: a look-up whose time range begins or
//! ends before that finds them, whoever asks for no such time sees no older ones.

use std::sync::Arc;

use jiff::Timestamp;
use keywatch_api::cloudtrail::{
    Event, EventResource, LookupAttribute, LookupAttributeKey as Key, LookupEventsRequest,
    LookupEventsResponse,
};
use keywatch_api::{WireTime, page};
use keywatch_history::{Column, Condition, Facts, Mark, Query, Test};
use keywatch_iam::Call;
use keywatch_store::LogEntry;

use super::error::CloudTrailError;
use super::service::Trails;

const MAX_RESULTS_DEFAULT: i32 = 50;
const MAX_RESULTS_MAX: i32 = 50;
pub(crate) async fn lookup_events(
    call: &mut Call<'_>,
    trails: &Trails,
    request: LookupEventsRequest,
) -> Result<LookupEventsResponse, CloudTrailError> {
    call.authorize_own("cloudtrail:LookupEvents", "*")?;
    let attributes = request.lookup_attributes.as_deref().unwrap_or_default();
    if attributes.len() > 1 {
        return Err(CloudTrailError::InvalidLookupAttributes("Specify no more than one lookup attribute."));
    }
    let limit = request.max_results.unwrap_or(MAX_RESULTS_DEFAULT);
    if !(1..=MAX_RESULTS_MAX).contains(&limit) {
        return Err(CloudTrailError::InvalidMaxResults(limit));
    }
    match request.event_category.as_deref() {
        None => {}
        // Insights events are not recorded, so there are none to show.
        Some("insight") => return Ok(LookupEventsResponse { events: vec![], next_token: None }),
        Some(_) => return Err(CloudTrailError::InvalidEventCategory),
    }
    let [start, end] = [request.start_time, request.end_time].map(|time| time.map(|time| time.0));
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(CloudTrailError::InvalidTimeRange);
    }
    let question = question(&call.partition().to_string(), &request);
    let after = match request.next_token.as_deref() {
        Some(token) => Some(place_of(&question, token).ok_or(CloudTrailError::InvalidNextToken)?),
        None => None,
    };
    let own_since = call.now.checked_sub(trails.lookup_age_max).unwrap_or(Timestamp::MIN);
    let partition = (call.account().as_str(), call.region.as_str());
    let query = Arc::new(query(partition, attributes.first(), (start, end), own_since));
    let found = trails.history.search(&query, after, limit as usize).await?;
    let events = found.entries.iter().filter_map(|entry| Some(event(entry, &Facts::read(&entry.bytes)?)));
    Ok(LookupEventsResponse {
        events: events.collect(),
        next_token: found.more.map(|mark| page::encode(&question, &place_text(mark))),
    })
}

/// What a look-up asks of history. Our own records go back to `own_since`; imported ones for good, but who asks for no
/// time sees no older ones either.
fn query(
    (account, region): (&str, &str),
    attribute: Option<&LookupAttribute>,
    (start, end): (Option<Timestamp>, Option<Timestamp>),
    own_since: Timestamp,
) -> Query {
    let open_start = if end.is_some_and(|end| end < own_since) { Timestamp::MIN } else { own_since };
    Query {
        range: start.unwrap_or(open_start)..=end.unwrap_or(Timestamp::MAX),
        own_since,
        conditions: attribute.map(condition).into_iter().collect(),
        ..Query::of(account, Some(region))
    }
}

fn condition(attribute: &LookupAttribute) -> Condition {
    let value = attribute.attribute_value.as_str();
    let is = |column: Column| Condition::is(&[column], value);
    match attribute.attribute_key {
        Key::EventId => is(Column::EventId),
        Key::EventName => is(Column::EventName),
        Key::EventSource => is(Column::EventSource),
        Key::ReadOnly => match value {
            "true" => Condition::read_only(true),
            "false" => Condition::read_only(false),
            // No column is asked, so that none can pass.
            _ => Condition::is(&[], value),
        },
        Key::Username => is(Column::UserName),
        Key::AccessKeyId => is(Column::AccessKeyId),
        Key::ResourceType => is(Column::ResourceTypes),
        // A resource is asked for by its ARN or by the name at the ARN's end.
        Key::ResourceName if value.starts_with("arn:") => is(Column::Resources),
        Key::ResourceName => {
            let wanted = value.to_owned();
            let named = Test::Passes(Arc::new(move |arn: &[u8]| ends_with_name(arn, wanted.as_bytes())));
            Condition::passes(&[Column::Resources], named, Some(value))
        }
    }
}

/// Whether `name` is the whole or the end of `arn`, after a colon or the last slash.
fn ends_with_name(arn: &[u8], name: &[u8]) -> bool {
    let Some(before) = arn.strip_suffix(name) else { return false };
    match before.last() {
        None | Some(b':') => true,
        Some(b'/') => !name.contains(&b'/') && !name.contains(&b':'),
        Some(_) => false,
    }
}

fn event(entry: &LogEntry, facts: &Facts<'_>) -> Event {
    let resources = facts.resources().iter().map(|resource| EventResource {
        resource_type: resource.kind.as_deref().map(str::to_owned),
        resource_name: resource.arn.as_deref().map(str::to_owned),
    });
    Event {
        event_id: facts.event_id.to_string(),
        event_name: facts.event_name.to_string(),
        read_only: if facts.read_only == Some(true) { "true" } else { "false" }.to_owned(),
        access_key_id: facts.access_key_id().map(str::to_owned),
        event_time: WireTime(whole_second(entry.time)),
        event_source: facts.event_source.to_string(),
        username: facts.user_name().map(str::to_owned),
        resources: resources.collect(),
        cloud_trail_event: String::from_utf8_lossy(&entry.bytes).into_owned(),
    }
}

/// Event times have no fractions.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Tokens belong to the account, the Region and the same parameters.
fn question(partition: &str, request: &LookupEventsRequest) -> String {
    let attribute = request.lookup_attributes.as_deref().unwrap_or_default().first();
    let attribute = attribute.map_or(String::new(), |a| format!("{}={}", a.attribute_key, a.attribute_value));
    let time = |time: Option<WireTime>| time.map_or(0, |time| time.0.as_millisecond());
    format!("LookupEvents {partition} {} {} {attribute:?}", time(request.start_time), time(request.end_time))
}

/// A place in the order of history, for a token.
pub(super) fn place_text(mark: Mark) -> String {
    format!("{} {}", mark.time.as_microsecond(), mark.seq)
}

/// Reads a token of [`place_text`]; `None` when it is none of the question's.
pub(super) fn place_of(question: &str, token: &str) -> Option<Mark> {
    let text = page::decode(question, token).ok()?;
    let (time, seq) = text.split_once(' ')?;
    Some(Mark { time: Timestamp::from_microsecond(time.parse().ok()?).ok()?, seq: seq.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use keywatch_store::{EntryKind, Partition, Store};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// What a look-up at the end of 2026 finds of an old record and of one of yesterday, own and imported.
    async fn check(start: Option<&str>, end: Option<&str>, want: [bool; 4]) {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open_embedded(directory.path()).await.expect("a store");
        let place =
            keywatch_history::Place::open_directory(&directory.path().join("history")).expect("a place");
        let history = keywatch_history::History::new(store.clone(), place);
        let kinds = [EntryKind::Record, EntryKind::ImportedRecord];
        let times = ["2023-07-10T11:54:39Z", "2026-12-30T00:00:00Z"];
        let records = times.iter().flat_map(|time| kinds.map(|kind| (at(time), kind)));
        let append = |(time, kind)| keywatch_store::Append {
            kind,
            time,
            partition: Partition::new("000000000000", "us-east-1"),
            bytes: "{}".into(),
        };
        let appends: Vec<_> = records.clone().map(append).collect();
        store.commit(keywatch_store::Batch { appends, ..Default::default() }).await.expect("committed");
        let place = ("000000000000", "us-east-1");
        let query = query(place, None, (start.map(at), end.map(at)), at("2026-10-02T00:00:00Z"));
        let found = history.search(&Arc::new(query), None, 50).await.expect("an answer");
        let got: Vec<bool> = records
            .map(|(time, kind)| found.entries.iter().any(|entry| (entry.time, entry.kind) == (time, kind)))
            .collect();
        assert_eq!(got, want, "from {start:?} to {end:?}");
        store.close().await;
    }

    #[tokio::test]
    async fn imported_records_stay_in_the_history() {
        check(None, None, [false, false, true, true]).await;
        check(Some("2023-01-01T00:00:00Z"), None, [false, true, true, true]).await;
        check(Some("2023-01-01T00:00:00Z"), Some("2024-01-01T00:00:00Z"), [false, true, false, false]).await;
        check(None, Some("2024-01-01T00:00:00Z"), [false, true, false, false]).await;
        check(None, Some("2026-12-30T12:00:00Z"), [false, false, true, true]).await;
    }

    #[test]
    fn names_at_the_end_of_an_arn() {
        for (arn, name, want) in [
            ("arn:aws:kms:us-east-1:1:key/k-1", "k-1", true),
            ("arn:aws:kms:us-east-1:1:key/k-1", "key/k-1", true),
            ("arn:aws:kms:us-east-1:1:key/k-1", "1", false),
            ("arn:aws:kms:us-east-1:1:key/k-1", "1:key/k-1", true),
            ("arn:aws:kms:us-east-1:1:alias/a/b", "alias/a/b", true),
            ("arn:aws:kms:us-east-1:1:alias/a/b", "a/b", false),
            ("arn:aws:kms:us-east-1:1:alias/a/b", "b", true),
            ("topic", "topic", true),
        ] {
            assert_eq!(ends_with_name(arn.as_bytes(), name.as_bytes()), want, "{arn} {name}");
        }
    }
}
