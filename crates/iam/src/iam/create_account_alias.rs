//! `CreateAccountAlias`: names the account; another alias it has is replaced.

use keywatch_api::iam::account::AccountAliasRequest;

use super::authorize::authorize_account;
use super::{Iam, IamError, quotas};
use crate::Call;
use crate::identity::{ACCOUNT_ALIAS, AliasRecord};

pub(crate) async fn create_account_alias(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: AccountAliasRequest,
) -> Result<(), IamError> {
    authorize_account(call, "CreateAccountAlias")?;
    let alias = request.account_alias;
    let mut account = quotas::account(call).await?;
    if account.alias.as_deref() == Some(alias.as_str()) {
        return Ok(());
    }
    if call.tx.get::<AliasRecord>(ACCOUNT_ALIAS, &alias).await?.is_some() {
        return Err(IamError::EntityAlreadyExists(format!("The account alias {alias} already exists.")));
    }
    call.tx.insert(ACCOUNT_ALIAS, &alias, &AliasRecord { account: call.caller.account.to_string() })?;
    if let Some(before) = account.alias.replace(alias) {
        call.tx.delete(ACCOUNT_ALIAS, &before);
    }
    quotas::put_account(call, &account)
}
