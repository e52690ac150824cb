//! Secrets at rest: sealed under a root key, and the text a root key is kept in.
//!
//! A **root key** is 32 random bytes; its **id** is derived from them. A **keyring** holds the current root key,
//! which seals, and former ones, which still open: rotation adds a key in front and reseals at leisure, and
//! ciphertexts that users hold never notice. A **binding** says what a sealed secret is and whose; it is
//! authenticated, so a sealed secret moved to another row does not open.
//!
//! Sealed format 1: version 1 (1 byte), root key id (8), derivation nonce (16), initialisation vector (12),
//! ciphertext, tag (16). AES-256-GCM under a one-time key (module `one_time`); authenticated data is everything
//! before the ciphertext, followed by the binding.
//!
//! Key file: one line a key, the current key first: `keywatch-root-key-1:<64 hex digits>:<8 hex digits>`, the
//! latter a checksum, so that a torn or mistyped key is found at start rather than at the first decryption. Empty
//! lines and lines that begin with `#` are skipped.
//!
//! **Not here:** reading and writing the file, its mode, when to rotate.

use std::fmt;

use zeroize::Zeroizing;

use crate::context::push_text;
use crate::digest::{constant_time_eq, hmac_sha256, sha256_of};
use crate::key_name::KeyName;
use crate::material_id::MaterialId;
use crate::one_time::{DERIVATION_NONCE_BYTES, DerivationKey, IV_BYTES, Purpose, TAG_BYTES};
use crate::random::Random;
use crate::secret::{SecretBytes, SecretText};

/// Most former root keys in a ring.
pub const FORMER_ROOT_KEYS_MAX: usize = 32;
/// Longest secret that is sealed, in bytes (a PKCS#8 RSA-4096 key has 2.4 KB).
pub const SEALED_SECRET_BYTES_MAX: usize = 64 * 1024;

const ROOT_KEY_BYTES: usize = 32;
const ROOT_KEY_ID_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;
const LINE_PREFIX: &str = "keywatch-root-key-1:";
const ID_DOMAIN: &[u8] = b"keywatch root key id 1\0";
const CHECKSUM_DOMAIN: &[u8] = b"keywatch root key checksum 1\0";

/// Names a root key without telling anything about it: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RootKeyId([u8; ROOT_KEY_ID_BYTES]);

impl fmt::Display for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyId({self})")
    }
}

/// One root key: unprintable, not clonable, wiped on drop.
pub struct RootKey {
    id: RootKeyId,
    bytes: Box<Zeroizing<[u8; ROOT_KEY_BYTES]>>,
    derivation: DerivationKey,
}

/// Why a key file's text gives no keys. Names the line, counted from 1, and never its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRootKey {
    #[error("there is no root key in it")]
    Empty,
    #[error("line {line} is not {LINE_PREFIX}<64 hexadecimal digits>:<8 hexadecimal digits>")]
    Line { line: usize },
    #[error("the checksum of the root key in line {line} does not fit: the key was changed or cut")]
    Checksum { line: usize },
    #[error("the root key in line {line} is there twice")]
    Twice { line: usize },
    #[error("there are more than {} root keys in it", FORMER_ROOT_KEYS_MAX + 1)]
    TooMany,
}

