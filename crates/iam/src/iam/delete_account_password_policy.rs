//! `DeleteAccountPasswordPolicy`: returns to the default rules for passwords.

use keywatch_api::iam::account::EmptyRequest;

use super::authorize::authorize_account;
use super::{Iam, IamError, passwords, quotas};
use crate::Call;

pub(crate) async fn delete_account_password_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    _request: EmptyRequest,
) -> Result<(), IamError> {
    authorize_account(call, "DeleteAccountPasswordPolicy")?;
    let mut account = quotas::account(call).await?;
    account.password_rules.take().ok_or_else(|| passwords::no_policy(call))?;
    quotas::put_account(call, &account)
}
