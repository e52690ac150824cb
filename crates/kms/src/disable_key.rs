//! `DisableKey`: a key that nobody can use until it is enabled again.

use keywatch_api::kms::keys::KeyRequest;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::get_key_last_usage::unused_days;
use crate::key::Key;
use crate::notes::note_key_id;
use crate::rows;

pub(crate) async fn disable_key(call: &mut Call<'_>, kms: &Kms, request: KeyRequest) -> Result<(), KmsError> {
    let more = unused_days(call, kms, &request.key_id).await?;
    let key = hold(call, &request.key_id, &Asked::with("kms:DisableKey", &more)).await?;
    let key = rows::change(&mut call.tx, key, Key::disable)?;
    note_key_id(call, &key);
    Ok(())
}
