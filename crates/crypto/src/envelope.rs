//! The ciphertext blob that users hold: opaque to them, self-describing to us, readable for ever.
//!
//! Format 1, in bytes; everything before the ciphertext is the **header**:
//!
//! | at | length | what |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 2 | `KW`, so that every blob in base64 begins with `AUtX` |
//! | 3 | 17 | key id: its form (0 UUID, 1 `mrk-`) and 16 bytes |
//! | 20 | 32 | material id |
//! | 52 | 16 | nonce that the one-time key is derived with |
//! | 68 | 12 | initialisation vector |
//! | 80 | n | ciphertext, as long as the plaintext |
//! | 80 + n | 16 | tag |
//!
//! AES-256-GCM under a one-time key (module `one_time`); authenticated data is the header followed by the
//! canonical encryption context. The header has one length, so the boundary between the two is certain. The
//! material id commits to the material ([`MaterialId`]).
//!
//! **Invariants:** the reader takes exactly what the writer of some version made and refuses the rest; a version,
//! once released, stays readable. **Not here:** finding the material a header names.

use crate::context::EncryptionContext;
use crate::key_name::{KEY_NAME_BYTES, KeyName};
use crate::material::KeyMaterial;
use crate::material_id::{MATERIAL_ID_BYTES, MaterialId};
use crate::one_time::{DERIVATION_NONCE_BYTES, IV_BYTES, Purpose, TAG_BYTES};
use crate::random::Random;
use crate::secret::SecretBytes;

/// Longest plaintext an envelope holds, in bytes (`Encrypt` takes 1 to 4,096).
pub const PLAINTEXT_BYTES_MAX: usize = 4096;
/// How much longer than its plaintext an envelope is, in bytes.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// Longest envelope, in bytes. `CiphertextBlob` may have 6,144.
pub const ENVELOPE_BYTES_MAX: usize = OVERHEAD_BYTES + PLAINTEXT_BYTES_MAX;
const _: () = assert!(ENVELOPE_BYTES_MAX <= 6144);

const VERSION: u8 = 1;
const MAGIC: [u8; 2] = *b"KW";
const NAME_AT: usize = 1 + MAGIC.len();
const MATERIAL_AT: usize = NAME_AT + KEY_NAME_BYTES;
const NONCE_AT: usize = MATERIAL_AT + MATERIAL_ID_BYTES;
const IV_AT: usize = NONCE_AT + DERIVATION_NONCE_BYTES;
const HEADER_BYTES: usize = IV_AT + IV_BYTES;
const _: () = assert!(HEADER_BYTES == 80);

/// More plaintext than an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plaintext has at most {PLAINTEXT_BYTES_MAX} bytes")]
pub struct PlaintextTooLong;

/// Encrypts `plaintext` under `material`, bound to `context`. Two calls never give the same envelope.
pub fn seal(
    material: &KeyMaterial,
    context: &EncryptionContext,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, PlaintextTooLong> {
    if plaintext.len() > PLAINTEXT_BYTES_MAX {
        return Err(PlaintextTooLong);
    }
    let mut chance = [0; DERIVATION_NONCE_BYTES + IV_BYTES];
    random.fill(&mut chance);
    let (nonce, iv) = chance.split_first_chunk().expect("the nonce is the first part");
    let iv = iv.try_into().expect("the initialisation vector is the rest");

    let mut envelope = Vec::with_capacity(OVERHEAD_BYTES + plaintext.len());
    envelope.push(VERSION);
    envelope.extend_from_slice(&MAGIC);
    envelope.extend_from_slice(&material.name().to_bytes());
    envelope.extend_from_slice(material.id().as_bytes());
    envelope.extend_from_slice(&chance);
    envelope.extend_from_slice(plaintext);
    let (header, in_out) = envelope.split_at_mut(HEADER_BYTES);
    let key = material.derivation().one_time(Purpose::Envelope, nonce);
    let tag = with_authenticated(header, context, |aad| key.seal(iv, aad, in_out));
    envelope.extend_from_slice(&tag);
    Ok(envelope)
}

/// An envelope taken apart. Nothing in it is proven until [`Envelope::open`] succeeds.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    name: KeyName,
    material_id: MaterialId,
    header: &'a [u8],
    nonce: &'a [u8; DERIVATION_NONCE_BYTES],
    iv: &'a [u8; IV_BYTES],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

/// The bytes are no envelope of a version we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext envelope")]
pub struct NotAnEnvelope;

/// Another key, material or context than the one it was sealed with, or changed bytes: not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the envelope does not open")]
pub struct CannotOpen;

/// Takes an envelope apart. Total: any input gives an envelope or [`NotAnEnvelope`].
pub fn parse(bytes: &[u8]) -> Result<Envelope<'_>, NotAnEnvelope> {
    read(bytes).ok_or(NotAnEnvelope)
}

fn read(bytes: &[u8]) -> Option<Envelope<'_>> {
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return None;
    }
    let (header, body) = bytes.split_at_checked(HEADER_BYTES)?;
    let (ciphertext, tag) = body.split_last_chunk()?;
    let (version, rest) = header.split_first()?;
    let (magic, rest) = rest.split_first_chunk()?;
    if *version != VERSION || *magic != MAGIC {
        return None;
    }
    let (name, rest) = rest.split_first_chunk()?;
    let (material_id, rest) = rest.split_first_chunk()?;
    let (nonce, iv) = rest.split_first_chunk()?;
    Some(Envelope {
        name: KeyName::from_bytes(name)?,
        material_id: MaterialId::from_bytes(*material_id),
        header,
        nonce,
        iv: iv.try_into().ok()?,
        ciphertext,
        tag,
    })
}

impl Envelope<'_> {
    /// The key the envelope says it was sealed with.
    pub fn key_name(&self) -> &KeyName {
        &self.name
    }

    /// The material the envelope says it was sealed with.
    pub fn material_id(&self) -> &MaterialId {
        &self.material_id
    }

    /// Length of the plaintext in bytes.
    pub fn plaintext_len(&self) -> usize {
        self.ciphertext.len()
    }

    /// Decrypts with the material that the envelope names and the context it was sealed with.
    pub fn open(
        &self,
        material: &KeyMaterial,
        context: &EncryptionContext,
    ) -> Result<SecretBytes, CannotOpen> {
        if self.name != *material.name() || self.material_id != *material.id() {
            return Err(CannotOpen);
        }
        let key = material.derivation().one_time(Purpose::Envelope, self.nonce);
        with_authenticated(self.header, context, |aad| key.open(self.iv, aad, self.ciphertext, self.tag))
            .map_err(|_| CannotOpen)
    }
}

/// Runs `act` with the authenticated data: header, then context. Most calls have no context, and copy nothing.
fn with_authenticated<T>(header: &[u8], context: &EncryptionContext, act: impl FnOnce(&[u8]) -> T) -> T {
    if context.is_empty() { act(header) } else { act(&[header, context.as_bytes()].concat()) }
}

#[cfg(test)]
mod tests;
