//! `LookupEvents`: the records of an account and Region, newest first.
//!
//! The log is read backwards by stored block. A block's entries may be older than those of an earlier block (imported
//! records are), so what was found is final only down to the greatest time that may still follow. The next page continues
//! after the last event shown, by time and sequence number: records that arrive in between neither shift nor repeat it.
//!
//! History goes back 90 days, as AWS's does. Imported records stay in it for good: a look-up whose time range begins or
//! ends before that finds them, whoever asks for no such time sees the last 90 days.

use jiff::{SignedDuration, Timestamp};
use keywatch_api::cloudtrail::{Event, EventResource, LookupEventsRequest, LookupEventsResponse};
use keywatch_api::{WireTime, page};
use keywatch_iam::Call;
use keywatch_store::{EntryKind, LogEntry, LogPage, Seq};

use super::error::CloudTrailError;
use super::lookup::{Facts, Filter};
use super::service::Trails;

const MAX_RESULTS_DEFAULT: i32 = 50;
const MAX_RESULTS_MAX: i32 = 50;
/// Event history goes back 90 days.
const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Blocks read for one page; beyond it the page is shorter and a token continues.
const BLOCKS_PER_PAGE_MAX: usize = 20_000;

/// Where a page ended: the time and sequence number of its last event.
type Place = (Timestamp, Seq);

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
    let after = request.next_token.as_deref().map(|token| place(&question, token)).transpose()?;
    let window = Window::new(start, end, after, call.now);
    let found = search(call, trails, &Filter::new(attributes.first()), &window, limit as usize).await?;
    let next_token =
        found.more.map(|(time, seq)| page::encode(&question, &format!("{} {seq}", time.as_microsecond())));
    Ok(LookupEventsResponse { events: found.events, next_token })
}

struct Window {
    start: Timestamp,
    end: Timestamp,
    /// Older records show only if they were imported.
    own_since: Timestamp,
    /// Only what comes after this, going back in time.
    after: Option<Place>,
}

impl Window {
    fn new(start: Option<Timestamp>, end: Option<Timestamp>, after: Option<Place>, now: Timestamp) -> Self {
        let own_since = now.checked_sub(HISTORY).unwrap_or(Timestamp::MIN);
        let open_start = if end.is_some_and(|end| end < own_since) { Timestamp::MIN } else { own_since };
        Self { start: start.unwrap_or(open_start), end: end.unwrap_or(Timestamp::MAX), own_since, after }
    }

    fn takes(&self, entry: &LogEntry) -> bool {
        (entry.kind == EntryKind::ImportedRecord || entry.time >= self.own_since)
            && self.after.is_none_or(|after| (entry.time, entry.seq) < after)
    }
}

struct Found {
    events: Vec<Event>,
    more: Option<Place>,
}

async fn search(
    call: &Call<'_>,
    trails: &Trails,
    filter: &Filter<'_>,
    window: &Window,
    limit: usize,
) -> Result<Found, CloudTrailError> {
    let partition = call.partition();
    let newest = window.after.map_or(window.end, |(time, _)| time.min(window.end));
    if newest < window.start {
        return Ok(Found { events: vec![], more: None });
    }
    let mut matches: Vec<(Place, Event)> = Vec::new();
    let mut next: Option<LogPage> = None;
    for _ in 0..BLOCKS_PER_PAGE_MAX {
        let kinds = [EntryKind::Record, EntryKind::ImportedRecord];
        let (entries, following) = trails.store.read_log_newest(window.start..=newest, &kinds, next).await?;
        for entry in entries.iter().filter(|entry| entry.partition == partition) {
            if window.takes(entry)
                && let Some(facts) = filter.accept(&entry.bytes)
            {
                matches.push(((entry.time, entry.seq), event(entry, &facts)));
            }
        }
        matches.sort_unstable_by(|(left, _), (right, _)| right.cmp(left));
        let settled = match following {
            None => matches.len(),
            Some(page) => matches.partition_point(|((time, _), _)| *time > page.time_max),
        };
        // One more than asked for tells whether there is a next page.
        if settled > limit || following.is_none() {
            return Ok(finish(matches, limit));
        }
        next = following;
    }
    let settled = next.map_or(0, |page| matches.partition_point(|((time, _), _)| *time > page.time_max));
    matches.truncate(settled);
    let resume = next.map(|page| (page.time_max, Seq::MAX));
    let found = finish(matches, limit);
    Ok(Found { more: found.more.or(resume), ..found })
}

fn finish(mut matches: Vec<(Place, Event)>, limit: usize) -> Found {
    let more = (matches.len() > limit).then(|| matches[limit - 1].0);
    matches.truncate(limit);
    Found { events: matches.into_iter().map(|(_, event)| event).collect(), more }
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

fn place(question: &str, token: &str) -> Result<Place, CloudTrailError> {
    let invalid = || CloudTrailError::InvalidNextToken;
    let text = page::decode(question, token).map_err(|_| invalid())?;
    let (time, seq) = text.split_once(' ').ok_or_else(invalid)?;
    let time =
        time.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()).ok_or_else(invalid)?;
    Ok((time, seq.parse().map_err(|_| invalid())?))
}

#[cfg(test)]
mod tests {
    use keywatch_store::Partition;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// What a look-up at the end of 2026 takes of an old record and of one of yesterday, own and imported.
    #[track_caller]
    fn check(start: Option<&str>, end: Option<&str>, want: [bool; 4]) {
        let window = Window::new(start.map(at), end.map(at), None, at("2026-12-31T00:00:00Z"));
        let takes = |kind, time: &str| {
            let (time, partition) = (at(time), Partition::new("000000000000", "us-east-1"));
            let entry = LogEntry { seq: 1, kind, time, partition, bytes: Default::default() };
            (window.start..=window.end).contains(&time) && window.takes(&entry)
        };
        let [old, recent] = ["2023-07-10T11:54:39Z", "2026-12-30T00:00:00Z"];
        let kinds = [EntryKind::Record, EntryKind::ImportedRecord];
        let got = [old, recent].map(|time| kinds.map(|kind| takes(kind, time)));
        assert_eq!(got.concat(), want, "from {start:?} to {end:?}");
    }

    #[test]
    fn imported_records_stay_in_the_history() {
        check(None, None, [false, false, true, true]);
        check(Some("2023-01-01T00:00:00Z"), None, [false, true, true, true]);
        check(Some("2023-01-01T00:00:00Z"), Some("2024-01-01T00:00:00Z"), [false, true, false, false]);
        check(None, Some("2024-01-01T00:00:00Z"), [false, true, false, false]);
        check(None, Some("2026-12-30T12:00:00Z"), [false, false, true, true]);
    }
}
