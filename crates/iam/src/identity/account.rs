//! What an account has of its own: how many identities, its alias, its password policy.

use std::collections::BTreeMap;

use keywatch_api::iam::account::PasswordPolicy;
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

/// One per account; an account without one has the defaults.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    /// How many there are, by the quota's name.
    pub(crate) counts: BTreeMap<String, u32>,
    pub(crate) alias: Option<String>,
    pub(crate) password_rules: Option<PasswordRules>,
}

impl Versioned for AccountRecord {
    const MARKER: &'static str = "iam.account/1";
}

/// Whose account an alias names: aliases are unique among all accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) account: String,
}

impl Versioned for AliasRecord {
    const MARKER: &'static str = "iam.account_alias/1";
}

/// What passwords must be like. Source: IAM API reference, "UpdateAccountPasswordPolicy"; [`PasswordRules::DEFAULT`] is what holds
/// while nothing was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PasswordRules {
    /// Characters.
    pub(crate) length_min: i32,
    pub(crate) symbols: bool,
    pub(crate) numbers: bool,
    pub(crate) uppercase: bool,
    pub(crate) lowercase: bool,
    /// How many of the four kinds above must occur at least.
    pub(crate) kinds_min: u8,
    pub(crate) users_may_change: bool,
    /// Days.
    pub(crate) age_max: Option<i32>,
    /// How many former passwords may not come back.
    pub(crate) reuse_prevention: Option<i32>,
    pub(crate) hard_expiry: Option<bool>,
}

const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

impl PasswordRules {
    /// "Default password policy": eight characters of three kinds.
    pub(crate) const DEFAULT: Self = Self {
        length_min: 8,
        symbols: false,
        numbers: false,
        uppercase: false,
        lowercase: false,
        kinds_min: 3,
        users_may_change: false,
        age_max: None,
        reuse_prevention: None,
        hard_expiry: None,
    };

    /// Whether `password` keeps the rules, former passwords aside.
    pub(crate) fn accept(&self, password: &str) -> bool {
        let has = |accepts: fn(char) -> bool| password.chars().any(accepts);
        let found = [
            (self.symbols, has(|c| SYMBOLS.contains(c))),
            (self.numbers, has(|c| c.is_ascii_digit())),
            (self.uppercase, has(|c| c.is_ascii_uppercase())),
            (self.lowercase, has(|c| c.is_ascii_lowercase())),
        ];
        let length = i32::try_from(password.chars().count()).unwrap_or(i32::MAX);
        let kinds = found.iter().filter(|(_, has)| *has).count();
        length >= self.length_min
            && kinds >= usize::from(self.kinds_min)
            && found.iter().all(|(required, has)| *has || !required)
    }

    pub(crate) fn shown(&self) -> PasswordPolicy {
        PasswordPolicy {
            minimum_password_length: self.length_min,
            require_symbols: self.symbols,
            require_numbers: self.numbers,
            require_uppercase_characters: self.uppercase,
            require_lowercase_characters: self.lowercase,
            allow_users_to_change_password: self.users_may_change,
            expire_passwords: self.age_max.is_some(),
            max_password_age: self.age_max,
            password_reuse_prevention: self.reuse_prevention,
            hard_expiry: self.hard_expiry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let strict = PasswordRules {
            length_min: 10,
            symbols: true,
            uppercase: true,
            kinds_min: 0,
            ..PasswordRules::DEFAULT
        };
        for (password, by_default, by_strict) in [
            ("abcdefgh", false, false),
            ("abcdefG1", true, false),
            ("aB1", false, false),
            ("ABCDEFGHI!", false, true),
            ("Abcdefghi!", true, true),
            ("abcdefghi!1", true, false),
        ] {
            let got = (PasswordRules::DEFAULT.accept(password), strict.accept(password));
            assert_eq!(got, (by_default, by_strict), "{password}");
        }
    }
}
