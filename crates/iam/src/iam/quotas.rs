//! How many identities an account may have. Counted in the account's row, so that making one costs no scan.

use super::IamError;
use crate::Call;
use crate::identity::{ACCOUNT, AccountRecord};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Users,
    Groups,
    Roles,
    Policies,
}

impl Counted {
    pub(super) const ALL: [Self; 4] = [Self::Users, Self::Groups, Self::Roles, Self::Policies];

    /// As the account's summary calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups => "Groups",
            Self::Roles => "Roles",
            Self::Policies => "Policies",
        }
    }

    /// As the account's summary calls its limit.
    pub(super) fn quota_name(self) -> &'static str {
        match self {
            Self::Users => "UsersQuota",
            Self::Groups => "GroupsQuota",
            Self::Roles => "RolesQuota",
            Self::Policies => "PoliciesQuota",
        }
    }

    /// IAM user guide, "IAM and AWS STS quotas".
    pub(super) fn max(self) -> u32 {
        match self {
            Self::Users => 5_000,
            Self::Groups => 300,
            Self::Roles => 1_000,
            Self::Policies => 1_500,
        }
    }
}

/// The account's row, or the defaults of an account that has none.
pub(super) async fn account(call: &mut Call<'_>) -> Result<AccountRecord, IamError> {
    let key = call.account().to_string();
    Ok(call.tx.get::<AccountRecord>(ACCOUNT, &key).await?.unwrap_or_default())
}

pub(super) fn put_account(call: &mut Call<'_>, account: &AccountRecord) -> Result<(), IamError> {
    let key = call.account().to_string();
    Ok(call.tx.put(ACCOUNT, &key, account)?)
}

/// Counts one more.
pub(super) async fn take(call: &mut Call<'_>, counted: Counted) -> Result<(), IamError> {
    let mut account = account(call).await?;
    let count = account.counts.entry(counted.name().to_owned()).or_default();
    if *count >= counted.max() {
        let text = format!("Cannot exceed quota for {}PerAccount: {}", counted.name(), counted.max());
        return Err(IamError::LimitExceeded(text));
    }
    *count += 1;
    put_account(call, &account)
}

/// Counts one less.
pub(super) async fn give_back(call: &mut Call<'_>, counted: Counted) -> Result<(), IamError> {
    let mut account = account(call).await?;
    let count = account.counts.entry(counted.name().to_owned()).or_default();
    *count = count.saturating_sub(1);
    put_account(call, &account)
}