impl RootKey {
    /// A fresh root key.
    pub fn generate(random: &mut dyn Random) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; ROOT_KEY_BYTES]));
        random.fill(&mut bytes[..]);
        Self::from_boxed(bytes)
    }

    pub fn id(&self) -> RootKeyId {
        self.id
    }

    fn from_boxed(bytes: Box<Zeroizing<[u8; ROOT_KEY_BYTES]>>) -> Self {
        let tag = hmac_sha256(&bytes[..], &[ID_DOMAIN]);
        let id = RootKeyId(*tag.first_chunk().expect("an id is shorter than a tag"));
        let derivation = DerivationKey::new(&bytes);
        Self { id, bytes, derivation }
    }

    /// Reads one line of a key file, without its line end.
    fn from_line(text: &str, line: usize) -> Result<Self, MalformedRootKey> {
        let malformed = MalformedRootKey::Line { line };
        let rest = text.strip_prefix(LINE_PREFIX).ok_or(malformed)?;
        let (key, checksum) = rest.split_once(':').ok_or(malformed)?;
        let mut bytes = Box::new(Zeroizing::new([0; ROOT_KEY_BYTES]));
        hex::decode_to_slice(key, &mut bytes[..]).map_err(|_| malformed)?;
        let mut said = [0; CHECKSUM_BYTES];
        hex::decode_to_slice(checksum, &mut said).map_err(|_| malformed)?;
        if !constant_time_eq(&said, &checksum_of(&bytes)) {
            return Err(MalformedRootKey::Checksum { line });
        }
        Ok(Self::from_boxed(bytes))
    }

    /// Appends this key's line. `out` has room for it, so that growing it leaves no copy behind.
    fn push_line(&self, out: &mut String) {
        let mut digits = Zeroizing::new([0; 2 * ROOT_KEY_BYTES]);
        hex::encode_to_slice(&self.bytes[..], &mut digits[..]).expect("two digits a byte");
        out.push_str(LINE_PREFIX);
        out.push_str(std::str::from_utf8(&digits[..]).expect("digits are ASCII"));
        out.push(':');
        out.push_str(&hex::encode(checksum_of(&self.bytes)));
        out.push('\n');
    }
}

const LINE_BYTES: usize = LINE_PREFIX.len() + 2 * ROOT_KEY_BYTES + 1 + 2 * CHECKSUM_BYTES + 1;

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, ..)", self.id)
    }
}

fn checksum_of(bytes: &[u8; ROOT_KEY_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let digest = sha256_of(&[CHECKSUM_DOMAIN, bytes]);
    *digest.first_chunk().expect("a checksum is shorter than a digest")
}

/// What a sealed secret is and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding<'a> {
    /// Material of a KMS key. Replicas of a multi-Region key are sealed once for each Region.
    KeyMaterial { account: &'a str, region: &'a str, key: &'a KeyName, material: &'a MaterialId },
    /// Any other secret of ours: `purpose` is a fixed word of the code that seals (`access-key`, `import-token`,
    /// `digest-signing-key`), `owner` says which of them.
    Other { purpose: &'a str, owner: &'a str },
}

impl Binding<'_> {
    fn push_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::KeyMaterial { account, region, key, material } => {
                out.push(0);
                push_text(out, account);
                push_text(out, region);
                out.extend_from_slice(&key.to_bytes());
                out.extend_from_slice(material.as_bytes());
            }
            Self::Other { purpose, owner } => {
                out.push(1);
                push_text(out, purpose);
                push_text(out, owner);
            }
        }
    }
}

/// The current root key and the former ones.
#[derive(Debug)]
pub struct RootKeyring {
    current: RootKey,
    former: Vec<RootKey>,
}

/// There is no room for another former root key.
#[derive(Debug, thiserror::Error)]
#[error("a key ring has at most {FORMER_ROOT_KEYS_MAX} former root keys")]
pub struct FullKeyring {
    /// The ring, unchanged.
    pub ring: Box<RootKeyring>,
}

/// A secret that does not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotUnseal {
    #[error("a sealed secret is malformed")]
    Malformed,
    #[error("a secret is sealed under root key {0}, which is not in the key ring")]
    UnknownRootKey(RootKeyId),
    #[error("a sealed secret was changed or belongs elsewhere")]
    NotAuthentic,
}

/// More than [`SEALED_SECRET_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret has at most {SEALED_SECRET_BYTES_MAX} bytes")]
pub struct SecretTooLong;

const SEALED_VERSION: u8 = 1;
const SEALED_HEADER_BYTES: usize = 1 + ROOT_KEY_ID_BYTES + DERIVATION_NONCE_BYTES + IV_BYTES;

impl RootKeyring {
    /// A ring with one key.
    pub fn new(current: RootKey) -> Self {
        Self { current, former: Vec::new() }
    }

    /// Reads the text of a key file (see the module's documentation).
    pub fn parse(text: &str) -> Result<Self, MalformedRootKey> {
        let mut keys: Vec<RootKey> = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if keys.len() > FORMER_ROOT_KEYS_MAX {
                return Err(MalformedRootKey::TooMany);
            }
            let key = RootKey::from_line(text, index + 1)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(MalformedRootKey::Twice { line: index + 1 });
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(MalformedRootKey::Empty)?;
        Ok(Self { current, former: keys.collect() })
    }

