//! What a request claims about its signature: the `Authorization` header, or the `X-Amz-…` query parameters of a
//! presigned URL. Parsing only; nothing here is believed yet.
//!
//! Source: AWS Signature Version 4 for API requests (IAM User Guide); texts of refusals as AWS answers them.

use std::borrow::Cow;

use http::header::DATE;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use crate::wire::header::{AMZ_DATE, AMZ_SECURITY_TOKEN};

/// The only algorithm spoken.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const HEADER_BYTES_MAX: usize = 16 * 1024;
const SIGNED_HEADERS_MAX: usize = 64;
const EXPIRES_MAX: u32 = 604_800;

/// Where the claim was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Header,
    /// A presigned URL, good for this many seconds.
    Presigned {
        expires: u32,
    },
}

/// A well-formed claim; the parts point into the request where they can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim<'a> {
    pub form: Form,
    pub credential: Credential<'a>,
    /// `name;name;…` as given.
    pub signed_headers: Cow<'a, str>,
    /// Hexadecimal, as given.
    pub signature: Cow<'a, str>,
    /// `YYYYMMDDTHHMMSSZ`.
    pub timestamp: Cow<'a, str>,
    pub session_token: Option<Cow<'a, str>>,
}

/// `access key id/date/region/service/aws4_request`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential<'a> {
    whole: Cow<'a, str>,
    /// Where the first four parts end.
    ends: [usize; 4],
}

/// Why a claim is not one. The text is AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("Request is missing Authentication Token")]
    Missing,
    #[error("{0}")]
    Incomplete(String),
}

impl<'a> Claim<'a> {
    /// Finds and parses the claim of a request; `query` is the raw text after the question mark.
    pub fn of(headers: &'a HeaderMap, query: &'a str) -> Result<Self, ClaimError> {
        if let Some(value) = headers.get(http::header::AUTHORIZATION) {
            let value = value.to_str().map_err(|_| incomplete("Authorization header is not ASCII text."))?;
            return Self::of_header(value, headers);
        }
        if query.contains("X-Amz-Algorithm=") {
            return Self::of_query(query);
        }
        Err(ClaimError::Missing)
    }

    /// Parses the value of an `Authorization` header.
    pub fn of_header(value: &'a str, headers: &'a HeaderMap) -> Result<Self, ClaimError> {
        if value.len() > HEADER_BYTES_MAX {
            return Err(incomplete("Authorization header is too long."));
        }
        let value = value.trim();
        let Some((algorithm, parameters)) = value.split_once([' ', '\t']) else {
            return Err(missing_parameters(None, None, None, value));
        };
        if algorithm != ALGORITHM {
            return Err(ClaimError::Incomplete(format!(
                "Unsupported AWS 'algorithm': '{}'.",
                printable(algorithm)
            )));
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in parameters.split(',') {
            let Some((name, text)) = parameter.trim().split_once('=') else {
                return Err(incomplete(format!(
                    "'{}' not a valid key=value pair (missing equal-sign) in Authorization header: '{}'.",
                    printable(parameter.trim()),
                    printable(value)
                )));
            };
            match name.trim_end() {
                "Credential" => credential = Some(text),
                "SignedHeaders" => signed_headers = Some(text),
                "Signature" => signature = Some(text),
                _ => {}
            }
        }
        let (Some(credential), Some(signed_headers), Some(signature)) =
            (credential, signed_headers, signature)
        else {
            return Err(missing_parameters(credential, signed_headers, signature, value));
        };
        let token = headers.get(AMZ_SECURITY_TOKEN).map(|token| token.to_str());
        Ok(Self {
            form: Form::Header,
            credential: Credential::parse(credential.into())?,
            signed_headers: checked_headers(signed_headers.into())?,
            signature: signature.into(),
            timestamp: header_timestamp(headers, value)?,
            session_token: token
                .transpose()
                .map_err(|_| incomplete("X-Amz-Security-Token is not ASCII text."))?
                .map(Cow::Borrowed),
        })
    }

    /// Parses the parameters of a presigned URL.
    fn of_query(query: &'a str) -> Result<Self, ClaimError> {
        let parameter = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy())
        };
        let required = |name: &str| {
            parameter(name).ok_or_else(|| {
                incomplete(format!("AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."))
            })
        };
        let algorithm = required("X-Amz-Algorithm")?;
        if algorithm != ALGORITHM {
            return Err(incomplete(format!("Unsupported AWS 'algorithm': '{}'.", printable(&algorithm))));
        }
        let expires = required("X-Amz-Expires")?;
        let expires =
            expires.parse().ok().filter(|seconds| (1..=EXPIRES_MAX).contains(seconds)).ok_or_else(|| {
                incomplete("X-Amz-Expires must be a number of seconds between 1 and 604800.")
            })?;
        Ok(Self {
            form: Form::Presigned { expires },
            credential: Credential::parse(required("X-Amz-Credential")?)?,
            signed_headers: checked_headers(required("X-Amz-SignedHeaders")?)?,
            signature: required("X-Amz-Signature")?,
            timestamp: checked_timestamp(required("X-Amz-Date")?)?,
            session_token: parameter("X-Amz-Security-Token"),
        })
    }

    /// Whether a header, named in lower case, is covered by the signature.
    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.split(';').any(|name| name == header)
    }
}

