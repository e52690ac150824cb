//! SHA-256, HMAC-SHA-256 and comparison without a timing signal, for signatures, digests and ids.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};

/// Length of a SHA-256 digest and of an HMAC-SHA-256 tag in bytes.
pub const SHA256_BYTES: usize = 32;

/// SHA-256 (FIPS 180-4) of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; SHA256_BYTES] {
    sha256_of(&[bytes])
}

/// SHA-256 of the concatenation of `parts`.
pub fn sha256_of(parts: &[&[u8]]) -> [u8; SHA256_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    to_array(context.finish().as_ref())
}

/// HMAC-SHA-256 (RFC 2104) of the concatenation of `parts` under `key` of any length.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; SHA256_BYTES] {
    HmacSha256Key::new(key).sign(parts)
}

/// True if both slices are equal. Takes the same time wherever they differ; their lengths are not hidden.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// An HMAC-SHA-256 key whose schedule is computed once: worth keeping where one key signs many messages.
/// Unprintable; aws-lc wipes its state on drop.
pub struct HmacSha256Key(hmac::Key);

impl HmacSha256Key {
    /// A key from `bytes` of any length (RFC 2104 hashes what is longer than a block of 64 bytes).
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The tag of the concatenation of `parts`.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; SHA256_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        to_array(context.sign().as_ref())
    }

    /// The tag of `message`, written to `out` and nowhere else: for tags that are themselves keys.
    pub(crate) fn sign_into(&self, message: &[u8], out: &mut [u8; SHA256_BYTES]) {
        hmac::sign_to_buffer(&self.0, message, out).expect("a tag of 32 bytes fits in 32 bytes");
    }
}

impl fmt::Debug for HmacSha256Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacSha256Key(..)")
    }
}

fn to_array(bytes: &[u8]) -> [u8; SHA256_BYTES] {
    bytes.try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4 examples "abc" and the empty message (NIST CAVP SHA256ShortMsg, Len = 0 and 24).
    #[test]
    fn sha256_gives_the_published_digests() {
        let check = |message: &[u8], want: &str| assert_eq!(hex::encode(sha256(message)), want);
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sha256_of(&[b"a", b"", b"bc"]), sha256(b"abc"));
    }

    // RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    #[test]
    fn hmac_gives_the_published_tags() {
        let check =
            |key: &[u8], parts: &[&[u8]], want: &str| assert_eq!(hex::encode(hmac_sha256(key, parts)), want);
        check(
            &[0x0b; 20],
            &[b"Hi There"],
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        );
        check(
            b"Jefe",
            &[b"what do ya want ", b"for nothing?"],
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 131],
            &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
    }

    #[test]
    fn a_kept_key_signs_like_a_fresh_one() {
        let key = HmacSha256Key::new(b"key");
        let mut out = [0; SHA256_BYTES];
        for message in [b"one".as_slice(), b"two", b""] {
            key.sign_into(message, &mut out);
            assert_eq!(key.sign(&[message]), out);
            assert_eq!(hmac_sha256(b"key", &[message]), out);
        }
        assert_eq!(format!("{key:?}"), "HmacSha256Key(..)");
    }

    #[test]
    fn comparison_sees_length_and_content() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"sama"));
        assert!(!constant_time_eq(b"same", b"sam"));
    }
}
