//! Signature Version 4: the pure decision whether a claim holds.
//!
//! The clock here is the world's, never the test clock: the caller's machine wrote the timestamp. Signing keys are
//! derived once a day for each key, region and service, and kept in a bounded cache.
//! Source: IAM User Guide, "AWS Signature Version 4 for API requests"; facts on windows and texts per service.

use std::cell::RefCell;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify as tag_is};
use http::HeaderName;
use jiff::{SignedDuration, Timestamp};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use super::canonical::{self, PathRule, Received};
use super::claim::{ALGORITHM, Claim, Form};
use crate::wire::header::{AMZ_CONTENT_SHA256, AMZ_SECURITY_TOKEN, AMZ_TARGET};

const TERMINATOR: &str = "aws4_request";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const STREAMING: &str = "STREAMING-";
const SIGNING_KEYS_MAX: usize = 4_096;
const EMPTY_HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// Headers that change what a request does: a signature that leaves them out protects nothing.
const MUST_BE_SIGNED: [HeaderName; 2] = [AMZ_TARGET, AMZ_SECURITY_TOKEN];

/// Why a claim does not hold. The text is AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("Credential should be scoped to a valid region. ")]
    Region,
    #[error("Credential should be scoped to correct service: '{0}'. ")]
    Service(String),
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{0}'. ")]
    Terminator(String),
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{timestamp}', from '{full}'."
    )]
    ScopeDate { scope: String, timestamp: String, full: String },
    #[error("Signature expired: {0}")]
    Expired(String),
    #[error("Signature not yet current: {0}")]
    NotYet(String),
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Payload,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// Signing keys by credential scope. Shared by all workers; holds at most [`SIGNING_KEYS_MAX`].
#[derive(Debug)]
pub struct SigningKeys(Cache<String, Arc<Key>>);

impl Default for SigningKeys {
    fn default() -> Self {
        Self(Cache::new(SIGNING_KEYS_MAX))
    }
}

impl SigningKeys {
    pub(super) fn of(&self, claim: &Claim<'_>, secret: &str) -> Arc<Key> {
        let credential = claim.credential.as_str();
        if let Some(key) = self.0.get(credential) {
            return key;
        }
        let key = Arc::new(derive(claim, secret));
        self.0.insert(credential.to_owned(), key.clone());
        key
    }
}

/// Checks that `claim` was scoped to `service`, is of the present (`now`, the world's time), and was made with
/// `secret` over exactly this request.
///
/// `service` is the signing name of the service the request goes to.
pub fn verify(
    request: &Received<'_>,
    claim: &Claim<'_>,
    service: &str,
    secret: &str,
    now: Timestamp,
    keys: &SigningKeys,
) -> Result<(), SignatureError> {
    check_scope(claim, service)?;
    check_time(claim, service, now)?;
    if MUST_BE_SIGNED.iter().any(|name| request.headers.contains_key(name) && !claim.signs(name.as_str())) {
        return Err(SignatureError::Mismatch);
    }
    let mut given = [0; 32];
    if hex::decode_to_slice(claim.signature.as_bytes(), &mut given).is_err() {
        return Err(SignatureError::Mismatch);
    }
    let hash = payload_hash(request, service, claim)?;
    let key = keys.of(claim, secret);
    with_string_to_sign(request, claim, &hash, |text| {
        // Constant time (aws-lc `CRYPTO_memcmp`).
        tag_is(&key, text, &given).map_err(|_| SignatureError::Mismatch)
    })
}

/// The signature of a claim whose own signature member is not read; what a client puts there.
pub fn signature(request: &Received<'_>, claim: &Claim<'_>, secret: &str) -> String {
    let hash = hash_text(request.body);
    let key = derive(claim, secret);
    with_string_to_sign(request, claim, &hash, |text| hex::encode(sign(&key, text)))
}

fn check_scope(claim: &Claim<'_>, service: &str) -> Result<(), SignatureError> {
    let credential = &claim.credential;
    if credential.terminator() != TERMINATOR {
        return Err(SignatureError::Terminator(credential.terminator().chars().take(64).collect()));
    }
    if !crate::config::is_region(credential.region()) {
        return Err(SignatureError::Region);
    }
    if credential.service() != service {
        return Err(SignatureError::Service(service.to_owned()));
    }
    if credential.date() != &claim.timestamp[..8] {
        return Err(SignatureError::ScopeDate {
            scope: credential.date().chars().take(64).collect(),
            timestamp: claim.timestamp[..8].to_owned(),
            full: claim.timestamp.to_string(),
        });
    }
    Ok(())
}

