//! Names of the headers that AWS's clients send beside HTTP's own, ready to be looked up.

use http::HeaderName;
use http::header::{CONTENT_TYPE, HOST};

pub const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub const AMZ_TARGET: HeaderName = HeaderName::from_static("x-amz-target");
pub const AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub const AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The name of a header that nearly every request signs; other names have to be parsed.
pub fn usual(name: &str) -> Option<HeaderName> {
    Some(match name {
        "host" => HOST,
        "content-type" => CONTENT_TYPE,
        "x-amz-date" => AMZ_DATE,
        "x-amz-target" => AMZ_TARGET,
        "x-amz-security-token" => AMZ_SECURITY_TOKEN,
        "x-amz-content-sha256" => AMZ_CONTENT_SHA256,
        _ => return None,
    })
}
