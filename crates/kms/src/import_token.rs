//! # Import tokens
//! What `GetParametersForImport` gives out and `ImportKeyMaterial` gets back: the private wrapping key, the algorithm and the end
//! of its validity, sealed under the root key and bound to one KMS key. Nothing of it is kept here.
//!
//! Sealed form 1: version (1 byte), algorithm (1), expiry in microseconds since the epoch (8, big-endian), PKCS#8.

use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::import::{WrappingAlgorithm, WrappingKeyPair};
use keywatch_crypto::{Binding, RootKeyring, SecretBytes, SystemRandom};

use crate::error::KmsError;

/// `ParametersValidTo` is this long after the call.
pub(crate) const VALIDITY: SignedDuration = SignedDuration::from_hours(24);

const VERSION: u8 = 1;
const PURPOSE: &str = "import-token";

/// A token, opened.
#[derive(Debug)]
pub(crate) struct ImportToken {
    pub(crate) algorithm: WrappingAlgorithm,
    pub(crate) pair: WrappingKeyPair,
}

/// A token for the key `arn`, valid until `valid_to`.
pub(crate) fn seal(
    keyring: &RootKeyring,
    arn: &str,
    algorithm: WrappingAlgorithm,
    pair: &WrappingKeyPair,
    valid_to: Timestamp,
) -> Result<Vec<u8>, KmsError> {
    let pkcs8 = pair.pkcs8_der();
    // With its whole length from the start no copy of the key is left behind by growing.
    let mut plain = Vec::with_capacity(10 + pkcs8.len());
    plain.push(VERSION);
    plain.push(code(algorithm));
    plain.extend_from_slice(&valid_to.as_microsecond().to_be_bytes());
    plain.extend_from_slice(pkcs8.expose());
    let plain = SecretBytes::new(plain);
    keyring
        .seal(&Binding::Other { purpose: PURPOSE, owner: arn }, plain.expose(), &mut SystemRandom)
        .map_err(|error| KmsError::internal(&error))
}

/// Opens a token of the key `arn`.
pub(crate) fn open(
    keyring: &RootKeyring,
    arn: &str,
    token: &[u8],
    now: Timestamp,
) -> Result<ImportToken, KmsError> {
    let binding = Binding::Other { purpose: PURPOSE, owner: arn };
    let plain = keyring.open(&binding, token).map_err(|_| KmsError::InvalidImportToken)?;
    let (algorithm, valid_to, pkcs8) = read(plain.expose()).ok_or(KmsError::InvalidImportToken)?;
    if valid_to <= now {
        return Err(KmsError::ExpiredImportToken);
    }
    let pair = WrappingKeyPair::from_pkcs8_der(&pkcs8).map_err(|_| KmsError::InvalidImportToken)?;
    Ok(ImportToken { algorithm, pair })
}

fn read(plain: &[u8]) -> Option<(WrappingAlgorithm, Timestamp, SecretBytes)> {
    let (version, rest) = plain.split_first()?;
    let (algorithm, rest) = rest.split_first()?;
    let (valid_to, pkcs8) = rest.split_first_chunk()?;
    if *version != VERSION {
        return None;
    }
    let algorithm = WrappingAlgorithm::ALL.into_iter().find(|known| code(*known) == *algorithm)?;
    let valid_to = Timestamp::from_microsecond(i64::from_be_bytes(*valid_to)).ok()?;
    Some((algorithm, valid_to, SecretBytes::new(pkcs8.to_vec())))
}

/// Stored in tokens: never renumber.
fn code(algorithm: WrappingAlgorithm) -> u8 {
    match algorithm {
        WrappingAlgorithm::RsaesOaepSha1 => 1,
        WrappingAlgorithm::RsaesOaepSha256 => 2,
        WrappingAlgorithm::RsaAesKeyWrapSha1 => 3,
        WrappingAlgorithm::RsaAesKeyWrapSha256 => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_crypto::RootKey;
    use keywatch_crypto::import::WrappingKeySpec;

    #[test]
    fn a_token_is_for_one_key_and_one_day() {
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let pair = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048).unwrap();
        let valid_to: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let before = valid_to - SignedDuration::from_secs(1);
        for algorithm in WrappingAlgorithm::ALL {
            let token = seal(&keyring, "arn:a", algorithm, &pair, valid_to).unwrap();
            let opened = open(&keyring, "arn:a", &token, before).unwrap();
            assert_eq!(opened.algorithm, algorithm);
            assert_eq!(opened.pair.spki_der(), pair.spki_der());
            for (arn, now, want) in [
                ("arn:b", before, KmsError::InvalidImportToken),
                ("arn:a", valid_to, KmsError::ExpiredImportToken),
            ] {
                assert_eq!(open(&keyring, arn, &token, now).unwrap_err(), want);
            }
        }
        assert_eq!(open(&keyring, "arn:a", b"junk", before).unwrap_err(), KmsError::InvalidImportToken);
    }
}
