//! What `Sign` and `Verify` share: which algorithm takes which form of message, and how long it must be. Source: API reference,
//! `Sign`, "MessageType"; KMS developer guide, "Key spec reference".

use keywatch_api::kms::sets::{MessageType, SigningAlgorithm};
use keywatch_crypto::pair::{Hash, Message, SignatureAlgorithm};
use keywatch_iam::policy::{KeyList, Values};

use crate::ciphers::incompatible;
use crate::error::KmsError;
use crate::key::Key;
use crate::spec;

/// Length of ML-DSA's mu, and of what Ed25519ph takes, in bytes.
const LONG_DIGEST_BYTES: usize = 64;

/// Condition keys of both.
pub(crate) fn condition_keys(algorithm: SigningAlgorithm, message_type: MessageType) -> KeyList<'static> {
    KeyList::default()
        .with("kms:SigningAlgorithm", Values::one(algorithm.as_str()))
        .with("kms:MessageType", Values::one(message_type.as_str()))
}

/// The algorithm and the message in the form that the key takes.
pub(crate) fn checked<'m>(
    key: &Key,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &'m [u8],
) -> Result<(SignatureAlgorithm, Message<'m>), KmsError> {
    let known = spec::signing_algorithms(key.spec, key.usage).unwrap_or_default();
    let known = known.contains(&algorithm).then(|| rule(algorithm)).flatten();
    let Some((signature, digest_bytes)) = known else {
        return Err(incompatible(algorithm.as_str(), key.spec));
    };
    let form = match (message_type, signature) {
        (MessageType::Raw, SignatureAlgorithm::Ed25519Ph) => None,
        (MessageType::Raw, _) => return Ok((signature, Message::Raw(message))),
        (MessageType::Digest, SignatureAlgorithm::Ed25519 | SignatureAlgorithm::MlDsa) => None,
        (MessageType::Digest, _) => Some(Message::Digest(message)),
        (MessageType::ExternalMu, SignatureAlgorithm::MlDsa) => Some(Message::Mu(message)),
        (MessageType::ExternalMu, _) => None,
    };
    match form {
        None => Err(KmsError::Validation(format!(
            "MessageType {message_type} is not compatible with algorithm {algorithm}."
        ))),
        Some(_) if message.len() != digest_bytes => {
            Err(KmsError::Validation(format!("Digest is invalid length for algorithm {algorithm}.")))
        }
        Some(form) => Ok((signature, form)),
    }
}

/// The algorithm, and the length of a message that is not raw; `None` for SM2's, which is China's.
fn rule(algorithm: SigningAlgorithm) -> Option<(SignatureAlgorithm, usize)> {
    let hashed = |make: fn(Hash) -> SignatureAlgorithm, hash: Hash| (make(hash), hash.digest_bytes());
    let ecdsa = |hash: Hash| (SignatureAlgorithm::Ecdsa, hash.digest_bytes());
    Some(match algorithm {
        SigningAlgorithm::RsassaPssSha256 => hashed(SignatureAlgorithm::RsaPss, Hash::Sha256),
        SigningAlgorithm::RsassaPssSha384 => hashed(SignatureAlgorithm::RsaPss, Hash::Sha384),
        SigningAlgorithm::RsassaPssSha512 => hashed(SignatureAlgorithm::RsaPss, Hash::Sha512),
        SigningAlgorithm::RsassaPkcs1V15Sha256 => hashed(SignatureAlgorithm::RsaPkcs1, Hash::Sha256),
        SigningAlgorithm::RsassaPkcs1V15Sha384 => hashed(SignatureAlgorithm::RsaPkcs1, Hash::Sha384),
        SigningAlgorithm::RsassaPkcs1V15Sha512 => hashed(SignatureAlgorithm::RsaPkcs1, Hash::Sha512),
        SigningAlgorithm::EcdsaSha256 => ecdsa(Hash::Sha256),
        SigningAlgorithm::EcdsaSha384 => ecdsa(Hash::Sha384),
        SigningAlgorithm::EcdsaSha512 => ecdsa(Hash::Sha512),
        SigningAlgorithm::Ed25519Sha512 => (SignatureAlgorithm::Ed25519, LONG_DIGEST_BYTES),
        SigningAlgorithm::Ed25519PhSha512 => (SignatureAlgorithm::Ed25519Ph, LONG_DIGEST_BYTES),
        SigningAlgorithm::MlDsaShake256 => (SignatureAlgorithm::MlDsa, LONG_DIGEST_BYTES),
        SigningAlgorithm::Sm2Dsa => return None,
    })
}
