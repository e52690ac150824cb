//! `UntagResource`: removes tags from a key; keys that no tag has are ignored.

use keywatch_api::kms::tags::UntagResourceRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::lifecycle::Act;
use crate::notes::note_key_id;
use crate::{rows, tags};

pub(crate) async fn untag_resource(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: UntagResourceRequest,
) -> Result<(), KmsError> {
    let names = || request.tag_keys.iter().map(|key| key.0.as_str());
    let more = match request.tag_keys.is_empty() {
        true => KeyList::default(),
        false => KeyList::default().with("aws:TagKeys", Values::many(names())),
    };
    let key = hold(call, &request.key_id, &Asked::with("kms:UntagResource", &more)).await?;
    let key = rows::change(&mut call.tx, key, |mut key| {
        key.permit(Act::Change)?;
        for name in names() {
            tags::check_key(name)?;
            key.tags.remove(name);
        }
        Ok(key)
    })?;
    note_key_id(call, &key);
    Ok(())
}
