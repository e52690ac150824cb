//! `DeleteImportedKeyMaterial`: the material goes now; the key waits for it to come back.

use keywatch_api::kms::import::{DeleteImportedKeyMaterialRequest, KeyMaterialResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::{family, rows};

pub(crate) async fn delete_imported_key_material(
    call: &mut Call<'_>,
    kms: &Kms,
    request: DeleteImportedKeyMaterialRequest,
) -> Result<KeyMaterialResponse, KmsError> {
    let key = hold(call, &request.key_id, &Asked::plain("kms:DeleteImportedKeyMaterial")).await?;
    let mut gone = None;
    let key = rows::change(&mut call.tx, key, |key| {
        let (key, id) = key.delete_material(request.key_material_id.as_deref())?;
        gone = id;
        Ok(key)
    })?;
    family::synchronize(&mut call.tx, kms.keyring(), &key, call.now).await?;
    let gone = gone.filter(|_| key.is_symmetric());
    Ok(KeyMaterialResponse { key_id: key.arn().to_string(), key_material_id: gone })
}
