//! `PutEvents`: appends to the trail; the follower matches

use jiff::{Timestamp, tz::TimeZone};
use keywatch_api::events::{
    PutEventsRequest, PutEventsRequestEntry, PutEventsResponse, PutEventsResultEntry,
};
use keywatch_iam::{
    Call, Question,
    policy::{KeyList, PolicyDocument, PolicyKind, ResourceSide, Values},
};
use serde_json::json;

use super::{
    Events, EventsError,
    access::BusName,
    envelope::{Head, derived_id},
    record::{BUS, BusRecord, DEFAULT_BUS},
};
use crate::entry::{Body, Event};

/// Bytes of all entries of one request, as AWS counts them.
const ENTRIES_BYTES_MAX: usize = 1 << 20;
/// What AWS counts for a time.
const TIME_BYTES: usize = 14;
/// Sources of AWS, and those of this server, whose events guards act on.
const RESERVED_SOURCES: [&str; 2] = ["aws.", "keywatch."];

pub(crate) async fn put_events(
    call: &mut Call<'_>,
    _: &Events,
    request: PutEventsRequest,
) -> Result<PutEventsResponse, EventsError> {
    // The record names the events; what they tell stays with them.
    let shown: Vec<_> = request
        .entries
        .iter()
        .map(|entry| json!({"source": entry.source, "detailType": entry.detail_type}))
        .collect();
    call.notes.request_parameters = Some(json!({ "entries": shown }).to_string());
    if request.entries.iter().map(size).sum::<usize>() > ENTRIES_BYTES_MAX {
        return Err(EventsError::invalid("Total size of the entries in the request is over the limit."));
    }
    let mut buses = Vec::with_capacity(request.entries.len());
    for entry in &request.entries {
        buses.push(permitted_bus(call, entry).await?);
    }
    let entries: Vec<PutEventsResultEntry> = request
        .entries
        .iter()
        .zip(buses)
        .enumerate()
        .map(|(index, (entry, bus))| put(call, index, entry, bus))
        .collect();
    let failed_entry_count = entries.iter().filter(|entry| entry.error_code.is_some()).count();
    Ok(PutEventsResponse { failed_entry_count, entries })
}

/// The bus of an entry, if the caller may put it there and if it is there; the bus's own policy is asked too.
async fn permitted_bus(
    call: &mut Call<'_>,
    entry: &PutEventsRequestEntry,
) -> Result<Option<BusName>, EventsError> {
    let bus = BusName::meant(call, entry.event_bus_name.as_deref())?;
    let record: Option<BusRecord> = call.tx.get(BUS, &bus.key()).await?;
    let policy = record
        .as_ref()
        .and_then(|bus| bus.policy.as_deref())
        .and_then(|text| PolicyDocument::parse(PolicyKind::Resource, text).ok());
    let mut keys = KeyList::default();
    for (key, value) in [("events:source", &entry.source), ("events:detail-type", &entry.detail_type)] {
        if let Some(value) = value {
            keys = keys.with(key, Values::one(value.as_str()));
        }
    }
    call.authorize(&Question {
        action: "events:PutEvents",
        resource: &bus.arn(),
        owner: &bus.account,
        side: ResourceSide::Optional(policy.as_ref()),
        granted: false,
        keys: &keys,
    })?;
    let is_here = bus.partition.region() == call.region.as_str();
    let exists = record.is_some() || bus.name == DEFAULT_BUS;
    Ok((is_here && exists).then_some(bus))
}

fn size(entry: &PutEventsRequestEntry) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let time = if entry.time.is_some() { TIME_BYTES } else { 0 };
    let resources: usize = entry.resources.iter().flatten().map(String::len).sum();
    time + length(&entry.source) + length(&entry.detail_type) + length(&entry.detail) + resources
}

fn put(
    call: &mut Call<'_>,
    index: usize,
    entry: &PutEventsRequestEntry,
    bus: Option<BusName>,
) -> PutEventsResultEntry {
    let event = match checked(entry) {
        Ok(event) => event,
        Err((code, message)) => {
            return PutEventsResultEntry {
                error_code: Some(code.to_owned()),
                error_message: Some(message),
                event_id: None,
            };
        }
    };
    let id = derived_id(&[call.origin.event_id, &index.to_string()]);
    let time = second_text(entry.time.map_or(call.now, |time| time.0));
    // An event for a bus that does not exist is accepted and goes nowhere, as on AWS.
    if let Some(bus) = bus {
        let head = Head {
            id,
            detail_type: event.detail_type,
            source: event.source,
            account: call.account().as_str(),
            time: &time,
            region: call.region.as_str(),
        };
        let resources = entry.resources.as_deref().unwrap_or_default();
        let envelope = head.envelope(resources, &compact(event.detail));
        let event = Event { bus: Some(bus.name), ..Event::on_default_bus(envelope) };
        call.tx.append(event.append(bus.partition, call.now));
    }
    PutEventsResultEntry { event_id: Some(id.to_string()), ..PutEventsResultEntry::default() }
}

struct Checked<'e> {
    source: &'e str,
    detail_type: &'e str,
    /// The text of a JSON object.
    detail: &'e str,
}

fn checked(entry: &PutEventsRequestEntry) -> Result<Checked<'_>, (&'static str, String)> {
    let required = |name: &str, value: &'_ Option<String>| {
        let missing = value.as_ref().is_none_or(String::is_empty);
        let text = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
        if missing { Err(("InvalidArgument", text)) } else { Ok(()) }
    };
    required("Source", &entry.source)?;
    required("DetailType", &entry.detail_type)?;
    required("Detail", &entry.detail)?;
    let event = Checked {
        source: entry.source.as_deref().unwrap_or_default(),
        detail_type: entry.detail_type.as_deref().unwrap_or_default(),
        detail: entry.detail.as_deref().unwrap_or_default(),
    };
    if RESERVED_SOURCES.iter().any(|reserved| event.source.starts_with(reserved)) {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    let is_object = event.detail.trim_start().starts_with('{');
    if !is_object || serde_json::from_str::<serde::de::IgnoredAny>(event.detail).is_err() {
        return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
    }
    Ok(event)
}

/// `2026-09-14T11:18:46Z`
fn second_text(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// JSON text without blanks between its tokens.
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            out.push(c);
        }
        match c {
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_only_between_tokens() {
        for (json, want) in [
            (" { \"a b\" : [ 1 , 2 ]\n} ", "{\"a b\":[1,2]}"),
            (r#"{ "q\" x" : "\\" }"#, r#"{"q\" x":"\\"}"#),
        ] {
            assert_eq!(compact(json), want);
        }
    }

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(second_text("2026-09-14T11:18:46.789Z".parse().unwrap()), "2026-09-14T11:18:46Z");
    }
}
