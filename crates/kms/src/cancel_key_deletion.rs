//! `CancelKeyDeletion`: the key stays, disabled.

use keywatch_api::kms::keys::{KeyRequest, KeyResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::key::Key;
use crate::rows;

pub(crate) async fn cancel_key_deletion(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: KeyRequest,
) -> Result<KeyResponse, KmsError> {
    let key = hold(call, &request.key_id, &Asked::plain("kms:CancelKeyDeletion")).await?;
    let key = rows::change(&mut call.tx, key, Key::cancel_deletion)?;
    Ok(KeyResponse { key_id: key.arn().to_string() })
}
