//! `UpdateKeyDescription`

use keywatch_api::kms::keys::UpdateKeyDescriptionRequest;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::key::Key;
use crate::lifecycle::Act;
use crate::rows;

pub(crate) async fn update_key_description(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: UpdateKeyDescriptionRequest,
) -> Result<(), KmsError> {
    let key = hold(call, &request.key_id, &Asked::plain("kms:UpdateKeyDescription")).await?;
    rows::change(&mut call.tx, key, |key| {
        key.permit(Act::Change)?;
        Ok(Key { description: request.description, ..key })
    })?;
    Ok(())
}
