//! Accounts and Regions: part of every name, checked where they enter.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Twelve digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

/// A Region's name, such as `us-east-1`: lower-case letters, digits and hyphens, at most 32 of them.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(Arc<str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an account id: twelve digits are expected")]
pub struct MalformedAccountId(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the name of a Region")]
pub struct MalformedRegion(String);

impl FromStr for AccountId {
    type Err = MalformedAccountId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(AccountId(text.into()))
        } else {
            Err(MalformedAccountId(text.chars().take(64).collect()))
        }
    }
}

impl FromStr for Region {
    type Err = MalformedRegion;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts && text.len() <= 32 && text.bytes().all(plain) {
            Ok(Region(text.into()))
        } else {
            Err(MalformedRegion(text.chars().take(64).collect()))
        }
    }
}

macro_rules! text_name {
    ($name:ident, $error:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.to_string()
            }
        }
    };
}
text_name!(AccountId, MalformedAccountId);
text_name!(Region, MalformedRegion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits() {
        for (text, good) in [
            ("000000000000", true),
            ("123", false),
            ("12345678901a", false),
            ("1234567890123", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<AccountId>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn regions_are_lower_case_words() {
        for (text, good) in [
            ("us-east-1", true),
            ("local", true),
            ("US-EAST-1", false),
            ("", false),
            ("a/b", false),
            ("-x", false),
        ] {
            assert_eq!(text.parse::<Region>().is_ok(), good, "{text}");
        }
    }
}
