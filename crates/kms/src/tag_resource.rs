//! `TagResource`: adds tags to a key, over those of the same keys.

use keywatch_api::kms::tags::TagResourceRequest;
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::conditions::TagKeys;
use crate::error::KmsError;
use crate::key::Key;
use crate::lifecycle::Act;
use crate::notes::note_key_id;
use crate::{rows, tags};

pub(crate) async fn tag_resource(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: TagResourceRequest,
) -> Result<(), KmsError> {
    let more = TagKeys(&request.tags);
    let key = hold(call, &request.key_id, &Asked::with("kms:TagResource", &more)).await?;
    let key = rows::change(&mut call.tx, key, |mut key| {
        key.permit(Act::Change)?;
        let tags = tags::merged(std::mem::take(&mut key.tags), &request.tags)?;
        Ok(Key { tags, ..key })
    })?;
    note_key_id(call, &key);
    Ok(())
}

#[cfg(test)]
mod tests;
