//! RSA pairs and OAEP (RFC 8017 §7.1). Public exponents are what the key says; generated ones have 65537.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair, RsaKeyPair};
use zeroize::Zeroizing;

use crate::import::{CannotGenerate, NotAPrivateKey};
use crate::secret::SecretBytes;

pub(super) fn generate(size: KeySize) -> Result<SecretBytes, CannotGenerate> {
    let pair = RsaKeyPair::generate(size).map_err(|_| CannotGenerate)?;
    Ok(stored(&pair))
}

pub(super) fn normalised(size: KeySize, pkcs8: &SecretBytes) -> Result<SecretBytes, NotAPrivateKey> {
    Ok(stored(&open(size, pkcs8)?))
}

pub(super) fn public_der(size: KeySize, stored: &SecretBytes) -> Result<Vec<u8>, NotAPrivateKey> {
    let pair = open(size, stored)?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| NotAPrivateKey)?;
    Ok(der.as_ref().to_vec())
}

/// The pair in `pkcs8`, whose modulus must be exactly as long as `size` says.
pub(super) fn open(size: KeySize, pkcs8: &SecretBytes) -> Result<RsaKeyPair, NotAPrivateKey> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8.expose()).map_err(|_| NotAPrivateKey)?;
    if pair.public_modulus_len() == size.len() && has_exact_bits(&pair) {
        Ok(pair)
    } else {
        Err(NotAPrivateKey)
    }
}

/// 2,041 bits are as many bytes as 2,048: the topmost bit tells them apart.
fn has_exact_bits(pair: &RsaKeyPair) -> bool {
    let modulus = pair.public_key().modulus();
    modulus.big_endian_without_leading_zero().first().is_some_and(|first| first & 0x80 != 0)
}

fn stored(pair: &RsaKeyPair) -> SecretBytes {
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("an RSA key encodes");
    SecretBytes::new(der.as_ref().to_vec())
}

/// The hash of OAEP and of its MGF1: `RSAES_OAEP_SHA_1`, `RSAES_OAEP_SHA_256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OaepHash {
    Sha1,
    Sha256,
}

impl OaepHash {
    pub const ALL: [Self; 2] = [Self::Sha1, Self::Sha256];

    fn algorithm(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// An RSA pair opened for encryption and decryption.
pub struct DecryptingKey {
    private: OaepPrivateDecryptingKey,
    public: OaepPublicEncryptingKey,
}

/// More plaintext than the modulus and the hash leave room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at most {bytes_max} bytes can be encrypted")]
pub struct TooMuchPlaintext {
    pub bytes_max: usize,
}

/// The ciphertext does not open; why is not told, since telling would help an attacker (RFC 8017 §7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct CannotDecrypt;

impl DecryptingKey {
    /// Opens a stored private key.
    pub fn open(stored: &SecretBytes) -> Result<Self, NotAPrivateKey> {
        let private = PrivateDecryptingKey::from_pkcs8(stored.expose()).map_err(|_| NotAPrivateKey)?;
        let public = OaepPublicEncryptingKey::new(private.public_key()).map_err(|_| NotAPrivateKey)?;
        let private = OaepPrivateDecryptingKey::new(private).map_err(|_| NotAPrivateKey)?;
        Ok(Self { private, public })
    }

    /// The longest plaintext in bytes.
    pub fn plaintext_bytes_max(&self, hash: OaepHash) -> usize {
        self.public.max_plaintext_size(hash.algorithm())
    }

    /// Encrypts with an empty label.
    pub fn encrypt(&self, hash: OaepHash, plaintext: &[u8]) -> Result<Vec<u8>, TooMuchPlaintext> {
        let too_much = TooMuchPlaintext { bytes_max: self.plaintext_bytes_max(hash) };
        if plaintext.len() > too_much.bytes_max {
            return Err(too_much);
        }
        let mut out = vec![0; self.public.ciphertext_size()];
        let length =
            self.public.encrypt(hash.algorithm(), plaintext, &mut out, None).map_err(|_| too_much)?.len();
        out.truncate(length);
        Ok(out)
    }

    /// Decrypts what was encrypted with an empty label.
    pub fn decrypt(&self, hash: OaepHash, ciphertext: &[u8]) -> Result<SecretBytes, CannotDecrypt> {
        if ciphertext.len() != self.private.key_size_bytes() {
            return Err(CannotDecrypt);
        }
        let mut out = Zeroizing::new(vec![0; self.private.min_output_size()]);
        let length = self
            .private
            .decrypt(hash.algorithm(), ciphertext, &mut out, None)
            .map_err(|_| CannotDecrypt)?
            .len();
        out.truncate(length);
        Ok(SecretBytes::new(std::mem::take(&mut *out)))
    }
}

impl fmt::Debug for DecryptingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptingKey(..)")
    }
}
