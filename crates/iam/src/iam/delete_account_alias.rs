//! `DeleteAccountAlias`: takes the name of the account away.

use keywatch_api::iam::account::AccountAliasRequest;

use super::authorize::authorize_account;
use super::{Iam, IamError, quotas};
use crate::Call;
use crate::identity::ACCOUNT_ALIAS;

pub(crate) async fn delete_account_alias(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: AccountAliasRequest,
) -> Result<(), IamError> {
    authorize_account(call, "DeleteAccountAlias")?;
    let mut account = quotas::account(call).await?;
    match account.alias.take() {
        Some(alias) if alias == request.account_alias => {
            call.tx.delete(ACCOUNT_ALIAS, &alias);
            quotas::put_account(call, &account)
        }
        _ => Err(IamError::NoSuchEntity(format!(
            "The account alias with name {} cannot be found.",
            request.account_alias
        ))),
    }
}
