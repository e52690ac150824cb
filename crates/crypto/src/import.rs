//! Imported key material on its way in: the pair that wraps it and the unwrapping.
//!
//! A **wrapping key pair** is made for one `GetParametersForImport`; its public half goes to the caller, its
//! private half is sealed and comes back with `ImportKeyMaterial`.
//!
//! **Invariant:** all failures to unwrap look alike, so that nobody can use us as a padding oracle.
//! **Not here:** import tokens, expiry, and SM2.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::secret::SecretBytes;

/// `WrappingKeySpec`, without SM2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrappingKeySpec {
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl WrappingKeySpec {
    pub const ALL: [Self; 3] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// Length of the modulus, and so of anything wrapped directly, in bytes.
    pub fn modulus_bytes(self) -> usize {
        self.size().len()
    }

    fn size(self) -> KeySize {
        match self {
            Self::Rsa2048 => KeySize::Rsa2048,
            Self::Rsa3072 => KeySize::Rsa3072,
            Self::Rsa4096 => KeySize::Rsa4096,
        }
    }
}

/// `WrappingAlgorithm`, without SM2 and without `RSAES_PKCS1_V1_5`, which AWS ended on 2023-10-10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrappingAlgorithm {
    RsaesOaepSha1,
    RsaesOaepSha256,
    RsaAesKeyWrapSha1,
    RsaAesKeyWrapSha256,
}

impl WrappingAlgorithm {
    pub const ALL: [Self; 4] =
        [Self::RsaesOaepSha1, Self::RsaesOaepSha256, Self::RsaAesKeyWrapSha1, Self::RsaAesKeyWrapSha256];

    /// OAEP with an empty label, and MGF1 over the same hash (RFC 8017 §7.1).
    fn oaep(self) -> &'static OaepAlgorithm {
        match self {
            Self::RsaesOaepSha1 | Self::RsaAesKeyWrapSha1 => &OAEP_SHA1_MGF1SHA1,
            Self::RsaesOaepSha256 | Self::RsaAesKeyWrapSha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }

    fn wraps_in_two_steps(self) -> bool {
        matches!(self, Self::RsaAesKeyWrapSha1 | Self::RsaAesKeyWrapSha256)
    }
}

/// Longest wrapped material, in bytes (`EncryptedKeyMaterial` in the service model).
pub const WRAPPED_BYTES_MAX: usize = 6144;

/// Key generation failed inside the library, which only a broken random source explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no RSA key could be generated")]
pub struct CannotGenerate;

/// The stored bytes are no RSA private key in PKCS#8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA private key in PKCS#8")]
pub struct NotAPrivateKey;

/// The material does not come out: wrong algorithm, wrong pair, changed bytes, wrong length. Not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key material cannot be unwrapped")]
pub struct CannotUnwrap;

/// An RSA pair to wrap key material under.
pub struct WrappingKeyPair(PrivateDecryptingKey);

impl WrappingKeyPair {
    /// A fresh pair. Takes from tens of milliseconds (2048 bits) to seconds (4096): not on a thread that serves.
    pub fn generate(spec: WrappingKeySpec) -> Result<Self, CannotGenerate> {
        PrivateDecryptingKey::generate(spec.size()).map(Self).map_err(|_| CannotGenerate)
    }

    /// A pair that was sealed as [`WrappingKeyPair::pkcs8_der`] gave it.
    pub fn from_pkcs8_der(pkcs8: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map(Self).map_err(|_| NotAPrivateKey)
    }

    /// The private key in PKCS#8 (RFC 5208), to be sealed.
    pub fn pkcs8_der(&self) -> SecretBytes {
        let der: Pkcs8V1Der<'_> = self.0.as_der().expect("an RSA key encodes");
        // The library wipes its own copy when dropped.
        SecretBytes::new(der.as_ref().to_vec())
    }

    /// The public key as `SubjectPublicKeyInfo` (RFC 5280), as `GetParametersForImport` answers it.
    pub fn spki_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().expect("an RSA key encodes");
        der.as_ref().to_vec()
    }

    /// Unwraps `wrapped`: either OAEP alone, or an OAEP-wrapped AES-256 key followed by the material in AES key
    /// wrap with padding (RFC 5649) under it.
    pub fn unwrap(&self, algorithm: WrappingAlgorithm, wrapped: &[u8]) -> Result<SecretBytes, CannotUnwrap> {
        if wrapped.len() > WRAPPED_BYTES_MAX {
            return Err(CannotUnwrap);
        }
        let (first, rest) = wrapped.split_at_checked(self.0.key_size_bytes()).ok_or(CannotUnwrap)?;
        let unwrapped = self.unwrap_oaep(algorithm.oaep(), first)?;
        if algorithm.wraps_in_two_steps() {
            return unwrap_padded(&unwrapped, rest);
        }
        if rest.is_empty() { Ok(unwrapped) } else { Err(CannotUnwrap) }
    }

    fn unwrap_oaep(&self, oaep: &'static OaepAlgorithm, wrapped: &[u8]) -> Result<SecretBytes, CannotUnwrap> {
        let key = OaepPrivateDecryptingKey::new(self.0.clone()).map_err(|_| CannotUnwrap)?;
        let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(oaep, wrapped, &mut out, None).map_err(|_| CannotUnwrap)?.len();
        out.truncate(length);
        Ok(SecretBytes::new(std::mem::take(&mut *out)))
    }
}

impl fmt::Debug for WrappingKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKeyPair(..)")
    }
}

/// AES-256 key wrap with padding (RFC 5649), undone.
pub(crate) fn unwrap_padded(key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CannotUnwrap> {
    // `AesKek` refuses keys that are not 32 bytes long.
    let kek = AesKek::new(&AES_256, key.expose()).map_err(|_| CannotUnwrap)?;
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek.unwrap_with_padding(wrapped, &mut out).map_err(|_| CannotUnwrap)?.len();
    out.truncate(length);
    Ok(SecretBytes::new(std::mem::take(&mut *out)))
}

#[cfg(test)]
mod tests;
