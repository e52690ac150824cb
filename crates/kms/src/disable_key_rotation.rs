//! `DisableKeyRotation`: no more automatic rotation; former material keeps decrypting.

use keywatch_api::kms::keys::KeyRequest;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::key::Key;
use crate::{family, rows};

pub(crate) async fn disable_key_rotation(
    call: &mut Call<'_>,
    kms: &Kms,
    request: KeyRequest,
) -> Result<(), KmsError> {
    let key = hold(call, &request.key_id, &Asked::plain("kms:DisableKeyRotation")).await?;
    let key = rows::change(&mut call.tx, key, Key::stop_rotation)?;
    family::synchronize(&mut call.tx, kms.keyring(), &key, call.now).await
}