impl<'a> Credential<'a> {
    fn parse(whole: Cow<'a, str>) -> Result<Self, ClaimError> {
        let mut slashes = whole.match_indices('/').map(|(at, _)| at);
        let ends = match (slashes.next(), slashes.next(), slashes.next(), slashes.next(), slashes.next()) {
            (Some(a), Some(b), Some(c), Some(d), None) if a > 0 => [a, b, c, d],
            _ => {
                return Err(incomplete(format!(
                    "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
                    printable(&whole)
                )));
            }
        };
        Ok(Self { whole, ends })
    }

    pub fn as_str(&self) -> &str {
        &self.whole
    }

    pub fn access_key_id(&self) -> &str {
        &self.whole[..self.ends[0]]
    }

    /// `YYYYMMDD`.
    pub fn date(&self) -> &str {
        &self.whole[self.ends[0] + 1..self.ends[1]]
    }

    pub fn region(&self) -> &str {
        &self.whole[self.ends[1] + 1..self.ends[2]]
    }

    pub fn service(&self) -> &str {
        &self.whole[self.ends[2] + 1..self.ends[3]]
    }

    pub fn terminator(&self) -> &str {
        &self.whole[self.ends[3] + 1..]
    }

    /// `date/region/service/aws4_request`.
    pub fn scope(&self) -> &str {
        &self.whole[self.ends[0] + 1..]
    }
}

fn incomplete(text: impl Into<String>) -> ClaimError {
    ClaimError::Incomplete(text.into())
}

/// A caller's text as it may be repeated to the caller: bounded and without control characters.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

fn missing_parameters(
    credential: Option<&str>,
    signed_headers: Option<&str>,
    signature: Option<&str>,
    value: &str,
) -> ClaimError {
    let mut text = String::new();
    for (name, given) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        if given.is_none() {
            text.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    text.push_str(&format!("Authorization={}", printable(value)));
    ClaimError::Incomplete(text)
}

fn checked_headers(names: Cow<'_, str>) -> Result<Cow<'_, str>, ClaimError> {
    if names.split(';').count() > SIGNED_HEADERS_MAX {
        return Err(incomplete("SignedHeaders names too many headers."));
    }
    if !names.split(';').any(|name| name == "host" || name == ":authority") {
        return Err(incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    Ok(names)
}

/// The time of signing: `X-Amz-Date`, or else `Date`, which may also be spelled as RFC 5322 does.
fn header_timestamp<'a>(headers: &'a HeaderMap, authorization: &str) -> Result<Cow<'a, str>, ClaimError> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(iso) = text(AMZ_DATE) {
        return checked_timestamp(iso.into());
    }
    let Some(date) = text(DATE) else {
        return Err(incomplete(format!(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization={}",
            printable(authorization)
        )));
    };
    match jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) {
        Ok(time) => Ok(time.strftime("%Y%m%dT%H%M%SZ").to_string().into()),
        Err(_) => checked_timestamp(date.into()),
    }
}

