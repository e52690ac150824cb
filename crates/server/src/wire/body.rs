//! Request bodies: read once, whole, within limits of size and time; gzip undone within a limit of its own.

use std::io::Read;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

/// Bytes of a request's body, except for objects of a bucket.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a request that imports a log file, which it holds as base64: a gzip file of six mebibytes, some
/// eighty mebibytes of text.
pub const IMPORT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an object put into a bucket in one request.
pub const OBJECT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of a body after its gzip encoding is undone.
pub const INFLATED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// For the whole of a body to arrive.
pub const BODY_MAX: Duration = Duration::from_secs(60);

const _: () = assert!(BODY_BYTES_MAX <= IMPORT_BYTES_MAX && IMPORT_BYTES_MAX <= INFLATED_BYTES_MAX);

/// Why a body could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    Slow,
    #[error("the connection broke inside the body")]
    Broken,
    #[error("the body is not gzip")]
    NotGzip,
}

/// Reads a body of at most `limit` bytes. A body of one frame is not copied.
pub async fn read(body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge(limit));
    }
    tokio::time::timeout(BODY_MAX, collect(body, limit)).await.map_err(|_| BodyError::Slow)?
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + joined.len() + data.len() > limit {
            return Err(BodyError::TooLarge(limit));
        }
        if whole.is_empty() && joined.is_empty() {
            whole = data;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(body.size_hint().lower() as usize + whole.len() + data.len());
            joined.extend_from_slice(&std::mem::take(&mut whole));
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

/// Undoes gzip (RFC 1952), refusing more than `limit` bytes.
pub fn inflate(body: &[u8], limit: usize) -> Result<Bytes, BodyError> {
    let mut plain = Vec::new();
    let decoder = MultiGzDecoder::new(body);
    decoder.take(limit as u64 + 1).read_to_end(&mut plain).map_err(|_| BodyError::NotGzip)?;
    if plain.len() > limit {
        return Err(BodyError::TooLarge(limit));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    const LIMIT: usize = 1_000;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn gzip_is_undone_within_its_limit() {
        check(&gzip(b"hello"), Ok(b"hello"));
        check(&gzip(b""), Ok(b""));
        check(b"plain", Err(BodyError::NotGzip));
        check(&gzip(b"hello")[..12], Err(BodyError::NotGzip));
        check(&gzip(&[0; LIMIT]), Ok(&[0; LIMIT]));
        check(&gzip(&[0; LIMIT + 1]), Err(BodyError::TooLarge(LIMIT)));

        fn check(body: &[u8], want: Result<&[u8], BodyError>) {
            assert_eq!(inflate(body, LIMIT).as_deref(), want.as_deref());
        }
    }
}
