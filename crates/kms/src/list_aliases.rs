//! `ListAliases`: of the account and Region, predefined ones included, or of one key; in order of their names.

use std::collections::BTreeMap;

use keywatch_api::Arn;
use keywatch_api::kms::aliases::{AliasListEntry, ListAliasesRequest, ListAliasesResponse};
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;
use keywatch_store::{Scan, decode};

use crate::Kms;
use crate::access::authorize_own;
use crate::aliases::{self, ALIASES, Alias, PREDEFINED};
use crate::error::KmsError;
use crate::key_ref::{KeyRef, invalid_id};
use crate::paging::Page;

/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 50;

pub(crate) async fn list_aliases(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ListAliasesRequest,
) -> Result<ListAliasesResponse, KmsError> {
    authorize_own(call, "kms:ListAliases", "*", &NoKeys)?;
    let list = format!("ListAliases {}", request.key_id.as_deref().unwrap_or_default());
    let page = Page::read(call, &list, request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let entries = match &request.key_id {
        Some(key_id) => of_key(call, kms, key_id, &page).await?,
        None => of_account(call, &page).await?,
    };
    let paged = page.cut(entries, |entry| entry.alias_name.clone());
    Ok(ListAliasesResponse {
        truncated: paged.next_marker.is_some(),
        next_marker: paged.next_marker,
        aliases: paged.items,
    })
}

async fn of_account(call: &Call<'_>, page: &Page) -> Result<Vec<AliasListEntry>, KmsError> {
    let prefix = format!("{}/", call.partition());
    let after = page.after.as_ref().map(|name| format!("{prefix}{name}"));
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: page.fetch() };
    let mut named: BTreeMap<String, Option<Alias>> = BTreeMap::new();
    for name in PREDEFINED {
        if page.after.as_deref().is_none_or(|after| *name > after) {
            named.insert((*name).to_owned(), None);
        }
    }
    for row in call.tx.store.scan(ALIASES, scan).await? {
        if let Some(name) = row.key.strip_prefix(&prefix) {
            named.insert(name.to_owned(), Some(decode(&row.bytes)?));
        }
    }
    Ok(named.into_iter().take(page.fetch()).map(|(name, alias)| entry(call, name, alias)).collect())
}

async fn of_key(
    call: &Call<'_>,
    kms: &Kms,
    key_id: &str,
    page: &Page,
) -> Result<Vec<AliasListEntry>, KmsError> {
    let place = match KeyRef::parse(key_id, &call.region)? {
        KeyRef::Id(name) => crate::access::own_place(call, name),
        KeyRef::Arn(place) if place.account == *call.account() => place,
        KeyRef::Arn(_) | KeyRef::Alias(_) | KeyRef::AliasArn { .. } => return Err(invalid_id(key_id)),
    };
    let open = kms.open().get(call.tx.store, kms.keyring(), &place).await?;
    let open = open.ok_or_else(|| KmsError::NotFound(format!("Key '{}' does not exist", place.arn())))?;
    let mut entries = Vec::new();
    let later = |name: &&String| page.after.as_deref().is_none_or(|after| name.as_str() > after);
    for name in open.key.aliases.iter().filter(later).take(page.fetch()) {
        let row = aliases::row(call.account(), &call.region, name);
        if let Some(row) = call.tx.store.get(ALIASES, &row).await? {
            entries.push(entry(call, name.clone(), Some(decode(&row.bytes)?)));
        }
    }
    Ok(entries)
}

fn entry(call: &Call<'_>, name: String, alias: Option<Alias>) -> AliasListEntry {
    AliasListEntry {
        alias_arn: Arn::kms_alias(&call.region, call.account(), &name).to_string(),
        alias_name: name,
        creation_date: alias.as_ref().map(|alias| alias.created.into()),
        last_updated_date: alias.as_ref().map(|alias| alias.updated.into()),
        target_key_id: alias.map(|alias| alias.target),
    }
}
