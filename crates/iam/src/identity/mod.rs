//! # Identities: users, groups, roles, managed policies and access keys as they are stored
//! A **user**, a **group** and a **role** belong to an account, carry inline policies and name the managed **policies** attached to them;
//! an **access key** belongs to a user. Names are unique in an account and kind without regard to case. Unique ids (`AIDA…`, `AROA…`) are
//! never reused, so a name made again is somebody else.
//!
//! | kind | key | value |
//! |---|---|---|
//! | `iam.user` | `account/name in lower case` | [`UserRecord`] |
//! | `iam.role` | `account/name in lower case` | [`RoleRecord`] |
//! | `iam.group` | `account/name in lower case` | [`GroupRecord`] |
//! | `iam.policy` | `account/name in lower case` | [`PolicyRecord`] |
//! | `iam.login` | `account/AIDA…` | [`LoginRecord`] |
//! | `iam.account` | `account` | [`AccountRecord`] |
//! | `iam.account_alias` | alias | [`AliasRecord`] |
//! | `iam.access_key` | `AKIA…` | [`AccessKeyRecord`] |
//!
//! **Invariant:** secrets are stored sealed under the root keyring, bound to their access key id.
//! **Not here:** sessions (`session`), who is behind a signature (`credentials`), the operations (`iam`, `sts`).

mod access_key;
mod account;
pub(crate) mod aws_managed;
mod existence;
mod group;
mod ids;
mod inline_policies;
mod login;
mod policy;
mod role;
mod tags;
mod user;

use jiff::Timestamp;
use keywatch_api::AccountId;
use keywatch_store::Kind;

pub(crate) use access_key::{AccessKeyRecord, new_secret};
pub(crate) use account::{AccountRecord, AliasRecord, PasswordRules};
pub use existence::{missing_principal, principal_exists};
pub(crate) use group::{GroupRecord, group_arn};
pub(crate) use ids::{IdPrefix, new_id};
pub(crate) use inline_policies::InlinePolicies;
pub(crate) use login::LoginRecord;
pub(crate) use policy::{PolicyRecord, VERSIONS_MAX, VersionError, managed_exists, policy_arn};
pub(crate) use role::{RoleRecord, role_arn};
pub(crate) use tags::{TAGS_MAX, TagError, Tags, check_keys};
pub(crate) use user::{UserRecord, user_arn};

pub(crate) const USER: Kind = Kind("iam.user");
pub(crate) const ROLE: Kind = Kind("iam.role");
pub(crate) const GROUP: Kind = Kind("iam.group");
pub(crate) const POLICY: Kind = Kind("iam.policy");
pub(crate) const LOGIN: Kind = Kind("iam.login");
pub(crate) const ACCOUNT: Kind = Kind("iam.account");
pub(crate) const ACCOUNT_ALIAS: Kind = Kind("iam.account_alias");
pub(crate) const ACCESS_KEY: Kind = Kind("iam.access_key");

/// The key of a row that has a name.
pub(crate) fn name_key(account: &AccountId, name: &str) -> String {
    format!("{account}/{}", name.to_ascii_lowercase())
}

/// The prefix of the rows of an account.
pub(crate) fn account_prefix(account: &AccountId) -> String {
    format!("{account}/")
}

/// Moments in the answers of IAM and STS are whole seconds.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).expect("a valid time with fewer digits is one")
}
