//! `ListKeyRotations`: a key's rotations in order of their time, or all of its materials.

use keywatch_api::kms::rotation::{ListKeyRotationsRequest, ListKeyRotationsResponse, RotationsListEntry};
use keywatch_api::kms::sets::{ExpirationModel, ImportState, IncludeKeyMaterial, KeyMaterialState, Origin};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::family;
use crate::key::{Key, Material, Standing};
use crate::paging::Page;

/// `Limit` when none is given.
const LIMIT_DEFAULT: usize = 100;

pub(crate) async fn list_key_rotations(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, KmsError> {
    let asked = Asked::plain("kms:ListKeyRotations");
    let open = reach(call, kms, &request.key_id, Reach::Own, &asked).await?;
    if !open.key.is_symmetric() {
        return Err(KmsError::Unsupported(String::new()));
    }
    let include = request.include_key_material.0;
    let list = format!("ListKeyRotations {} {include}", open.arn);
    let page = Page::read(call, &list, request.limit, LIMIT_DEFAULT, request.marker.as_deref())?;
    let listed =
        |material: &&Material| include == IncludeKeyMaterial::AllKeyMaterial || material.rotated.is_some();
    let materials = open.key.materials.iter().filter(listed);
    let items: Vec<&Material> = match &page.after {
        // Materials are kept in the order in which they came, and none but a pending one ever leaves.
        Some(after) => {
            materials.skip_while(|material| material.id != *after).skip(1).take(page.fetch()).collect()
        }
        None => materials.take(page.fetch()).collect(),
    };
    let awaited = family::is_import_awaited(call.tx.store, &open.key).await?;
    let paged = page.cut(items, |material| material.id.clone());
    Ok(ListKeyRotationsResponse {
        truncated: paged.next_marker.is_some(),
        next_marker: paged.next_marker,
        rotations: paged
            .items
            .into_iter()
            .map(|material| entry(&open.key, &open.arn, material, awaited))
            .collect(),
    })
}

fn entry(key: &Key, arn: &str, material: &Material, awaited: bool) -> RotationsListEntry {
    let external = key.origin == Origin::External;
    let imported = if material.sealed.is_some() { ImportState::Imported } else { ImportState::PendingImport };
    let model = match material.expiry() {
        Some(_) => ExpirationModel::Expires,
        None => ExpirationModel::DoesNotExpire,
    };
    RotationsListEntry {
        key_id: arn.to_owned(),
        key_material_id: material.id.clone(),
        key_material_description: material
            .imported
            .as_ref()
            .and_then(|imported| imported.description.clone()),
        import_state: external.then_some(imported),
        key_material_state: match material.standing {
            Standing::Current => KeyMaterialState::Current,
            Standing::NonCurrent => KeyMaterialState::NonCurrent,
            Standing::PendingRotation if awaited => KeyMaterialState::PendingMultiRegionImportAndRotation,
            Standing::PendingRotation => KeyMaterialState::PendingRotation,
        },
        expiration_model: (external && material.sealed.is_some()).then_some(model),
        valid_to: material.expiry().map(Into::into),
        rotation_date: material.rotated.map(|rotated| rotated.at.into()),
        rotation_type: material.rotated.map(|rotated| rotated.kind),
    }
}