/// The window around the present, in minutes. Measured on AWS: KMS, Logs, Events and CloudTrail 5, the others 15.
fn window_minutes(service: &str) -> i64 {
    match service {
        "kms" | "logs" | "events" | "cloudtrail" | "keywatch" => 5,
        _ => 15,
    }
}

fn check_time(claim: &Claim<'_>, service: &str, now: Timestamp) -> Result<(), SignatureError> {
    let signed = parse_timestamp(&claim.timestamp).ok_or(SignatureError::Mismatch)?;
    let minutes = window_minutes(service);
    let window = SignedDuration::from_mins(minutes);
    let lifetime = match claim.form {
        Form::Header => window,
        Form::Presigned { expires } if service == "s3" => SignedDuration::from_secs(i64::from(expires)),
        Form::Presigned { expires } => window.min(SignedDuration::from_secs(i64::from(expires))),
    };
    let print = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    if now.duration_since(signed) > lifetime {
        let bound = print(now.saturating_sub(lifetime).unwrap_or(now));
        let spelled =
            if lifetime == window { format!("{minutes} min.") } else { format!("{} s.", lifetime.as_secs()) };
        return Err(SignatureError::Expired(format!(
            "{} is now earlier than {bound} ({} - {spelled})",
            claim.timestamp,
            print(now)
        )));
    }
    if signed.duration_since(now) > window {
        let bound = print(now.saturating_add(window).unwrap_or(now));
        return Err(SignatureError::NotYet(format!(
            "{} is still later than {bound} ({} + {minutes} min.)",
            claim.timestamp,
            print(now)
        )));
    }
    Ok(())
}

/// `YYYYMMDDTHHMMSSZ`, whose shape was checked before.
fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let part = |from: usize| number(from, from + 2).and_then(|n| i8::try_from(n).ok());
    jiff::civil::DateTime::new(number(0, 4)?, part(4)?, part(6)?, part(9)?, part(11)?, part(13)?, 0)
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// The text that stands for the body: always its hash, except in requests to buckets, which may say otherwise.
fn payload_hash(request: &Received<'_>, service: &str, claim: &Claim<'_>) -> Result<String, SignatureError> {
    let declared = request.headers.get(AMZ_CONTENT_SHA256).and_then(|value| value.to_str().ok());
    if service == "s3" {
        match declared {
            Some(text) if text == UNSIGNED || text.starts_with(STREAMING) => return Ok(text.to_owned()),
            None if claim.form != Form::Header => return Ok(UNSIGNED.to_owned()),
            _ => {}
        }
    }
    let computed = if request.body.is_empty() { EMPTY_HASH.to_owned() } else { hash_text(request.body) };
    match declared {
        Some(text) if service == "s3" && text != computed => Err(SignatureError::Payload),
        _ => Ok(computed),
    }
}

/// The hash in hexadecimal.
fn hash_text(bytes: &[u8]) -> String {
    let mut text = vec![0; 64];
    hex::encode_to_slice(digest(&SHA256, bytes).as_ref(), &mut text).expect("twice 32 bytes");
    String::from_utf8(text).expect("hexadecimal digits are ASCII")
}

fn derive(claim: &Claim<'_>, secret: &str) -> Key {
    let credential = &claim.credential;
    let mut first = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.as_bytes());
    let mut key = Key::new(HMAC_SHA256, &first);
    for part in [credential.date(), credential.region(), credential.service(), TERMINATOR] {
        key = Key::new(HMAC_SHA256, sign(&key, part.as_bytes()).as_ref());
    }
    key
}

thread_local! {
    /// Canonical request and string to sign, reused from call to call.
    static SCRATCH: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

fn with_string_to_sign<R>(
    request: &Received<'_>,
    claim: &Claim<'_>,
    payload_hash: &str,
    use_text: impl FnOnce(&[u8]) -> R,
) -> R {
    SCRATCH.with_borrow_mut(|(canonical, text)| {
        canonical.clear();
        text.clear();
        let rule = if claim.credential.service() == "s3" { PathRule::Object } else { PathRule::Api };
        canonical::write(canonical, request, rule, &claim.signed_headers, payload_hash.as_bytes());
        text.extend_from_slice(ALGORITHM.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(claim.timestamp.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(claim.credential.scope().as_bytes());
        text.push(b'\n');
        let mut hash = [0; 64];
        hex::encode_to_slice(digest(&SHA256, canonical).as_ref(), &mut hash).expect("twice 32 bytes");
        text.extend_from_slice(&hash);
        use_text(text)
    })
}

#[cfg(test)]
mod tests;
