//! The transfer coding `aws-chunked`: a body in chunks, each perhaps signed, with headers trailing after the last.
//!
//! Source: Amazon S3 API reference, "Signature calculations: transferring payload in multiple chunks".

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::error::S3Error;
use crate::auth::chunks::ChunkSigner;

const LINE_BYTES_MAX: usize = 4_096;
const TRAILERS_MAX: usize = 16;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// A body freed from its coding, with its trailing headers (names in lower case).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub body: Bytes,
    pub trailers: Vec<(String, String)>,
}

/// Undoes the coding where the request says it has one; `signer` checks chunks of a body whose chunks are signed.
pub fn decode(
    headers: &HeaderMap,
    received: &Bytes,
    signer: Option<ChunkSigner>,
) -> Result<Decoded, S3Error> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let declared = text("x-amz-content-sha256").unwrap_or_default();
    let coded = text("content-encoding")
        .is_some_and(|coding| coding.split(',').any(|one| one.trim() == "aws-chunked"));
    if !declared.starts_with("STREAMING-") && !coded {
        return Ok(Decoded { body: received.clone(), trailers: Vec::new() });
    }
    let decoded = decode_chunks(received, signer)?;
    match text("x-amz-decoded-content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if length != decoded.body.len() => Err(S3Error::IncompleteBody),
        Some(Err(_)) => Err(S3Error::InvalidArgument("x-amz-decoded-content-length is not a number".into())),
        _ => Ok(decoded),
    }
}

fn decode_chunks(received: &Bytes, mut signer: Option<ChunkSigner>) -> Result<Decoded, S3Error> {
    let mut rest: &[u8] = received;
    let mut body = BytesMut::new();
    loop {
        let line = take_line(&mut rest)?;
        let (size, extension) = line.split_once(';').unwrap_or((line, ""));
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| S3Error::IncompleteBody)?;
        let chunk = rest.get(..size).ok_or(S3Error::IncompleteBody)?;
        if let Some(signer) = &mut signer {
            let signature = extension.trim().strip_prefix("chunk-signature=").unwrap_or_default();
            signer.check_chunk(chunk, signature).map_err(|_| S3Error::SignatureDoesNotMatch)?;
        }
        if size == 0 {
            break;
        }
        body.extend_from_slice(chunk);
        rest = rest[size..].strip_prefix(b"\r\n").ok_or(S3Error::IncompleteBody)?;
    }
    Ok(Decoded { body: body.freeze(), trailers: trailers(rest, signer)? })
}

/// The headers after the last chunk; clients end them with an empty line, or just end.
fn trailers(mut rest: &[u8], signer: Option<ChunkSigner>) -> Result<Vec<(String, String)>, S3Error> {
    let mut trailers = Vec::new();
    let mut signature = None;
    while !rest.is_empty() {
        let line = take_line(&mut rest)?;
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(S3Error::IncompleteBody)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        if name == TRAILER_SIGNATURE {
            signature = Some(value);
        } else if trailers.len() < TRAILERS_MAX {
            trailers.push((name, value));
        } else {
            return Err(S3Error::IncompleteBody);
        }
    }
    if let Some(mut signer) = signer
        && !trailers.is_empty()
    {
        let signed: String = trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        signer
            .check_trailer(&signed, &signature.unwrap_or_default())
            .map_err(|_| S3Error::SignatureDoesNotMatch)?;
    }
    Ok(trailers)
}

/// Takes a line without its end (CR LF, or LF alone as some clients end trailers).
fn take_line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, S3Error> {
    let window = &rest[..rest.len().min(LINE_BYTES_MAX)];
    let end = window.iter().position(|byte| *byte == b'\n').ok_or(S3Error::IncompleteBody)?;
    let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
    *rest = &rest[end + 1..];
    std::str::from_utf8(line).map_err(|_| S3Error::IncompleteBody)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(length: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers
            .insert("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER".parse().expect("a value"));
        headers.insert("x-amz-decoded-content-length", length.parse().expect("a value"));
        headers
    }

    #[test]
    fn chunks_are_joined() {
        check("0\r\n\r\n", "0", Some(("", &[])));
        check("5\r\nhello\r\n0\r\n\r\n", "5", Some(("hello", &[])));
        check(
            "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Amz-Checksum-Crc32: AA==\r\n\r\n",
            "5",
            Some(("hello", &[("x-amz-checksum-crc32", "AA==")])),
        );
        check("5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n", "5", Some(("hello", &[])));
        check("5\r\nhello\r\n0\r\n\r\n", "6", None);
        check("5\r\nhell", "5", None);
        check("5\r\nhelloX0\r\n\r\n", "5", None);
        check("zz\r\n", "5", None);
        check("ffffffffffffffff\r\n", "5", None);
        check("", "0", None);

        fn check(body: &str, length: &str, want: Option<(&str, &[(&str, &str)])>) {
            let decoded = decode(&headers(length), &Bytes::copy_from_slice(body.as_bytes()), None).ok();
            let want = want.map(|(body, trailers)| Decoded {
                body: Bytes::copy_from_slice(body.as_bytes()),
                trailers: trailers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            });
            assert_eq!(decoded, want, "{body:?}");
        }
    }

    #[test]
    fn other_bodies_stay_as_they_are() {
        let body = Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n");
        assert_eq!(decode(&HeaderMap::new(), &body, None).expect("plain").body, body);
    }
}
