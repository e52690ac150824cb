//! `ListRetirableGrants`: the grants of this Region, on keys of any account, that a principal of the caller's account may retire.

use keywatch_api::Arn;
use keywatch_api::kms::grants::{ListGrantsResponse, ListRetirableGrantsRequest};
use keywatch_iam::policy::NoKeys;
use keywatch_iam::{AccessDenied, Call};

use crate::Kms;
use crate::access::authorize_own;
use crate::error::KmsError;
use crate::grants::{self, GRANTS_RETIRABLE};
use crate::list_grants::answer;
use crate::paging::{Page, Paged};

const ACTION: &str = "kms:ListRetirableGrants";
/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 50;

pub(crate) async fn list_retirable_grants(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: ListRetirableGrantsRequest,
) -> Result<ListGrantsResponse, KmsError> {
    authorize_own(call, ACTION, "*", &NoKeys)?;
    let retiring = match (&request.retiring_principal, &request.retiring_service_principal) {
        (Some(arn), None) => own_principal(call, arn)?,
        (None, Some(name)) => name,
        (None, None) => return Err(KmsError::missing("retiringPrincipal")),
        (Some(_), Some(_)) => {
            return Err(KmsError::Validation(
                "RetiringPrincipal and RetiringServicePrincipal exclude each other.".to_owned(),
            ));
        }
    };
    let list = format!("ListRetirableGrants {retiring}");
    let page = Page::read(call, &list, request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let prefix = grants::retiring_prefix(call.region.as_str(), retiring);
    let after = page.after.as_ref().map(|row| format!("{prefix}{row}"));
    let found =
        grants::list(call.tx.store, GRANTS_RETIRABLE, &prefix, after.as_deref(), page.fetch()).await?;
    let paged = page.cut(found, |(_, grant)| grant.row());
    // A service retires for many accounts, and each sees its own.
    let by_service = request.retiring_service_principal.is_some();
    let visible = |grant: &grants::Grant| !by_service || grant.issuer == *call.account();
    let items = paged.items.into_iter().map(|(_, grant)| grant).filter(visible).collect();
    Ok(answer(Paged { items, next_marker: paged.next_marker }))
}

/// "You can specify any principal in your AWS account."
fn own_principal<'r>(call: &Call<'_>, text: &'r str) -> Result<&'r str, KmsError> {
    let invalid = || KmsError::InvalidArn(format!("ARN does not refer to a valid principal: {text}"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    if arn.account == call.account().as_str() {
        return Ok(text);
    }
    Err(KmsError::AccessDenied(AccessDenied(format!(
        "User: {} is not authorized to perform: {ACTION} on resource: {text}",
        call.caller.arn
    ))))
}
