//! From a request to its caller: the claim, the credential it names, the signature; and the words for refusing it.
//!
//! Source of codes, texts and status: facts on Signature Version 4, one column for the query protocol and one for the
//! JSON protocols (which CBOR follows).

use std::sync::Arc;

use http::HeaderMap;
use jiff::Timestamp;
use keywatch_api::codec::Protocol;
use keywatch_api::{AccountId, Fault, Region, Service};
use keywatch_iam::Caller;
use keywatch_iam::credentials::{CredentialError, Credentials};

use super::canonical::Received;
use super::chunks::ChunkSigner;
use super::claim::{Claim, ClaimError};
use super::sigv4::{self, SignatureError, SigningKeys};
use crate::clock::world_now;

/// What verifies requests. One for a process.
#[derive(Debug)]
pub struct Authenticator {
    pub credentials: Credentials,
    pub signing_keys: SigningKeys,
    /// Account of the root user, whom development mode takes strangers for.
    pub account: AccountId,
    /// Region of requests that name none.
    pub region: Region,
    /// Development mode: any credentials are accepted.
    pub dev: bool,
}

/// Who calls, and in which Region.
#[derive(Debug, Clone)]
pub struct Authenticated {
    pub caller: Arc<Caller>,
    pub region: Region,
    /// What the chunks of a body are signed with that is signed chunk by chunk.
    pub chunks: Option<ChunkSigner>,
}

/// A request that led to nobody, with what it claimed.
#[derive(Debug)]
pub struct Refused {
    pub reason: AuthError,
    /// Not verified.
    pub access_key_id: Option<String>,
    /// Not verified.
    pub region: Region,
}

/// Why a request is nobody's.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Authenticator {
    /// Verifies a request to `service`. Sessions end by `now`, the server's time; signatures age by the world's.
    pub async fn authenticate(
        &self,
        request: &Received<'_>,
        service: Service,
        now: Timestamp,
    ) -> Result<Authenticated, Refused> {
        let claim = match Claim::of(request.headers, request.query) {
            Ok(claim) => claim,
            Err(error) => {
                return Err(Refused {
                    reason: error.into(),
                    access_key_id: None,
                    region: self.region.clone(),
                });
            }
        };
        if self.dev && !is_from_another_site(request.headers) {
            return Ok(self.developer(&claim, now).await);
        }
        match self.verify(request, &claim, service, now).await {
            Ok(authenticated) => Ok(authenticated),
            Err(reason) => Err(Refused {
                reason,
                access_key_id: Some(claim.credential.access_key_id().chars().take(128).collect()),
                region: claim.credential.region().parse().unwrap_or_else(|_| self.region.clone()),
            }),
        }
    }

    async fn verify(
        &self,
        request: &Received<'_>,
        claim: &Claim<'_>,
        service: Service,
        now: Timestamp,
    ) -> Result<Authenticated, AuthError> {
        let token = claim.session_token.as_deref();
        let credential = self.credentials.resolve(claim.credential.access_key_id(), token, now).await?;
        let secret = credential.secret.expose();
        sigv4::verify(request, claim, service.signing_name(), secret, world_now(), &self.signing_keys)?;
        let region = claim.credential.region().parse().map_err(|_| SignatureError::Region)?;
        let chunks = ChunkSigner::of(request.headers, claim, secret, &self.signing_keys);
        Ok(Authenticated { caller: credential.caller.clone(), region, chunks })
    }

    /// Development mode believes what is claimed: a known key is its owner, an unknown one the root user.
    async fn developer(&self, claim: &Claim<'_>, now: Timestamp) -> Authenticated {
        let id = claim.credential.access_key_id();
        let token = claim.session_token.as_deref();
        let caller = match self.credentials.resolve(id, token, now).await {
            Ok(credential) => credential.caller.clone(),
            Err(_) => Arc::new(Caller::root(&self.account, Some(id.chars().take(128).collect()))),
        };
        let region = claim.credential.region().parse().unwrap_or_else(|_| self.region.clone());
        Authenticated { caller, region, chunks: None }
    }
}

/// Whether a browser sent this for a page of another site (Fetch Metadata): such a page must not become a developer.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

impl AuthError {
    /// The refusal as a protocol words it.
    pub fn fault(&self, protocol: Protocol) -> Fault {
        let query = protocol == Protocol::Query;
        let (json_code, query_code, query_status) = match self {
            Self::Claim(ClaimError::Missing) => {
                ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
            }
            Self::Claim(ClaimError::Incomplete(_)) => {
                ("IncompleteSignatureException", "IncompleteSignature", 400)
            }
            Self::Credential(CredentialError::Invalid) => {
                ("UnrecognizedClientException", "InvalidClientTokenId", 403)
            }
            Self::Credential(CredentialError::Expired) => ("ExpiredTokenException", "ExpiredToken", 403),
            Self::Credential(CredentialError::Unavailable(detail)) => {
                return Fault { message: None, ..Fault::new("InternalFailure", 500, "") }
                    .with_detail(detail.clone());
            }
            Self::Signature(_) => ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
        };
        let status = if query { query_status } else { 400 };
        Fault::new(json_code, status, self.to_string()).with_query_code(query_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_worded_for_their_protocol() {
        let invalid = || AuthError::from(CredentialError::Invalid);
        check(
            invalid(),
            Protocol::Json11,
            "400 UnrecognizedClientException",
            "The security token included in the request is invalid.",
        );
        check(
            invalid(),
            Protocol::Query,
            "403 InvalidClientTokenId",
            "The security token included in the request is invalid.",
        );
        let missing = || AuthError::from(ClaimError::Missing);
        check(
            missing(),
            Protocol::Cbor,
            "400 MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        );
        check(
            missing(),
            Protocol::Query,
            "403 MissingAuthenticationToken",
            "Request is missing Authentication Token",
        );
        let incomplete = || AuthError::from(ClaimError::Incomplete("x".into()));
        check(incomplete(), Protocol::Query, "400 IncompleteSignature", "x");
        let expired = || AuthError::from(CredentialError::Expired);
        check(
            expired(),
            Protocol::Json10,
            "400 ExpiredTokenException",
            "The security token included in the request is expired",
        );

        fn check(error: AuthError, protocol: Protocol, want: &str, text: &str) {
            let fault = error.fault(protocol);
            let code = if protocol == Protocol::Query { fault.code_in_query() } else { &fault.code };
            assert_eq!(format!("{} {code}", fault.status), want);
            assert_eq!(fault.message.as_deref(), Some(text));
        }
    }
}
