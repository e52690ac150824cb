//! The other side of Signature Version 4: signing a request of our own.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use super::canonical::Received;
use super::claim::{ALGORITHM, Claim, ClaimError};
use super::sigv4;

/// Whose request it is.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    pub id: &'a str,
    pub secret: &'a str,
    pub session_token: Option<&'a str>,
}

impl std::fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Caller({})", self.id)
    }
}

/// Why a request could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("a header cannot hold its value")]
    Header(#[from] http::header::InvalidHeaderValue),
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

/// Adds `X-Amz-Date`, the session token and `Authorization`, signing every header that is there.
#[expect(clippy::too_many_arguments, reason = "these are the parts of what is signed")]
pub fn sign(
    headers: &mut HeaderMap,
    method: &str,
    target: &str,
    body: &[u8],
    caller: &Caller<'_>,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SignError> {
    let timestamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    headers.insert("x-amz-date", HeaderValue::from_str(&timestamp)?);
    if let Some(token) = caller.session_token {
        headers.insert("x-amz-security-token", HeaderValue::from_str(token)?);
    }
    let mut names: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let unsigned = format!(
        "{ALGORITHM} Credential={}/{}/{region}/{service}/aws4_request, SignedHeaders={}, Signature=",
        caller.id,
        &timestamp[..8],
        names.join(";")
    );
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let claim = Claim::of_header(&unsigned, headers)?;
    let request = Received { method, path, query, headers, authority: None, body };
    let signature = sigv4::signature(&request, &claim, caller.secret);
    let value = HeaderValue::from_str(&format!("{unsigned}{signature}"))?;
    headers.insert(AUTHORIZATION, value);
    Ok(())
}
