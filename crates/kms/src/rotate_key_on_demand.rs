//! `RotateKeyOnDemand`: the next material becomes current now; automatic rotation keeps its plan.

use keywatch_api::kms::keys::{KeyRequest, KeyResponse};
use keywatch_api::kms::sets::{Origin, RotationType};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::due::rotate_key::{append_rotation, fresh_material};
use crate::error::KmsError;
use crate::{family, rows};

pub(crate) async fn rotate_key_on_demand(
    call: &mut Call<'_>,
    kms: &Kms,
    request: KeyRequest,
) -> Result<KeyResponse, KmsError> {
    let key = hold(call, &request.key_id, &Asked::plain("kms:RotateKeyOnDemand")).await?;
    key.check_on_demand(call.now)?;
    if family::is_import_awaited(call.tx.store, &key).await? {
        return Err(key.nothing_pending());
    }
    let fresh = match key.origin {
        Origin::External => None,
        _ => Some(fresh_material(kms, &key)?),
    };
    let now = call.now;
    let mut rotation = None;
    let key = rows::change(&mut call.tx, key, |key| {
        let (key, done) = key.rotate_on_demand(fresh, now)?;
        rotation = Some(done);
        Ok(key)
    })?;
    if let Some(rotation) = rotation {
        append_rotation(&mut call.tx, &key, &rotation, RotationType::OnDemand, now);
    }
    family::synchronize(&mut call.tx, kms.keyring(), &key, now).await?;
    Ok(KeyResponse { key_id: key.arn().to_string() })
}

#[cfg(test)]
mod tests;
