//! Signatures of a body that is signed chunk by chunk: each covers the one before, the first the request's own.
//!
//! Source: Amazon S3 API reference, "Signature calculations for the Authorization header: transferring payload in
//! multiple chunks", and the same "with trailing headers".

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{Key, sign, verify as tag_is};
use http::HeaderMap;

use super::claim::Claim;
use super::sigv4::{SignatureError, SigningKeys};
use crate::wire::header::AMZ_CONTENT_SHA256;

const SIGNED_STREAM: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// Checks the chunks of one body, in their order.
#[derive(Debug, Clone)]
pub struct ChunkSigner {
    key: Arc<Key>,
    timestamp: String,
    scope: String,
    /// Hexadecimal.
    previous: String,
}

impl ChunkSigner {
    /// For a verified claim of a request that says its body is signed so.
    pub fn of(headers: &HeaderMap, claim: &Claim<'_>, secret: &str, keys: &SigningKeys) -> Option<Self> {
        let declared = headers.get(AMZ_CONTENT_SHA256)?.to_str().ok()?;
        declared.starts_with(SIGNED_STREAM).then(|| Self {
            key: keys.of(claim, secret),
            timestamp: claim.timestamp.to_string(),
            scope: claim.credential.scope().to_owned(),
            previous: claim.signature.to_string(),
        })
    }

    /// Checks a chunk's signature, given in hexadecimal.
    pub fn check_chunk(&mut self, chunk: &[u8], signature: &str) -> Result<(), SignatureError> {
        let hashes = format!("{}\n{}", hash(b""), hash(chunk));
        self.check("AWS4-HMAC-SHA256-PAYLOAD", &hashes, signature)
    }

    /// Checks the signature of the trailing headers, each written `name:value` and ended by a line feed.
    pub fn check_trailer(&mut self, trailer: &str, signature: &str) -> Result<(), SignatureError> {
        self.check("AWS4-HMAC-SHA256-TRAILER", &hash(trailer.as_bytes()), signature)
    }

    fn check(&mut self, algorithm: &str, hashes: &str, signature: &str) -> Result<(), SignatureError> {
        let text = self.text(algorithm, hashes);
        let mut given = [0; 32];
        hex::decode_to_slice(signature, &mut given).map_err(|_| SignatureError::Mismatch)?;
        // Constant time (aws-lc `CRYPTO_memcmp`).
        tag_is(&self.key, text.as_bytes(), &given).map_err(|_| SignatureError::Mismatch)?;
        self.previous = hex::encode(sign(&self.key, text.as_bytes()));
        Ok(())
    }

    fn text(&self, algorithm: &str, hashes: &str) -> String {
        format!("{algorithm}\n{}\n{}\n{}\n{hashes}", self.timestamp, self.scope, self.previous)
    }
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the S3 API reference: 66,560 bytes of `a` in chunks of 65,536 and 1,024, and an empty one.
    #[test]
    fn the_example_of_the_reference_holds() {
        let mut headers = HeaderMap::new();
        let set = |headers: &mut HeaderMap, name: &'static str, value: &'static str| {
            headers.insert(name, http::HeaderValue::from_static(value));
        };
        set(&mut headers, "x-amz-date", "20130524T000000Z");
        set(&mut headers, "x-amz-content-sha256", SIGNED_STREAM);
        set(
            &mut headers,
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,\
             Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        );
        let claim = Claim::of(&headers, "").expect("a claim");
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let mut signer =
            ChunkSigner::of(&headers, &claim, secret, &SigningKeys::default()).expect("a stream");
        let mut check = |length: usize, signature: &str, want: bool| {
            assert_eq!(signer.check_chunk(&vec![b'a'; length], signature).is_ok(), want, "{length}");
        };
        check(65_536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", true);
        check(1_023, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", false);
        check(1_024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", true);
        check(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", true);
    }
}
