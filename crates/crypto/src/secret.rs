//! Secrets that cannot be printed or cloned, compare in constant time, and wipe themselves.
//!
//! **Not here:** what a secret is for; `Clone`, `Display`, `Hash` and ordering are left out on purpose.

use std::fmt;

use zeroize::Zeroizing;

use crate::digest::constant_time_eq;

/// Secret bytes of any length. Printed as `SecretBytes(..)`, wiped on drop, equal in constant time.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership of `bytes`, which are wiped when this value is dropped. The caller's vector must not have
    /// been grown after secrets were written to it, since growing leaves a copy behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands the wiping buffer on, for the last step before the wire (a response body must hold plain bytes).
    pub fn into_exposed(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Secret text: a rendered key file, a secret access key. Printed as `SecretText(..)`, wiped on drop.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes ownership of `text`, which is wiped when this value is dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2, 3])), "SecretBytes(..)");
        assert_eq!(format!("{:?}", SecretText::new("hunter2".into())), "SecretText(..)");
        assert_eq!(format!("{:?}", Some(SecretBytes::new(vec![7]))), "Some(SecretBytes(..))");
    }

    #[test]
    fn equality_looks_at_every_byte_and_the_length() {
        let check = |left: &[u8], right: &[u8], equal: bool| {
            assert_eq!(SecretBytes::new(left.to_vec()) == SecretBytes::new(right.to_vec()), equal);
        };
        check(b"", b"", true);
        check(b"abc", b"abc", true);
        check(b"abc", b"abd", false);
        check(b"abc", b"bbc", false);
        check(b"abc", b"abcd", false);
        assert!(SecretText::new("a".into()) != SecretText::new("b".into()));
    }
}