    /// The text of a key file, which [`RootKeyring::parse`] reads.
    pub fn render(&self) -> SecretText {
        let mut text = String::with_capacity((1 + self.former.len()) * LINE_BYTES);
        for key in self.keys() {
            key.push_line(&mut text);
        }
        SecretText::new(text)
    }

    /// The id of the key that seals.
    pub fn current_id(&self) -> RootKeyId {
        self.current.id
    }

    /// Puts `next` in front; the key before becomes a former one. A full ring comes back as it was: reseal what its
    /// oldest keys sealed, and take them out of the key file.
    pub fn rotate(self, next: RootKey) -> Result<Self, FullKeyring> {
        if self.former.len() >= FORMER_ROOT_KEYS_MAX {
            return Err(FullKeyring { ring: Box::new(self) });
        }
        let former = std::iter::once(self.current).chain(self.former).collect();
        Ok(Self { current: next, former })
    }

    /// Seals `secret` under the current root key for storage, bound to what it is.
    pub fn seal(
        &self,
        binding: &Binding<'_>,
        secret: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, SecretTooLong> {
        if secret.len() > SEALED_SECRET_BYTES_MAX {
            return Err(SecretTooLong);
        }
        let mut chance = [0; DERIVATION_NONCE_BYTES + IV_BYTES];
        random.fill(&mut chance);
        let (nonce, iv) = chance.split_first_chunk().expect("the nonce is the first part");
        let iv = iv.try_into().expect("the initialisation vector is the rest");

        let mut sealed = Vec::with_capacity(SEALED_HEADER_BYTES + secret.len() + TAG_BYTES);
        sealed.push(SEALED_VERSION);
        sealed.extend_from_slice(&self.current.id.0);
        sealed.extend_from_slice(&chance);
        let aad = authenticated(&sealed, binding);
        sealed.extend_from_slice(secret);
        let key = self.current.derivation.one_time(Purpose::Storage, nonce);
        let tag = key.seal(iv, &aad, &mut sealed[SEALED_HEADER_BYTES..]);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what any key of the ring sealed with the same binding.
    pub fn open(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<SecretBytes, CannotUnseal> {
        let parts = read_sealed(sealed).ok_or(CannotUnseal::Malformed)?;
        let key =
            self.keys().find(|key| key.id == parts.root).ok_or(CannotUnseal::UnknownRootKey(parts.root))?;
        key.derivation
            .one_time(Purpose::Storage, parts.nonce)
            .open(parts.iv, &authenticated(parts.header, binding), parts.ciphertext, parts.tag)
            .map_err(|_| CannotUnseal::NotAuthentic)
    }

    /// True if `sealed` was sealed by the current key; anything else is to be opened and sealed again.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        read_sealed(sealed).is_some_and(|parts| parts.root == self.current.id)
    }

    fn keys(&self) -> impl Iterator<Item = &RootKey> {
        std::iter::once(&self.current).chain(&self.former)
    }
}

/// A sealed secret taken apart.
struct Sealed<'a> {
    root: RootKeyId,
    header: &'a [u8],
    nonce: &'a [u8; DERIVATION_NONCE_BYTES],
    iv: &'a [u8; IV_BYTES],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

fn read_sealed(bytes: &[u8]) -> Option<Sealed<'_>> {
    let (header, body) = bytes.split_at_checked(SEALED_HEADER_BYTES)?;
    let (ciphertext, tag) = body.split_last_chunk()?;
    let (version, rest) = header.split_first()?;
    if *version != SEALED_VERSION || ciphertext.len() > SEALED_SECRET_BYTES_MAX {
        return None;
    }
    let (root, rest) = rest.split_first_chunk()?;
    let (nonce, iv) = rest.split_first_chunk()?;
    Some(Sealed { root: RootKeyId(*root), header, nonce, iv: iv.try_into().ok()?, ciphertext, tag })
}

fn authenticated(header: &[u8], binding: &Binding<'_>) -> Vec<u8> {
    let mut aad = header.to_vec();
    binding.push_to(&mut aad);
    aad
}

#[cfg(test)]
mod tests;
