//! The id of a KMS key as envelopes carry it: 17 bytes for 36 characters.

use std::fmt;
use std::str::FromStr;

/// A key id: a UUID in lower case, or `mrk-` and 32 lower-case hexadecimal digits for a multi-Region key.
/// Other spellings of the same id are refused, so that equal keys have equal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName {
    form: Form,
    bytes: [u8; 16],
}

/// Which of the two spellings a name has. The discriminants are part of the envelope format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    Uuid = 0,
    MultiRegion = 1,
}

/// The text is neither form of a key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key id is a lower-case UUID, or mrk- and 32 lower-case hexadecimal digits")]
pub struct MalformedKeyName;

/// Bytes of a name inside an envelope: its form and 16 bytes.
pub(crate) const KEY_NAME_BYTES: usize = 17;

impl KeyName {
    /// The name of a single-Region key with these UUID bytes (`random::uuid_bytes`).
    pub fn from_uuid_bytes(bytes: [u8; 16]) -> Self {
        Self { form: Form::Uuid, bytes }
    }

    /// The name of a multi-Region key with these bytes.
    pub fn from_multi_region_bytes(bytes: [u8; 16]) -> Self {
        Self { form: Form::MultiRegion, bytes }
    }

    /// True for the `mrk-` form, whose material is shared by the related keys of several Regions.
    pub fn is_multi_region(&self) -> bool {
        self.form == Form::MultiRegion
    }

    pub(crate) fn to_bytes(self) -> [u8; KEY_NAME_BYTES] {
        let mut bytes = [0; KEY_NAME_BYTES];
        bytes[0] = self.form as u8;
        bytes[1..].copy_from_slice(&self.bytes);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; KEY_NAME_BYTES]) -> Option<Self> {
        let (form, rest) = bytes.split_first()?;
        let form = match *form {
            0 => Form::Uuid,
            1 => Form::MultiRegion,
            _ => return None,
        };
        Some(Self { form, bytes: rest.try_into().ok()? })
    }
}

impl FromStr for KeyName {
    type Err = MalformedKeyName;

    fn from_str(text: &str) -> Result<Self, MalformedKeyName> {
        let mut digits = [0; 32];
        let form = match text.strip_prefix("mrk-") {
            Some(rest) => {
                digits = rest.as_bytes().try_into().map_err(|_| MalformedKeyName)?;
                Form::MultiRegion
            }
            None => {
                uuid_digits(text, &mut digits)?;
                Form::Uuid
            }
        };
        // `hex` reads capitals too; the canonical spelling has none.
        if digits.iter().any(u8::is_ascii_uppercase) {
            return Err(MalformedKeyName);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| MalformedKeyName)?;
        Ok(Self { form, bytes })
    }
}

/// Takes the 32 digits out of `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
fn uuid_digits(text: &str, digits: &mut [u8; 32]) -> Result<(), MalformedKeyName> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut groups = text.as_bytes().split(|byte| *byte == b'-');
    let mut filled = 0;
    for length in GROUPS {
        let group = groups.next().filter(|group| group.len() == length).ok_or(MalformedKeyName)?;
        digits[filled..filled + length].copy_from_slice(group);
        filled += length;
    }
    if groups.next().is_some() { Err(MalformedKeyName) } else { Ok(()) }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.bytes, &mut digits).map_err(|_| fmt::Error)?;
        let digits = std::str::from_utf8(&digits).map_err(|_| fmt::Error)?;
        match self.form {
            Form::MultiRegion => write!(f, "mrk-{digits}"),
            Form::Uuid => {
                let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
                write!(f, "{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, accepted: bool) {
        let parsed = text.parse::<KeyName>();
        assert_eq!(parsed.is_ok(), accepted, "{text}");
        if let Ok(name) = parsed {
            assert_eq!(name.to_string(), text);
            assert_eq!(KeyName::from_bytes(&name.to_bytes()), Some(name));
            assert_eq!(name.is_multi_region(), text.starts_with("mrk-"));
        }
    }

    #[test]
    fn both_forms_survive_the_round_trip() {
        check("1234abcd-12ab-34cd-56ef-1234567890ab", true);
        check("00000000-0000-0000-0000-000000000000", true);
        check("mrk-1234abcd12ab34cd56ef1234567890ab", true);
    }

    #[test]
    fn other_spellings_are_refused() {
        check("", false);
        check("-", false);
        check("1234ABCD-12ab-34cd-56ef-1234567890ab", false);
        check("1234abcd12ab34cd56ef1234567890ab", false);
        check("1234abcd-12ab-34cd-56ef-1234567890ag", false);
        check("1234abcd-12ab-34cd-56ef-1234567890ab-", false);
        check("1234abcd-12ab-34cd-56ef1-234567890ab", false);
        check("mrk-1234ABCD12ab34cd56ef1234567890ab", false);
        check("mrk-1234abcd12ab34cd56ef1234567890a", false);
        check("mrk-1234abcd-12ab-34cd-56ef-1234567890ab", false);
        check("alias/x", false);
        check("mrk-éééééééééééééééé", false);
    }

    #[test]
    fn unknown_forms_are_refused() {
        for form in 2..=u8::MAX {
            let mut bytes = [0; KEY_NAME_BYTES];
            bytes[0] = form;
            assert_eq!(KeyName::from_bytes(&bytes), None);
        }
    }
}
