//! `ListGrants`: the grants of a key, of one grantee or of one id among them.

use keywatch_api::kms::grants::{GrantListEntry, ListGrantsRequest, ListGrantsResponse};
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::grants::{self, GRANTS, GRANTS_TO, Grant};
use crate::paging::{Page, Paged};

/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 50;

pub(crate) async fn list_grants(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ListGrantsRequest,
) -> Result<ListGrantsResponse, KmsError> {
    let for_service = call.origin.via_service.is_some();
    let more = KeyList::default().with("kms:GrantIsForAWSResource", Values::bool(for_service));
    let asked = Asked::with("kms:ListGrants", &more);
    let open = reach(call, kms, &request.key_id, Reach::Any, &asked).await?;
    let grantee = match (&request.grantee_principal, &request.grantee_service_principal) {
        (Some(_), Some(_)) => {
            return Err(KmsError::Validation(
                "GranteePrincipal and GranteeServicePrincipal exclude each other.".to_owned(),
            ));
        }
        (one, other) => one.as_deref().or(other.as_deref()),
    };
    let key_row = open.key.row();
    let grant_id = request.grant_id.as_deref();
    if let Some(id) = grant_id {
        let grant = grants::take(&mut call.tx, &key_row, id).await?;
        let grant = grant.filter(|grant| grantee.is_none_or(|name| grant.terms.grantee.name() == name));
        return Ok(answer(Paged { items: grant.into_iter().collect(), next_marker: None }));
    }
    let list = format!("ListGrants {} {}", open.arn, grantee.unwrap_or_default());
    let page = Page::read(call, &list, request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let (index, prefix) = match grantee {
        Some(name) => (GRANTS_TO, grants::grantee_prefix(&key_row, name)),
        None => (GRANTS, grants::key_prefix(&key_row)),
    };
    let after = page.after.as_ref().map(|id| format!("{prefix}{id}"));
    let found = grants::list(call.tx.store, index, &prefix, after.as_deref(), page.fetch()).await?;
    let found = found.into_iter().map(|(_, grant)| grant).collect();
    Ok(answer(page.cut(found, |grant: &Grant| grant.id.clone())))
}

pub(crate) fn answer(paged: Paged<Grant>) -> ListGrantsResponse {
    let entries: Vec<GrantListEntry> = paged.items.into_iter().map(Grant::entry).collect();
    ListGrantsResponse {
        truncated: paged.next_marker.is_some(),
        next_marker: paged.next_marker,
        grants: entries,
    }
}
