//! The account: its alias, summary and password policy; the users' console passwords.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{is_document, is_marker, is_name};
use crate::{SecretText, WireTime};

crate::shape! {
    /// Operations without parameters.
    pub struct EmptyRequest: Pascal {}
}

crate::shape! {
    /// `CreateAccountAlias`, `DeleteAccountAlias`
    pub struct AccountAliasRequest: Pascal {
        account_alias: String [len 3..=63] [pattern is_alias, r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"],
    }
}

crate::shape! {
    /// `ListAccountAliases`
    pub struct PageOnlyRequest: Pascal {
        marker: Option<String> [len 1..=320] [pattern is_marker, r"[\u0020-\u00FF]+"],
        max_items: Option<i32> [range 1..=1000],
    }
}

crate::shape! {
    /// `UpdateAccountPasswordPolicy`
    pub struct UpdateAccountPasswordPolicyRequest: Pascal {
        minimum_password_length: Option<i32> [range 6..=128],
        require_symbols: Option<bool>,
        require_numbers: Option<bool>,
        require_uppercase_characters: Option<bool>,
        require_lowercase_characters: Option<bool>,
        allow_users_to_change_password: Option<bool>,
        max_password_age: Option<i32> [range 1..=1095],
        password_reuse_prevention: Option<i32> [range 1..=24],
        hard_expiry: Option<bool>,
    }
}

crate::shape! {
    /// `CreateLoginProfile`
    pub struct CreateLoginProfileRequest: Pascal {
        user_name: Option<String> [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        password: Option<SecretText> [len 1..=128] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        password_reset_required: Option<bool>,
    }
}

crate::shape! {
    /// `GetLoginProfile`, `DeleteLoginProfile`
    pub struct LoginProfileRequest: Pascal {
        user_name: Option<String> [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
    }
}

crate::shape! {
    /// `UpdateLoginProfile`
    pub struct UpdateLoginProfileRequest: Pascal {
        user_name: String [len 1..=64] [pattern is_name, r"[\w+=,.@-]+"],
        password: Option<SecretText> [len 1..=128] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        password_reset_required: Option<bool>,
    }
}

crate::shape! {
    /// `ChangePassword`
    pub struct ChangePasswordRequest: Pascal {
        old_password: SecretText [len 1..=128] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
        new_password: SecretText [len 1..=128] [pattern is_document, r"[\u0009\u000A\u000D\u0020-\u00FF]+"],
    }
}

/// `GetAccountSummary`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountSummaryResponse {
    pub summary_map: BTreeMap<&'static str, u32>,
}

/// `ListAccountAliases`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccountAliasesResponse {
    pub account_aliases: Vec<String>,
    pub is_truncated: bool,
    pub marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PasswordPolicy {
    pub minimum_password_length: i32,
    pub require_symbols: bool,
    pub require_numbers: bool,
    pub require_uppercase_characters: bool,
    pub require_lowercase_characters: bool,
    pub allow_users_to_change_password: bool,
    pub expire_passwords: bool,
    /// Days.
    pub max_password_age: Option<i32>,
    pub password_reuse_prevention: Option<i32>,
    pub hard_expiry: Option<bool>,
}

/// `GetAccountPasswordPolicy`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountPasswordPolicyResponse {
    pub password_policy: PasswordPolicy,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoginProfile {
    pub user_name: String,
    pub create_date: WireTime,
    pub password_reset_required: bool,
}

/// `CreateLoginProfile`, `GetLoginProfile`
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoginProfileResponse {
    pub login_profile: LoginProfile,
}

/// Lower-case letters, digits and single hyphens inside.
fn is_alias(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-') && !text.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases() {
        for (text, good) in [("abc", true), ("a-b", true), ("a--b", false), ("-ab", false), ("Abc", false)] {
            assert_eq!(is_alias(text), good, "{text}");
        }
    }
}
