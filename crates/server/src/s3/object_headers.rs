//! The headers of objects: what a put keeps of them, what a get answers, and the conditions both may set. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use keywatch_monitor::buckets::ObjectRecord;

use super::error::S3Error;
use super::request::{Parameters, S3Request};

const METADATA_PREFIX: &str = "x-amz-meta-";
/// Names and values together.
const METADATA_BYTES_MAX: usize = 2 * 1024;
const HEADER_BYTES_MAX: usize = 1_024;

/// The kept headers of a put, in a record that still lacks its body.
pub fn kept(request: &S3Request<'_>) -> Result<ObjectRecord, S3Error> {
    let text = |name: &str| -> Result<Option<String>, S3Error> {
        let Some(value) = request.headers.get(name) else { return Ok(None) };
        let value = value.to_str().map_err(|_| S3Error::InvalidArgument(format!("{name} is not text")))?;
        if value.len() > HEADER_BYTES_MAX {
            return Err(S3Error::InvalidArgument(format!("{name} is too long")));
        }
        Ok(Some(value.to_owned()))
    };
    let mut metadata = BTreeMap::new();
    for (name, value) in request.headers {
        if let Some(name) = name.as_str().strip_prefix(METADATA_PREFIX) {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            metadata.insert(name.to_owned(), value);
        }
    }
    if metadata.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > METADATA_BYTES_MAX {
        return Err(S3Error::MetadataTooLarge);
    }
    Ok(ObjectRecord {
        content_type: text("content-type")?,
        content_encoding: text("content-encoding")?.and_then(|coding| without_chunked(&coding)),
        content_disposition: text("content-disposition")?,
        content_language: text("content-language")?,
        cache_control: text("cache-control")?,
        metadata,
        ..ObjectRecord::default()
    })
}

/// `aws-chunked` was the coding of the transfer, not of the object.
fn without_chunked(coding: &str) -> Option<String> {
    let rest: Vec<&str> =
        coding.split(',').map(str::trim).filter(|one| *one != "aws-chunked" && !one.is_empty()).collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

/// The headers an object is answered with; a presigned URL may replace some (`response-content-type`).
pub fn answered(object: &ObjectRecord, parameters: &Parameters) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &quoted(&object.etag));
    set(header::LAST_MODIFIED, &http_date(object.modified));
    set(header::ACCEPT_RANGES, "bytes");
    let described = [
        (header::CONTENT_TYPE, Some(object.content_type.as_deref().unwrap_or("binary/octet-stream"))),
        (header::CONTENT_ENCODING, object.content_encoding.as_deref()),
        (header::CONTENT_DISPOSITION, object.content_disposition.as_deref()),
        (header::CONTENT_LANGUAGE, object.content_language.as_deref()),
        (header::CACHE_CONTROL, object.cache_control.as_deref()),
    ];
    for (name, kept) in described {
        if let Some(value) = parameters.get(&format!("response-{name}")).or(kept) {
            set(name, value);
        }
    }
    for (name, value) in &object.metadata {
        if let Ok(name) = HeaderName::try_from(format!("{METADATA_PREFIX}{name}")) {
            set(name, value);
        }
    }
    headers
}

pub fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// `Mon, 14 Sep 2026 11:00:00 GMT` (RFC 9110 section 5.6.7)
pub fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Checks the conditions of a read (RFC 9110 section 13.2.2).
pub fn check_read(headers: &HeaderMap, object: &ObjectRecord) -> Result<(), S3Error> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let time =
        |name: HeaderName| text(name).and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
    // Headers know no fractions of seconds.
    let modified = object.modified.as_second();
    if let Some(tags) = text(header::IF_MATCH) {
        if !matches_tag(tags, &object.etag) {
            return Err(S3Error::PreconditionFailed);
        }
    } else if time(header::IF_UNMODIFIED_SINCE).is_some_and(|since| modified > since.as_second()) {
        return Err(S3Error::PreconditionFailed);
    }
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        if matches_tag(tags, &object.etag) {
            return Err(S3Error::NotModified);
        }
    } else if time(header::IF_MODIFIED_SINCE).is_some_and(|since| modified <= since.as_second()) {
        return Err(S3Error::NotModified);
    }
    Ok(())
}

