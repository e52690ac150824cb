//! Unique ids of identities: a four-letter prefix that tells the kind and sixteen characters of base 32 (80 random bits).
//! Source: IAM user guide, "IAM identifiers", unique identifiers.

use keywatch_crypto::Random;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdPrefix {
    User,
    Group,
    Role,
    Policy,
    LongTermKey,
    TemporaryKey,
}

impl IdPrefix {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
            Self::Policy => "ANPA",
            Self::LongTermKey => "AKIA",
            Self::TemporaryKey => "ASIA",
        }
    }
}

const BASE_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const RANDOM_CHARACTERS: usize = 16;

pub(crate) fn new_id(prefix: IdPrefix, random: &mut dyn Random) -> String {
    let mut bytes = [0; RANDOM_CHARACTERS];
    random.fill(&mut bytes);
    let characters = bytes.iter().map(|byte| char::from(BASE_32[usize::from(byte % 32)]));
    prefix.as_str().chars().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Random for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            for byte in out {
                *byte = self.0;
                self.0 = self.0.wrapping_add(17);
            }
        }
    }

    #[test]
    fn ids_have_the_form_of_their_kind() {
        let mut random = Counting(0);
        assert_eq!(new_id(IdPrefix::User, &mut random), "AIDAARCTEVGXIZK3M5O7");
        for prefix in
            [IdPrefix::Role, IdPrefix::Group, IdPrefix::Policy, IdPrefix::LongTermKey, IdPrefix::TemporaryKey]
        {
            let id = new_id(prefix, &mut random);
            assert_eq!((id.len(), &id[..4]), (20, prefix.as_str()));
        }
    }
}
