//! Checksums a caller sends with a body: `Content-MD5` and `x-amz-checksum-…`, in headers or trailing.
//!
//! Source: Amazon S3 user guide, "Checking object integrity".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, CRC_64_NVME, Crc, Table};
use http::HeaderMap;
use keywatch_monitor::buckets::Checksum;
use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::chunked::Decoded;
use super::error::S3Error;

const PREFIX: &str = "x-amz-checksum-";
/// Eight bytes at a time.
static CRC32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_NVME);

/// The MD5 of a body in hexadecimal: its entity tag.
pub fn etag(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}

/// Checks what the caller sent against the body, and gives the checksum to be kept.
pub fn check(headers: &HeaderMap, decoded: &Decoded) -> Result<Option<Checksum>, S3Error> {
    if let Some(given) = headers.get("content-md5") {
        let given = STANDARD.decode(given.as_bytes()).map_err(|_| S3Error::InvalidDigest)?;
        if given.len() != 16 {
            return Err(S3Error::InvalidDigest);
        }
        if given != Md5::digest(&decoded.body)[..] {
            return Err(S3Error::BadDigest(
                "The Content-MD5 you specified did not match what we received.".into(),
            ));
        }
    }
    let in_headers = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(PREFIX)?, value.to_str().unwrap_or_default()))
    });
    let trailing = decoded
        .trailers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value.as_str())));
    let mut kept = None;
    for (algorithm, given) in in_headers.chain(trailing) {
        let Some(computed) = compute(algorithm, &decoded.body) else { continue };
        if computed != given {
            return Err(S3Error::BadDigest(format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.to_ascii_uppercase()
            )));
        }
        kept = Some(Checksum { algorithm: algorithm.to_owned(), value: computed });
    }
    Ok(kept)
}

/// Base64 of a body's checksum; `None` for algorithms that are none of S3's (`x-amz-checksum-type` and the like).
fn compute(algorithm: &str, body: &[u8]) -> Option<String> {
    Some(match algorithm {
        "crc32" => STANDARD.encode(CRC32.checksum(body).to_be_bytes()),
        "crc32c" => STANDARD.encode(CRC32C.checksum(body).to_be_bytes()),
        "crc64nvme" => STANDARD.encode(CRC64.checksum(body).to_be_bytes()),
        "sha1" => STANDARD.encode(Sha1::digest(body)),
        "sha256" => STANDARD.encode(keywatch_crypto::digest::sha256(body)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Check values of the CRC catalogue for `123456789`; digests from RFC 1321's and NIST's kind of tools.
    #[test]
    fn checksums_of_a_known_text() {
        check_one("crc32", "y/Q5Jg==");
        check_one("crc32c", "4waSgw==");
        check_one("crc64nvme", "rosUhgp5mIg=");
        check_one("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE=");
        check_one("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
        assert_eq!(etag(b"123456789"), "25f9e794323b453885f5181f1b624d0b");

        fn check_one(algorithm: &str, want: &str) {
            assert_eq!(compute(algorithm, b"123456789").as_deref(), Some(want), "{algorithm}");
        }
    }

    #[test]
    fn what_does_not_hold_is_refused() {
        verdict(&[], &[], None);
        verdict(&[("x-amz-checksum-crc32", "y/Q5Jg==")], &[], None);
        verdict(&[("x-amz-checksum-crc32", "AAAAAA==")], &[], Some("BadDigest"));
        verdict(&[], &[("x-amz-checksum-crc32c", "4waSgw==")], None);
        verdict(&[], &[("x-amz-checksum-crc32c", "AAAAAA==")], Some("BadDigest"));
        verdict(&[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], &[], None);
        verdict(&[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")], &[], Some("BadDigest"));
        verdict(&[("content-md5", "no")], &[], Some("InvalidDigest"));
        verdict(&[("x-amz-checksum-type", "FULL_OBJECT")], &[], None);

        fn verdict(given: &[(&'static str, &str)], trailing: &[(&str, &str)], want: Option<&str>) {
            use keywatch_api::WireError as _;
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(*name, value.parse().expect("a value"));
            }
            let decoded = Decoded {
                body: Bytes::from_static(b"123456789"),
                trailers: trailing.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            };
            let code = check(&headers, &decoded).err().map(|error| error.code());
            assert_eq!(code.as_deref(), want);
        }
    }
}
