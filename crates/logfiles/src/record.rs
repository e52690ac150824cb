//! One record of a CloudTrail log file, as its bytes and the members every reader needs.
//!
//! A **raw record** borrows the file's buffer; nothing is copied unless a string holds escapes.
//! **Invariant:** a raw record has an `eventVersion` of major version 1, an `eventTime`, and names its source
//! (an Insights record has none); anything else is not CloudTrail's, though it may look alike (S3 event
//! notifications also come as `{"Records":[…]}`).
//! The **essence** of a record is what it must have to be one.
//! **Not here:** what single services write into their records.
//!
//! Source: AWS CloudTrail User Guide, "CloudTrail record contents".

use super::cursor::Cursor;
use super::value::{Malformed, Value};
use jiff::Timestamp;
use std::borrow::Cow;

/// Of a time as CloudTrail writes it.
const UTC_SECONDS_BYTES: usize = 20;

/// A record and its members, still JSON where they are objects.
#[derive(Debug)]
pub struct RawRecord<'a> {
    /// The record's whole JSON object, as in the file.
    pub json: &'a [u8],
    /// `eventTime`.
    pub event_time: Timestamp,
    /// `eventSource`, for example `kms.amazonaws.com`; empty in Insights records.
    pub event_source: Cow<'a, str>,
    /// `eventName`, for example `Decrypt`; empty in Insights records.
    pub event_name: Cow<'a, str>,
    /// `eventType`; absent before event version 1.02.
    pub event_type: Option<Cow<'a, str>>,
    /// `eventID`; absent before event version 1.01.
    pub event_id: Option<Cow<'a, str>>,
    /// `awsRegion`.
    pub region: Option<Cow<'a, str>>,
    /// `recipientAccountId`, else `userIdentity.accountId`.
    pub account: Option<Cow<'a, str>>,
    /// `sourceIPAddress`: an address or the name of an AWS service.
    pub source_address: Option<Cow<'a, str>>,
    /// `errorCode`; absent when the call succeeded.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`.
    pub error_message: Option<Cow<'a, str>>,
    /// `userIdentity`.
    pub user_identity: Option<Value<'a>>,
    /// `requestParameters`, which may be `null`.
    pub request_parameters: Option<Value<'a>>,
    /// `responseElements`, which may be `null`.
    pub response_elements: Option<Value<'a>>,
    /// `resources`.
    pub resources: Option<Value<'a>>,
    /// `serviceEventDetails`.
    pub service_event_details: Option<Value<'a>>,
}

/// Why an element of `Records` is not a CloudTrail record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARecord {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("not a CloudTrail record: no {0}")]
    Missing(&'static str),
    #[error("not a CloudTrail record: wrong {0}")]
    Wrong(&'static str),
}

/// The members that make an object a record of CloudTrail's, as found.
#[derive(Debug, Default)]
pub struct Essence<'a> {
    /// `eventVersion`.
    pub version: Option<Value<'a>>,
    /// `eventTime`.
    pub time: Option<Value<'a>>,
    /// `eventSource`, absent in Insights records.
    pub source: Option<Value<'a>>,
    /// `eventName`, absent in Insights records.
    pub name: Option<Value<'a>>,
    /// `eventType`; absent before event version 1.02.
    pub kind: Option<Value<'a>>,
}

impl Essence<'_> {
    /// Checks that all is there and returns the time.
    pub fn check(&self) -> Result<Timestamp, NotARecord> {
        self.check_after(&mut LastTime::default())
    }

    /// The same for one record after another: mostly several have the same time, which is taken apart once.
    #[inline]
    pub fn check_after(&self, last: &mut LastTime) -> Result<Timestamp, NotARecord> {
        let version = self.version.ok_or(NotARecord::Missing("eventVersion"))?;
        if version.as_bytes().is_none_or(|version| !version.starts_with(b"1.")) {
            return Err(NotARecord::Wrong("eventVersion"));
        }
        let time = required(self.time, "eventTime")?;
        if !self.is_kind(b"AwsCloudTrailInsight") {
            required(self.source, "eventSource")?;
            required(self.name, "eventName")?;
        }
        last.parse(&time).ok_or(NotARecord::Wrong("eventTime"))
    }

    /// Whether a service did this by itself, so that nobody requested it.
    pub fn is_service_event(&self) -> bool {
        self.is_kind(b"AwsServiceEvent")
    }

    fn is_kind(&self, kind: &[u8]) -> bool {
        self.kind.and_then(|value| value.as_bytes()).is_some_and(|name| *name == *kind)
    }
}

/// The members as found, before they are checked.
#[derive(Default)]
struct Found<'a> {
    essence: Essence<'a>,
    event_id: Option<Value<'a>>,
    region: Option<Value<'a>>,
    recipient: Option<Value<'a>>,
    source_address: Option<Value<'a>>,
    error_code: Option<Value<'a>>,
    error_message: Option<Value<'a>>,
    user_identity: Option<Value<'a>>,
    request_parameters: Option<Value<'a>>,
    response_elements: Option<Value<'a>>,
    resources: Option<Value<'a>>,
    service_event_details: Option<Value<'a>>,
}

