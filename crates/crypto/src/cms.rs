//! # Answers for enclaves
//! A secret in a CMS `EnvelopedData` (RFC 5652) for one RSA key: a fresh AES-256 key under RSAES-OAEP with SHA-256 (RFC 4055), and the
//! content under that key in CBC mode with PKCS #7 padding (RFC 3565). Written as DER, which every reader of BER reads.
//!
//! **Not here:** reading such data: only the enclave can.

use aws_lc_rs::cipher::{AES_256, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use crate::digest::sha256;
use crate::random;

const KEY_BYTES: usize = 32;
/// `subjectKeyIdentifier`: the leftmost 160 bits of SHA-256 (RFC 7093, method 1).
const KEY_IDENTIFIER_BYTES: usize = 20;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
/// `[0]` IMPLICIT, primitive, and EXPLICIT or constructed.
const TAGGED: u8 = 0x80;
const TAGGED_CONSTRUCTED: u8 = 0xa0;
const TAGGED_ONE_CONSTRUCTED: u8 = 0xa1;

/// 1.2.840.113549.1.7.3
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
/// 1.2.840.113549.1.7.1
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.1.7
const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
/// 1.2.840.113549.1.1.8
const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 2.16.840.1.101.3.4.1.42
const AES256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// The recipient's key is no RSA key that can be encrypted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recipient's public key cannot be used")]
pub struct UnusableKey;

/// `secret` for the holder of the private half of `public_key` (`SubjectPublicKeyInfo`, DER).
pub fn enveloped(public_key: &[u8], secret: &[u8]) -> Result<Vec<u8>, UnusableKey> {
    let key: Zeroizing<[u8; KEY_BYTES]> = Zeroizing::new(random::array());
    let (iv, content) = encrypted(&key, secret)?;
    let wrapped = wrapped(public_key, &*key)?;
    let identifier = &sha256(public_key)[..KEY_IDENTIFIER_BYTES];
    let recipient =
        sequence(&[&der(INTEGER, &[&[2]]), &der(TAGGED, &[identifier]), &oaep(), &der(OCTETS, &[&wrapped])]);
    let cipher = sequence(&[&der(OID, &[AES256_CBC]), &der(OCTETS, &[&iv])]);
    let content = sequence(&[&der(OID, &[DATA]), &cipher, &der(TAGGED, &[&content])]);
    let data = sequence(&[&der(INTEGER, &[&[2]]), &der(SET, &[&recipient]), &content]);
    Ok(sequence(&[&der(OID, &[ENVELOPED_DATA]), &der(TAGGED_CONSTRUCTED, &[&data])]))
}

fn encrypted(key: &[u8; KEY_BYTES], secret: &[u8]) -> Result<(Vec<u8>, Vec<u8>), UnusableKey> {
    let cipher = UnboundCipherKey::new(&AES_256, key).map_err(|_| UnusableKey)?;
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).map_err(|_| UnusableKey)?;
    // Room for the padding from the start, so that growing leaves no copy of the secret behind.
    let mut content = Vec::with_capacity(secret.len() + 16);
    content.extend_from_slice(secret);
    let context = cipher.encrypt(&mut content).map_err(|_| UnusableKey)?;
    let iv: &[u8] = (&context).try_into().map_err(|_| UnusableKey)?;
    Ok((iv.to_vec(), content))
}

fn wrapped(public_key: &[u8], key: &[u8]) -> Result<Vec<u8>, UnusableKey> {
    let recipient = PublicEncryptingKey::from_der(public_key).map_err(|_| UnusableKey)?;
    let recipient = OaepPublicEncryptingKey::new(recipient).map_err(|_| UnusableKey)?;
    let mut wrapped = vec![0; recipient.ciphertext_size()];
    recipient.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut wrapped, None).map_err(|_| UnusableKey)?;
    Ok(wrapped)
}

/// `AlgorithmIdentifier` of RSAES-OAEP with SHA-256 for both hash and mask.
fn oaep() -> Vec<u8> {
    let hash = sequence(&[&der(OID, &[SHA256])]);
    let mask = sequence(&[&der(OID, &[MGF1]), &hash]);
    let parameters = sequence(&[&der(TAGGED_CONSTRUCTED, &[&hash]), &der(TAGGED_ONE_CONSTRUCTED, &[&mask])]);
    sequence(&[&der(OID, &[RSAES_OAEP]), &parameters])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(SEQUENCE, parts)
}

/// Tag, length and contents.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let bytes = length.to_be_bytes();
        let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        // At most eight, as many as an address has.
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(&significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_shortest_form() {
        assert_eq!(der(OCTETS, &[&[1], &[2]]), [4, 2, 1, 2]);
        assert_eq!(&der(OCTETS, &[&[0; 127]])[..2], [4, 0x7f]);
        assert_eq!(&der(OCTETS, &[&[0; 128]])[..3], [4, 0x81, 0x80]);
        assert_eq!(&der(OCTETS, &[&[0; 300]])[..4], [4, 0x82, 1, 0x2c]);
    }

    #[test]
    fn other_keys_are_refused() {
        assert_eq!(enveloped(b"no key", b"secret"), Err(UnusableKey));
    }
}
