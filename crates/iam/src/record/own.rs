//! A record of ours, read back without parsing it whole.
//!
//! Followers look at every record of every call, so they use what the writer beside this knows: the members stand in one order, their
//! strings have mostly no escapes, and what callers choose (parameters, answers) stands between two members that can be found from
//! both ends. **Invariant:** what is found here is what a JSON parser finds; a record that deviates in anything gives `None`, and whoever
//! reads it parses it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What ends a part of a record, ready to be searched for.
struct Marks {
    event_time: Finder<'static>,
    request_parameters: Finder<'static>,
    error_code: Finder<'static>,
    additional: Finder<'static>,
    request_id: Finder<'static>,
    resources_end: Finder<'static>,
    arn: Finder<'static>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks {
    event_time: Finder::new(b",\"eventTime\":\""),
    request_parameters: Finder::new(b",\"requestParameters\":"),
    error_code: Finder::new(b",\"errorCode\":\""),
    additional: Finder::new(b",\"additionalEventData\":{"),
    request_id: Finder::new(b",\"requestID\":\""),
    resources_end: Finder::new(b"],\"eventType\":\""),
    arn: Finder::new(b"\"ARN\":\""),
});

/// The members followers look at; the strings have no escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRecord<'a> {
    /// The caller, where credentials led to one.
    pub signer: Option<Signer<'a>>,
    pub event_time: &'a str,
    pub event_source: &'a str,
    pub event_name: &'a str,
    pub region: &'a str,
    /// Whether there is an `errorCode`.
    pub failed: bool,
    /// The `errorCode`, unless it has escapes.
    pub error_code: Option<&'a str>,
    /// The members of `additionalEventData` without its braces, unless they hold objects.
    pub additional: Option<&'a str>,
    /// JSON, and what follows it.
    pub request_parameters: &'a str,
    pub request_id: &'a str,
    pub event_id: &'a str,
    /// What stands between the brackets.
    resources: &'a str,
    pub recipient: &'a str,
}

/// `userIdentity` of a call with verified credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer<'a> {
    pub arn: &'a str,
    pub account: &'a str,
    pub access_key_id: Option<&'a str>,
}

impl<'a> OwnRecord<'a> {
    /// The members of a call's record (`AwsApiCall`); `None` when it has to be parsed.
    pub fn of(record: &'a [u8]) -> Option<Self> {
        let mut rest = Rest(std::str::from_utf8(record).ok()?);
        rest.consume("{\"eventVersion\":\"1.11\",\"userIdentity\":{\"type\":\"")?;
        let kind = rest.text()?;
        let identity = rest.until(&MARKS.event_time)?;
        let signer = if kind == "Unknown" { None } else { Some(signer(identity)?) };
        let event_time = rest.text()?;
        rest.consume(",\"eventSource\":\"")?;
        let event_source = rest.text()?;
        rest.consume(",\"eventName\":\"")?;
        let event_name = rest.text()?;
        rest.consume(",\"awsRegion\":\"")?;
        let region = rest.text()?;
        // Strings only, in which a quote is escaped: neither name can be inside one.
        let described = rest.until(&MARKS.request_parameters)?;
        let mut described = Rest(described);
        let failed = described.until(&MARKS.error_code).is_some();
        let error_code = described.text().filter(|_| failed);
        let elements = rest.0;
        // Parameters may hold any name, but nothing behind the last request id is a caller's.
        let mut between = Rest(rest.until_last(&MARKS.request_id)?);
        // What is not the record's own is inside an object that closes later.
        let additional = between.until_last(&MARKS.additional).and_then(|_| between.0.strip_suffix('}'));
        let additional = additional.filter(|members| !members.contains(['{', '}']));
        let request_id = rest.text()?;
        rest.consume(",\"eventID\":\"")?;
        let event_id = rest.text()?;
        rest.consume(",\"readOnly\":")?;
        rest.consume("true").or_else(|| rest.consume("false"))?;
        let resources = if rest.consume(",\"resources\":[").is_some() {
            rest.until(&MARKS.resources_end)?
        } else {
            rest.consume(",\"eventType\":\"")?;
            ""
        };
        rest.consume("AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"")?;
        let recipient = rest.text()?;
        rest.consume(",\"eventCategory\":\"Management\"")?;
        Some(Self {
            signer,
            event_time,
            event_source,
            event_name,
            region,
            failed,
            error_code,
            additional,
            request_parameters: elements,
            request_id,
            event_id,
            resources,
            recipient,
        })
    }

    /// The ARNs of `resources`, in their order.
    pub fn resource_arns(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = Rest(self.resources);
        std::iter::from_fn(move || {
            rest.until(&MARKS.arn)?;
            rest.text()
        })
    }
}

fn signer(identity: &str) -> Option<Signer<'_>> {
    let mut rest = Rest(identity);
    rest.consume(",\"principalId\":\"")?;
    rest.text()?;
    rest.consume(",\"arn\":\"")?;
    let arn = rest.text()?;
    rest.consume(",\"accountId\":\"")?;
    let account = rest.text()?;
    let access_key_id = if rest.consume(",\"accessKeyId\":\"").is_some() { Some(rest.text()?) } else { None };
    Some(Signer { arn, account, access_key_id })
}

/// What is still to be read.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn consume(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// The rest of a string and its closing quote; `None` when it has escapes.
    fn text(&mut self) -> Option<&'a str> {
        let end = memchr::memchr2(b'"', b'\\', self.0.as_bytes())?;
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }

    /// What stands before the next `mark`, which is skipped.
    fn until(&mut self, mark: &Finder<'_>) -> Option<&'a str> {
        self.split(mark.find(self.0.as_bytes())?, mark.needle().len())
    }

    /// What stands before the last `mark`, which is skipped. There is mostly one, and searching forward is the quicker way.
    fn until_last(&mut self, mark: &Finder<'_>) -> Option<&'a str> {
        self.split(mark.find_iter(self.0.as_bytes()).last()?, mark.needle().len())
    }

    fn split(&mut self, at: usize, mark: usize) -> Option<&'a str> {
        let (before, rest) = self.0.split_at_checked(at)?;
        self.0 = rest.get(mark..)?;
        Some(before)
    }
}

#[cfg(test)]
mod tests;
