//! The canonical form of a request, over which Signature Version 4 is made (IAM User Guide, "Create a signed AWS
//! API request", step 1). Bytes in, bytes out.

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::wire::header::usual;

/// A request as it was received.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    pub method: &'a str,
    /// The path as on the wire, percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, as on the wire.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// HTTP/2 has no `host` header but an authority.
    pub authority: Option<&'a str>,
    pub body: &'a [u8],
}

/// How a service wants its paths: buckets name objects, whose names are neither normalised nor encoded twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathRule {
    Api,
    Object,
}

/// Writes the canonical request.
pub fn write(
    out: &mut Vec<u8>,
    request: &Received<'_>,
    rule: PathRule,
    signed_headers: &str,
    payload_hash: &[u8],
) {
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    match rule {
        _ if request.path == "/" || request.path.is_empty() => out.push(b'/'),
        PathRule::Api => write_api_path(out, request.path),
        PathRule::Object => {
            let plain: Vec<u8> = percent_decode_str(request.path).collect();
            encode(out, &plain, b'/');
        }
    }
    out.push(b'\n');
    if !request.query.is_empty() {
        write_query(out, request.query);
    }
    out.push(b'\n');
    for name in signed_headers.split(';') {
        write_header(out, request, name);
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash);
}

/// Removes empty and dot segments (RFC 3986 section 5.2.4), then encodes what is already encoded once more.
fn write_api_path(out: &mut Vec<u8>, path: &str) {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    for segment in &kept {
        out.push(b'/');
        encode(out, segment.as_bytes(), b'/');
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    if kept.is_empty() || matches!(last, "" | "." | "..") {
        out.push(b'/');
    }
}

/// Parameters sorted by encoded name, then encoded value; the signature itself is not part of what is signed.
fn write_query(out: &mut Vec<u8>, query: &str) {
    let encoded = |text: &str| {
        let plain: Vec<u8> = percent_decode_str(text).collect();
        let mut out = Vec::with_capacity(plain.len());
        encode(&mut out, &plain, b'~');
        out
    };
    let mut parameters: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    parameters.sort_unstable();
    for (position, (name, value)) in parameters.iter().enumerate() {
        if position > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

fn write_header(out: &mut Vec<u8>, request: &Received<'_>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let values = match usual(name) {
        Some(name) => request.headers.get_all(name),
        None => request.headers.get_all(name),
    };
    let mut values = values.iter().map(http::HeaderValue::as_bytes).peekable();
    if values.peek().is_none()
        && matches!(name, "host" | ":authority")
        && let Some(authority) = request.authority
    {
        out.extend_from_slice(authority.as_bytes());
    }
    for (position, value) in values.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_trimmed(out, value);
    }
    out.push(b'\n');
}

/// Without blanks around, and with runs of blanks inside as one.
fn write_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    let mut blank = false;
    for &byte in value {
        if byte == b' ' && blank {
            continue;
        }
        blank = byte == b' ';
        out.push(byte);
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters and one more.
fn encode(out: &mut Vec<u8>, bytes: &[u8], kept: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') || byte == kept {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_api_are_normalised_and_encoded_twice() {
        check("/", "/");
        check("//", "/");
        check("/./", "/");
        check("/example/..", "/");
        check("/example1/example2/../..", "/");
        check("//example//", "/example/");
        check("/./example", "/example");
        check("/a%20b", "/a%2520b");
        check("/service/X/operation/Y", "/service/X/operation/Y");

        fn check(path: &str, want: &str) {
            let mut out = Vec::new();
            write_api_path(&mut out, path);
            assert_eq!(String::from_utf8_lossy(&out), want, "{path}");
        }
    }

    #[test]
    fn parameters_are_sorted_and_encoded() {
        check("b=2&a=1", "a=1&b=2");
        check("a=2&a=1", "a=1&a=2");
        check("p=a%20b&Q", "Q=&p=a%20b");
        check("p=/", "p=%2F");
        check("X-Amz-Signature=00&x=1", "x=1");
        check("&&a=1&", "a=1");

        fn check(query: &str, want: &str) {
            let mut out = Vec::new();
            write_query(&mut out, query);
            assert_eq!(String::from_utf8_lossy(&out), want, "{query}");
        }
    }

    #[test]
    fn blanks_are_trimmed_and_joined() {
        for (value, want) in [("  a  b   c ", "a b c"), ("\"a   b\"", "\"a b\""), ("", "")] {
            let mut out = Vec::new();
            write_trimmed(&mut out, value.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_canonical_query_is_its_own_canonical_form(query in "[ -~]{0,100}") {
            let canonical = |text: &str| {
                let mut out = Vec::new();
                write_query(&mut out, text);
                String::from_utf8(out).expect("encoded as ASCII")
            };
            let once = canonical(&query);
            proptest::prop_assert_eq!(canonical(&once), once);
        }

        #[test]
        fn a_canonical_path_climbs_nowhere(path in "/[a./%]{0,40}") {
            let mut out = Vec::new();
            write_api_path(&mut out, &path);
            let out = String::from_utf8(out).expect("encoded as ASCII");
            proptest::prop_assert!(out.starts_with('/'));
            proptest::prop_assert!(!out.split('/').any(|segment| segment == ".." || segment == "."));
        }
    }
}
