//! Any text as the head of a signed request: the claim, the route and the verification give values or errors, never a
//! panic; and nothing verifies under a secret that the input cannot know.
#![no_main]

use http::{HeaderMap, HeaderValue, Method};
use jiff::Timestamp;
use keywatch_server::auth::canonical::Received;
use keywatch_server::auth::claim::Claim;
use keywatch_server::auth::sigv4::{SigningKeys, verify};
use keywatch_server::wire::route::Head;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "a secret that no input holds";

fuzz_target!(|input: (&str, &str, &str, &str, &[u8])| {
    let (authorization, date, target, path, body) = input;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut headers = HeaderMap::new();
    for (name, text) in [("authorization", authorization), ("x-amz-date", date), ("x-amz-target", target)] {
        if let Ok(value) = HeaderValue::from_str(text)
            && !text.is_empty()
        {
            headers.insert(name, value);
        }
    }
    let head = Head { method: &Method::POST, path, query, headers: &headers };
    head.destination();
    // What cannot be routed is an error value.
    let _ = head.route(body);
    let Ok(claim) = Claim::of(&headers, query) else { return };
    let request = Received { method: "POST", path, query, headers: &headers, authority: None, body };
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    let service = claim.credential.service().to_owned();
    assert!(verify(&request, &claim, &service, SECRET, now, &SigningKeys::default()).is_err());
});
