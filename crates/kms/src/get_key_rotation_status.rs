//! `GetKeyRotationStatus`: whether and when a key is rotated automatically. Of keys that are not symmetric it says that they are not: AWS's
//! guide allows for an error there, but AWS's provider for Terraform asks about keys of every spec and takes an error for a failure.

use keywatch_api::kms::keys::KeyRequest;
use keywatch_api::kms::rotation::GetKeyRotationStatusResponse;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::lifecycle::Act;

pub(crate) async fn get_key_rotation_status(
    call: &mut Call<'_>,
    kms: &Kms,
    request: KeyRequest,
) -> Result<GetKeyRotationStatusResponse, KmsError> {
    let asked = Asked::plain("kms:GetKeyRotationStatus");
    let open = reach(call, kms, &request.key_id, Reach::Any, &asked).await?;
    let key = &open.key;
    key.permit(Act::ReadRotationStatus)?;
    // While a key pends its deletion its rotation reads as off; cancelling brings it back.
    let rotation = key.rotation.filter(|_| !key.state.is_pending_deletion());
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: rotation.is_some(),
        key_id: open.arn.clone(),
        rotation_period_in_days: rotation.map(|rotation| rotation.period_days),
        next_rotation_date: rotation.map(|rotation| rotation.next.into()),
    })
}
