//! `RevokeGrant`: who rules the key ends a grant, whoever needs it.

use keywatch_api::kms::grants::RevokeGrantRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::ciphers::check_dry_run;
use crate::error::KmsError;
use crate::grants;

pub(crate) async fn revoke_grant(
    call: &mut Call<'_>,
    kms: &Kms,
    request: RevokeGrantRequest,
) -> Result<(), KmsError> {
    let for_service = call.origin.via_service.is_some();
    let more = KeyList::default().with("kms:GrantIsForAWSResource", Values::bool(for_service));
    let asked = Asked::with("kms:RevokeGrant", &more);
    let open = reach(call, kms, &request.key_id, Reach::Any, &asked).await?;
    let grant = grants::take(&mut call.tx, &open.key.row(), &request.grant_id).await?;
    let grant = grant.ok_or_else(|| grants::unknown(&request.grant_id))?;
    check_dry_run(request.dry_run)?;
    grants::remove(&mut call.tx, &grant).await
}
