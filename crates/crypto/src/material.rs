//! The material of a symmetric KMS key, with what is computed from it once.

use std::fmt;

use zeroize::Zeroizing;

use crate::key_name::KeyName;
use crate::material_id::MaterialId;
use crate::one_time::DerivationKey;
use crate::random::Random;
use crate::secret::SecretBytes;

/// One 256-bit material of the symmetric key `name`: unprintable, not clonable, wiped on drop.
///
/// Building it computes the material's id and the schedule of its derivation key (about a microsecond), so keep
/// it (in an `Arc`) rather than build it per call.
pub struct KeyMaterial {
    name: KeyName,
    id: MaterialId,
    bytes: Box<Zeroizing<[u8; KeyMaterial::BYTES]>>,
    derivation: DerivationKey,
}

/// Symmetric material must be exactly [`KeyMaterial::BYTES`] long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("symmetric key material has 32 bytes, not {bytes}")]
pub struct WrongMaterialLength {
    /// How many there were.
    pub bytes: usize,
}

impl KeyMaterial {
    /// Length of symmetric key material (`SYMMETRIC_DEFAULT`) in bytes.
    pub const BYTES: usize = 32;

    /// Fresh random material for the key `name`.
    pub fn generate(name: KeyName, random: &mut dyn Random) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0; Self::BYTES]));
        random.fill(&mut bytes[..]);
        Self::from_boxed(name, bytes)
    }

    /// Material that was stored or imported.
    pub fn from_secret(name: KeyName, secret: &SecretBytes) -> Result<Self, WrongMaterialLength> {
        if secret.len() != Self::BYTES {
            return Err(WrongMaterialLength { bytes: secret.len() });
        }
        let mut bytes = Box::new(Zeroizing::new([0; Self::BYTES]));
        bytes.copy_from_slice(secret.expose());
        Ok(Self::from_boxed(name, bytes))
    }

    /// The id of the key this material belongs to.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of this material: the same again for the same bytes of the same key.
    pub fn id(&self) -> &MaterialId {
        &self.id
    }

    /// The material itself, to be sealed for storage. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &[u8; Self::BYTES] {
        &self.bytes
    }

    pub(crate) fn derivation(&self) -> &DerivationKey {
        &self.derivation
    }

    fn from_boxed(name: KeyName, bytes: Box<Zeroizing<[u8; Self::BYTES]>>) -> Self {
        let id = MaterialId::of(&name, &bytes[..]);
        let derivation = DerivationKey::new(&bytes);
        Self { name, id, bytes, derivation }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const NAME: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn the_same_bytes_give_the_same_id_again() {
        let name = NAME.parse().expect("a key id");
        let fresh = KeyMaterial::generate(name, &mut SystemRandom);
        let again =
            KeyMaterial::from_secret(name, &SecretBytes::new(fresh.expose().to_vec())).expect("32 bytes");
        assert_eq!(fresh.id(), again.id());
        assert_eq!(fresh.expose(), again.expose());
        assert_ne!(fresh.id(), KeyMaterial::generate(name, &mut SystemRandom).id());
    }

    #[test]
    fn other_lengths_are_refused() {
        for bytes in [0, 16, 31, 33, 64] {
            let made =
                KeyMaterial::from_secret(NAME.parse().expect("a key id"), &SecretBytes::new(vec![1; bytes]));
            assert_eq!(made.err(), Some(WrongMaterialLength { bytes }));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let material = KeyMaterial::generate(NAME.parse().expect("a key id"), &mut SystemRandom);
        assert_eq!(format!("{material:?}"), "KeyMaterial(..)");
    }
}