fn checked_timestamp(text: Cow<'_, str>) -> Result<Cow<'_, str>, ClaimError> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 16
        && bytes[8] == b'T'
        && bytes[15] == b'Z'
        && bytes[..8].iter().chain(&bytes[9..15]).all(u8::is_ascii_digit);
    if shaped {
        return Ok(text);
    }
    Err(incomplete(format!(
        "Date must be in ISO-8601 'basic format'. Got '{}'. See http://en.wikipedia.org/wiki/ISO_8601",
        printable(&text)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-date", "20150830T123600Z".parse().expect("a header"));
        headers
    }

    #[test]
    fn a_header_is_taken_apart() {
        let headers = headers();
        let value = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/kms/aws4_request, SignedHeaders=host;x-amz-date,Signature=ab";
        let claim = Claim::of_header(value, &headers).expect("well formed");
        assert_eq!(claim.credential.access_key_id(), "AKID");
        assert_eq!(claim.credential.date(), "20150830");
        assert_eq!(claim.credential.region(), "us-east-1");
        assert_eq!(claim.credential.service(), "kms");
        assert_eq!(claim.credential.terminator(), "aws4_request");
        assert_eq!(claim.credential.scope(), "20150830/us-east-1/kms/aws4_request");
        assert!(claim.signs("host") && !claim.signs("date"));
    }

    #[test]
    fn what_is_missing_is_named() {
        check(
            "",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=",
        );
        check("Basic abc", "Unsupported AWS 'algorithm': 'Basic'.");
        check(
            "AWS4-HMAC-SHA256 abc",
            "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 abc'.",
        );
        check(
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host",
            "Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host",
        );
        check(
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
        );
        check(
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=date, Signature=0",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        );

        fn check(value: &str, want: &str) {
            let error = Claim::of_header(value, &headers()).expect_err("malformed");
            assert_eq!(error, ClaimError::Incomplete(want.to_owned()));
        }
    }

    #[test]
    fn the_time_of_signing_is_checked() {
        check("x-amz-date", "20150830T123600Z", Some("20150830T123600Z"));
        check("x-amz-date", "2015-08-30", None);
        check("date", "Sun, 30 Aug 2015 12:36:00 GMT", Some("20150830T123600Z"));
        check("date", "20150830T123600Z", Some("20150830T123600Z"));
        check("date", "yesterday", None);
        check("etag", "x", None);

        fn check(name: &'static str, value: &str, want: Option<&str>) {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header"));
            assert_eq!(header_timestamp(&headers, "").ok().as_deref(), want, "{name}: {value}");
        }
    }

    #[test]
    fn a_presigned_url_is_taken_apart() {
        let good = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=ab";
        let headers = HeaderMap::new();
        let claim = Claim::of(&headers, good).expect("well formed");
        assert_eq!(claim.form, Form::Presigned { expires: 60 });
        assert_eq!(claim.credential.service(), "sts");
        for (from, to) in
            [("Expires=60", "Expires=604801"), ("Expires=60", "Expires=0"), ("X-Amz-Signature", "X")]
        {
            let bad = good.replace(from, to);
            assert!(matches!(Claim::of(&headers, &bad), Err(ClaimError::Incomplete(_))), "{to}");
        }
        assert_eq!(Claim::of(&headers, "a=b"), Err(ClaimError::Missing));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(value in "\\PC{0,200}", query in "[ -~]{0,200}") {
            let headers = headers();
            for text in [value.as_str(), &format!("AWS4-HMAC-SHA256 {value}")] {
                let _ = Claim::of_header(text, &headers);
            }
            let _ = Claim::of_query(&format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&{query}"));
        }
    }
}
