//! `ListAccountAliases`: the name of the account, if it has one.

use keywatch_api::iam::account::{ListAccountAliasesResponse, PageOnlyRequest};

use super::authorize::authorize_account;
use super::page::PageRequest;
use super::{Iam, IamError, quotas};
use crate::Call;

pub(crate) async fn list_account_aliases(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PageOnlyRequest,
) -> Result<ListAccountAliasesResponse, IamError> {
    authorize_account(call, "ListAccountAliases")?;
    let wanted =
        PageRequest::new("ListAccountAliases".to_owned(), request.marker.as_deref(), request.max_items)?;
    let account = quotas::account(call).await?;
    let page = wanted.of(account.alias.map(|alias| (alias.clone(), alias)));
    Ok(ListAccountAliasesResponse {
        account_aliases: page.items,
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
