//! The id of a key material: a function of the key's id and the material, so a re-import is recognised.

use std::fmt;
use std::str::FromStr;

use crate::digest::hmac_sha256;
use crate::key_name::KeyName;

/// The id of one material of one key; its text is 64 lower-case hexadecimal digits (`KeyMaterialId`).
///
/// `HMAC-SHA-256(material, domain ‖ key id ‖ length)`: it tells nothing about a random material, and finding two
/// materials with one id is as hard as a SHA-256 collision. An envelope therefore *commits* to its material by
/// carrying this id: no blob opens to two plaintexts under two materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaterialId([u8; MATERIAL_ID_BYTES]);

/// Length of a material id in bytes.
pub(crate) const MATERIAL_ID_BYTES: usize = 32;

/// Begins with a letter, while what the same key signs to derive keys begins with a counter: no message is both.
const DOMAIN: &[u8] = b"keywatch key material id 1\0";

impl MaterialId {
    /// The id of `material` (any kind, any length) of the key `name`.
    pub fn of(name: &KeyName, material: &[u8]) -> Self {
        // HMAC pads short keys with zeros; the length keeps `k` and `k ‖ 0` apart.
        let length = (material.len() as u64).to_be_bytes();
        Self(hmac_sha256(material, &[DOMAIN, &name.to_bytes(), &length]))
    }

    pub fn from_bytes(bytes: [u8; MATERIAL_ID_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; MATERIAL_ID_BYTES] {
        &self.0
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key material id is 64 lower-case hexadecimal digits")]
pub struct MalformedMaterialId;

impl FromStr for MaterialId {
    type Err = MalformedMaterialId;

    fn from_str(text: &str) -> Result<Self, MalformedMaterialId> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(MalformedMaterialId);
        }
        let mut bytes = [0; MATERIAL_ID_BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| MalformedMaterialId)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 2 * MATERIAL_ID_BYTES];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> KeyName {
        text.parse().expect("a key id")
    }

    #[test]
    fn the_id_depends_on_key_material_and_length_only() {
        let one = name("1234abcd-12ab-34cd-56ef-1234567890ab");
        let other = name("mrk-1234abcd12ab34cd56ef1234567890ab");
        assert_eq!(MaterialId::of(&one, &[7; 32]), MaterialId::of(&one, &[7; 32]));
        assert_ne!(MaterialId::of(&one, &[7; 32]), MaterialId::of(&other, &[7; 32]));
        assert_ne!(MaterialId::of(&one, &[7; 32]), MaterialId::of(&one, &[8; 32]));
        assert_ne!(MaterialId::of(&one, &[0; 32]), MaterialId::of(&one, &[0; 33]));
    }

    // Computed with Python's hmac module from the construction in the type's documentation. Stored records and
    // blobs name materials by it, so it may not change.
    #[test]
    fn the_construction_is_fixed() {
        let id = MaterialId::of(&name("1234abcd-12ab-34cd-56ef-1234567890ab"), &[7; 32]);
        assert_eq!(id.to_string(), "e9251bbbfc59798a417b8ddb89a3884ee0ac46594a2f72c20b9411ba621cc855");
    }

    #[test]
    fn text_survives_the_round_trip_and_other_text_is_refused() {
        let id = MaterialId::from_bytes([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ab", &"AB".repeat(32), &"ag".repeat(32), &"ab".repeat(33), &"é".repeat(32)] {
            assert_eq!(text.parse::<MaterialId>(), Err(MalformedMaterialId), "{text}");
        }
    }
}
