//! `EnableKeyRotation`: new material every so many days, the first time that many days from now.

use keywatch_api::kms::rotation::EnableKeyRotationRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::materials::ROTATION_PERIOD_DAYS_DEFAULT;
use crate::notes::note_key_id;
use crate::{family, rows};

pub(crate) async fn enable_key_rotation(
    call: &mut Call<'_>,
    kms: &Kms,
    request: EnableKeyRotationRequest,
) -> Result<(), KmsError> {
    let period_days = request.rotation_period_in_days.unwrap_or(ROTATION_PERIOD_DAYS_DEFAULT);
    let more = KeyList::default().with("kms:RotationPeriodInDays", Values::one(period_days.to_string()));
    let key = hold(call, &request.key_id, &Asked::with("kms:EnableKeyRotation", &more)).await?;
    let now = call.now;
    let key = rows::change(&mut call.tx, key, |key| key.rotate_every(period_days, now))?;
    family::synchronize(&mut call.tx, kms.keyring(), &key, now).await?;
    note_key_id(call, &key);
    Ok(())
}