/// Checks the conditions of a write: `If-None-Match: *`, and `If-Match` with an entity tag.
pub fn check_write(headers: &HeaderMap, present: Option<&ObjectRecord>) -> Result<(), S3Error> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(header::IF_NONE_MATCH) {
        Some("*") if present.is_some() => return Err(S3Error::PreconditionFailed),
        Some("*") | None => {}
        Some(_) => return Err(S3Error::NotImplemented),
    }
    match (text(header::IF_MATCH), present) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(S3Error::NoSuchKey),
        (Some(tags), Some(object)) if matches_tag(tags, &object.etag) => Ok(()),
        (Some(_), Some(_)) => Err(S3Error::PreconditionFailed),
    }
}

fn matches_tag(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag.trim_matches('"') == etag)
}

/// The bytes a `Range` header asks for: `None` for the whole; several ranges, or what is no range, count as none.
pub fn range(headers: &HeaderMap, size: u64) -> Result<Option<Range<u64>>, S3Error> {
    let Some(text) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Err(S3Error::InvalidRange),
            Some(length) => size.saturating_sub(length)..size,
            None => return Ok(None),
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Ok(None),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Ok(None),
        },
    };
    if range.start >= size { Err(S3Error::InvalidRange) } else { Ok(Some(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        check("bytes=0-4", 10, Ok(Some(0..5)));
        check("bytes=5-", 10, Ok(Some(5..10)));
        check("bytes=-3", 10, Ok(Some(7..10)));
        check("bytes=-30", 10, Ok(Some(0..10)));
        check("bytes=8-100", 10, Ok(Some(8..10)));
        check("bytes=10-", 10, Err(S3Error::InvalidRange));
        check("bytes=0-", 0, Err(S3Error::InvalidRange));
        check("bytes=-0", 10, Err(S3Error::InvalidRange));
        check("bytes=0-1,4-5", 10, Ok(None));
        check("lines=1-2", 10, Ok(None));
        check("bytes=4-2", 10, Ok(None));

        fn check(text: &str, size: u64, want: Result<Option<Range<u64>>, S3Error>) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().expect("a value"));
            assert_eq!(range(&headers, size), want, "{text}");
        }
    }

    #[test]
    fn conditions() {
        let object = ObjectRecord {
            etag: "e".into(),
            modified: "2026-09-14T11:00:00.5Z".parse().expect("a time"),
            ..ObjectRecord::default()
        };
        assert_eq!(http_date(object.modified), "Mon, 14 Sep 2026 11:00:00 GMT");
        let read = |name: HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            check_read(&headers, &object).err()
        };
        assert_eq!(read(header::IF_MATCH, "\"e\""), None);
        assert_eq!(read(header::IF_MATCH, "\"f\""), Some(S3Error::PreconditionFailed));
        assert_eq!(read(header::IF_NONE_MATCH, "\"f\", \"e\""), Some(S3Error::NotModified));
        assert_eq!(
            read(header::IF_MODIFIED_SINCE, "Mon, 14 Sep 2026 11:00:00 GMT"),
            Some(S3Error::NotModified)
        );
        assert_eq!(read(header::IF_MODIFIED_SINCE, "Mon, 14 Sep 2026 10:59:59 GMT"), None);
        assert_eq!(
            read(header::IF_UNMODIFIED_SINCE, "Mon, 14 Sep 2026 10:59:59 GMT"),
            Some(S3Error::PreconditionFailed)
        );
        let write = |name: HeaderName, value: &str, present| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            check_write(&headers, present).err()
        };
        assert_eq!(write(header::IF_NONE_MATCH, "*", None), None);
        assert_eq!(write(header::IF_NONE_MATCH, "*", Some(&object)), Some(S3Error::PreconditionFailed));
        assert_eq!(write(header::IF_MATCH, "e", Some(&object)), None);
        assert_eq!(write(header::IF_MATCH, "e", None), Some(S3Error::NoSuchKey));
    }

    #[test]
    fn the_coding_of_the_transfer_is_not_kept() {
        for (given, want) in
            [("aws-chunked", None), ("gzip,aws-chunked", Some("gzip")), ("gzip", Some("gzip"))]
        {
            assert_eq!(without_chunked(given).as_deref(), want);
        }
    }
}
