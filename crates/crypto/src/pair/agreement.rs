//! ECDH on the curves of NIST (SP 800-56A rev. 3 §5.7.1.2, cofactor 1): the shared secret is the x coordinate, underived.

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};

use super::{Family, PairSpec};
use crate::import::NotAPrivateKey;
use crate::secret::SecretBytes;

/// A pair opened for key agreement.
pub struct AgreementKey(PrivateKey);

/// The other side's public key is malformed, on another curve, or not on the curve at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no secret can be agreed on with that public key")]
pub struct NoSharedSecret;

impl AgreementKey {
    /// Opens a stored private key; `spec` must be one of the curves of NIST.
    pub fn open(spec: PairSpec, stored: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let Family::Ec(curve) = spec.family() else { return Err(NotAPrivateKey) };
        let algorithm = curve.agreement().ok_or(NotAPrivateKey)?;
        PrivateKey::from_private_key_der(algorithm, stored.expose()).map(Self).map_err(|_| NotAPrivateKey)
    }

    /// The secret shared with the owner of `public`, a `SubjectPublicKeyInfo` in DER.
    pub fn agree(&self, public: &[u8]) -> Result<SecretBytes, NoSharedSecret> {
        // aws-lc also takes bare points, and curves spelled out instead of named (which RFC 5480 §2.1.1 forbids).
        let own = self.0.compute_public_key().map_err(|_| NoSharedSecret)?;
        let own: PublicKeyX509Der<'_> = own.as_der().map_err(|_| NoSharedSecret)?;
        if algorithm_identifier(public).is_none_or(|named| Some(named) != algorithm_identifier(own.as_ref()))
        {
            return Err(NoSharedSecret);
        }
        let public = UnparsedPublicKey::new(self.0.algorithm(), public);
        agree(&self.0, public, NoSharedSecret, |secret| Ok(SecretBytes::new(secret.to_vec())))
    }
}

/// The first member of a `SubjectPublicKeyInfo`, with its tag and length.
fn algorithm_identifier(public: &[u8]) -> Option<&[u8]> {
    let members = match public {
        [0x30, 0x82, _, _, members @ ..] | [0x30, 0x81, _, members @ ..] => members,
        [0x30, 0..=0x7f, members @ ..] => members,
        _ => return None,
    };
    match members {
        [0x30, length @ 0..=0x7f, ..] => members.get(..2 + usize::from(*length)),
        _ => None,
    }
}

/// A key from its big-endian scalar of any length, as vectors give it.
#[cfg(test)]
pub(super) fn from_scalar(spec: PairSpec, scalar: &[u8]) -> Option<AgreementKey> {
    let Family::Ec(curve) = spec.family() else { return None };
    let length = match spec {
        PairSpec::P256 => 32,
        PairSpec::P384 => 48,
        _ => 66,
    };
    let significant = scalar.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &scalar[first..]);
    let mut padded = vec![0; length];
    padded.get_mut(length.checked_sub(significant.len())?..)?.copy_from_slice(significant);
    PrivateKey::from_private_key(curve.agreement()?, &padded).ok().map(AgreementKey)
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreementKey(..)")
    }
}