impl<'a> Found<'a> {
    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Value<'a>>> {
        let place = match name {
            b"eventVersion" => &mut self.essence.version,
            b"eventTime" => &mut self.essence.time,
            b"eventSource" => &mut self.essence.source,
            b"eventName" => &mut self.essence.name,
            b"eventType" => &mut self.essence.kind,
            b"eventID" => &mut self.event_id,
            b"awsRegion" => &mut self.region,
            b"recipientAccountId" => &mut self.recipient,
            b"sourceIPAddress" => &mut self.source_address,
            b"errorCode" => &mut self.error_code,
            b"errorMessage" => &mut self.error_message,
            b"userIdentity" => &mut self.user_identity,
            b"requestParameters" => &mut self.request_parameters,
            b"responseElements" => &mut self.response_elements,
            b"resources" => &mut self.resources,
            b"serviceEventDetails" => &mut self.service_event_details,
            _ => return None,
        };
        Some(place)
    }
}

impl<'a> RawRecord<'a> {
    /// Reads the record, an object, at the start of `json`, which may go on after it.
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, NotARecord> {
        let mut found = Found::default();
        let record = Cursor::new(json).object(|name, cursor| {
            let value = cursor.value()?;
            if let Some(place) = found.place(name) {
                *place = Some(value);
            }
            Ok(())
        })?;
        Ok(Self {
            json: record.json(),
            event_time: found.essence.check()?,
            event_source: text(found.essence.source).unwrap_or_default(),
            event_name: text(found.essence.name).unwrap_or_default(),
            event_type: text(found.essence.kind),
            event_id: text(found.event_id),
            region: text(found.region),
            account: text(found.recipient).or_else(|| found.user_identity?.get_str("accountId")),
            source_address: text(found.source_address),
            error_code: text(found.error_code),
            error_message: text(found.error_message),
            user_identity: found.user_identity,
            request_parameters: found.request_parameters,
            response_elements: found.response_elements,
            resources: found.resources,
            service_event_details: found.service_event_details,
        })
    }

    /// Whether a service did this by itself, so that nobody requested it.
    pub fn is_service_event(&self) -> bool {
        self.event_type.as_deref() == Some("AwsServiceEvent")
    }
}

/// The time that was taken apart last.
#[derive(Debug, Default)]
pub struct LastTime {
    text: [u8; UTC_SECONDS_BYTES],
    time: Option<Timestamp>,
}

impl LastTime {
    #[inline]
    fn parse(&mut self, text: &[u8]) -> Option<Timestamp> {
        let Ok(text) = text.try_into() else { return parse_time(text) };
        if self.text != text {
            *self = Self { text, time: parse_time(&text) };
        }
        self.time
    }
}

fn text(value: Option<Value<'_>>) -> Option<Cow<'_, str>> {
    value?.as_str()
}

fn required<'a>(value: Option<Value<'a>>, name: &'static str) -> Result<Cow<'a, [u8]>, NotARecord> {
    value.ok_or(NotARecord::Missing(name))?.as_bytes().ok_or(NotARecord::Wrong(name))
}

/// RFC 3339. CloudTrail always writes `2023-07-10T11:54:39Z`, which is taken apart without the general parser.
fn parse_time(text: &[u8]) -> Option<Timestamp> {
    parse_utc_seconds(text).or_else(|| str::from_utf8(text).ok()?.parse().ok())
}

fn parse_utc_seconds(text: &[u8]) -> Option<Timestamp> {
    let text: &[u8; UTC_SECONDS_BYTES] = text.try_into().ok()?;
    let punctuation = [text[4], text[7], text[10], text[13], text[16], text[19]];
    if punctuation != *b"--T::Z" {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0_i16, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i16::from(digit - b'0')))
    };
    let small = |from: usize| number(from, from + 2).and_then(|number| i8::try_from(number).ok());
    let date = jiff::civil::Date::new(number(0, 4)?, small(5)?, small(8)?).ok()?;
    let time = jiff::civil::Time::new(small(11)?, small(14)?, small(17)?, 0).ok()?;
    jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_time(text: &str, want: Option<&str>) {
        assert_eq!(parse_time(text.as_bytes()).map(|time| time.to_string()).as_deref(), want, "{text}");
    }

    #[test]
    fn times_as_cloudtrail_writes_them() {
        check_time("2023-07-10T11:54:39Z", Some("2023-07-10T11:54:39Z"));
        check_time("2024-02-29T23:59:59Z", Some("2024-02-29T23:59:59Z"));
        check_time("2023-02-29T23:59:59Z", None);
        check_time("2023-07-10T24:00:00Z", None);
    }

    #[test]
    fn a_time_after_another() {
        let mut last = LastTime::default();
        for text in
            ["2023-07-10T11:54:39Z", "2023-07-10T11:54:39Z", "2023-07-10T11:54:40Z", "2023-02-29T23:59:59Z"]
        {
            for text in [text, "2023-07-10T11:54:39.25Z", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
                assert_eq!(last.parse(text.as_bytes()), parse_time(text.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn other_forms_of_rfc_3339() {
        check_time("2023-07-10T11:54:39.25Z", Some("2023-07-10T11:54:39.25Z"));
        check_time("2023-07-10T13:54:39+02:00", Some("2023-07-10T11:54:39Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "2023-07-10", "2023-07-1xT11:54:39Z", "yesterday"] {
            check_time(text, None);
        }
    }
}
