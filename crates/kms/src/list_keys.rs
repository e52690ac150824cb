//! `ListKeys`: the keys of the caller's account and Region, in order of their ids.

use keywatch_api::Arn;
use keywatch_api::kms::keys::{KeyListEntry, ListKeysRequest, ListKeysResponse};
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;
use keywatch_store::Scan;

use crate::Kms;
use crate::access::authorize_own;
use crate::error::KmsError;
use crate::key::KEYS;
use crate::paging::Page;

/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 100;

pub(crate) async fn list_keys(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, KmsError> {
    authorize_own(call, "kms:ListKeys", "*", &NoKeys)?;
    let page = Page::read(call, "ListKeys", request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let prefix = format!("{}/", call.partition());
    let after = page.after.as_ref().map(|id| format!("{prefix}{id}"));
    let scan = Scan { prefix: &prefix, after: after.as_deref(), limit: page.fetch() };
    // Only the rows' names are of interest, so nothing is decoded.
    let rows = call.tx.store.scan(KEYS, scan).await?;
    let ids = rows.iter().filter_map(|row| row.key.strip_prefix(&prefix)).map(str::to_owned).collect();
    let paged = page.cut(ids, |id: &String| id.clone());
    let entry = |id: String| {
        let key_arn = Arn::kms_key(&call.region, call.account(), &id).to_string();
        KeyListEntry { key_id: id, key_arn }
    };
    Ok(ListKeysResponse {
        truncated: paged.next_marker.is_some(),
        next_marker: paged.next_marker,
        keys: paged.items.into_iter().map(entry).collect(),
    })
}

#[cfg(test)]
mod tests;
