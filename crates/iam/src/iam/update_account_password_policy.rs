//! `UpdateAccountPasswordPolicy`: sets what passwords must be like; what the request leaves out gets its default.

use keywatch_api::iam::account::UpdateAccountPasswordPolicyRequest;

use super::authorize::authorize_account;
use super::{Iam, IamError, quotas};
use crate::Call;
use crate::identity::PasswordRules;

/// "If you do not specify a value for this parameter, then the operation uses the default value of 6."
const LENGTH_MIN_DEFAULT: i32 = 6;

pub(crate) async fn update_account_password_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateAccountPasswordPolicyRequest,
) -> Result<(), IamError> {
    authorize_account(call, "UpdateAccountPasswordPolicy")?;
    let mut account = quotas::account(call).await?;
    account.password_rules = Some(PasswordRules {
        length_min: request.minimum_password_length.unwrap_or(LENGTH_MIN_DEFAULT),
        symbols: request.require_symbols.unwrap_or(false),
        numbers: request.require_numbers.unwrap_or(false),
        uppercase: request.require_uppercase_characters.unwrap_or(false),
        lowercase: request.require_lowercase_characters.unwrap_or(false),
        kinds_min: 0,
        users_may_change: request.allow_users_to_change_password.unwrap_or(false),
        age_max: request.max_password_age,
        reuse_prevention: request.password_reuse_prevention,
        hard_expiry: request.hard_expiry,
    });
    quotas::put_account(call, &account)
}
