//! `UpdateAlias`: an alias names another key. Needs `kms:UpdateAlias` on the alias, by the caller's own policies, and on both
//! keys; the one it leaves may pend its deletion.

use keywatch_api::Arn;
use keywatch_api::kms::aliases::AliasTargetRequest;
use keywatch_api::kms::sets::KeySpec;
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;

use crate::Kms;
use crate::access::{Asked, authorize_own, hold, hold_at, own_place};
use crate::aliases::{self, ALIASES, Alias, check_name};
use crate::error::KmsError;
use crate::key::Key;
use crate::lifecycle::Act;
use crate::notes::note_key_id;
use crate::open_key::KEY_RESOURCE;
use crate::rows;

const ACTION: &str = "kms:UpdateAlias";

pub(crate) async fn update_alias(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: AliasTargetRequest,
) -> Result<(), KmsError> {
    let name = request.alias_name;
    check_name(&name)?;
    let alias_arn = Arn::kms_alias(&call.region, call.account(), &name);
    authorize_own(call, ACTION, &alias_arn.to_string(), &NoKeys)?;
    let row = aliases::row(call.account(), &call.region, &name);
    let Some(alias) = call.tx.get::<Alias>(ALIASES, &row).await? else {
        return Err(KmsError::NotFound(format!("Alias {alias_arn} is not found.")));
    };
    let from = held_by_alias(call, &alias, ACTION).await?;
    let to = hold(call, &request.target_key_id, &Asked::plain(ACTION)).await?;
    call.notes.resource(&alias_arn, KEY_RESOURCE);

    let moved = Alias { target: to.id.clone(), updated: call.now, ..alias };
    let key = if from.id == to.id {
        to.permit(Act::Change)?;
        call.tx.require_unchanged(crate::key::KEYS, &to.row());
        to
    } else {
        let to = rows::change(&mut call.tx, to, |key| key.named(name.clone()))?;
        check_alike(&from, &to)?;
        rows::change(&mut call.tx, from, |key| Ok(key.unnamed(&name)))?;
        to
    };
    call.tx.put(ALIASES, &row, &moved)?;
    note_key_id(call, &key);
    Ok(())
}

/// What is encrypted or signed under an alias must not change its nature: both keys are symmetric, asymmetric or HMAC keys, of one
/// usage. Usages tell these apart but for encryption. Source: KMS API reference, "UpdateAlias"; the text is ours.
fn check_alike(from: &Key, to: &Key) -> Result<(), KmsError> {
    let is_symmetric = |key: &Key| key.spec == KeySpec::SymmetricDefault;
    if from.usage == to.usage && is_symmetric(from) == is_symmetric(to) {
        return Ok(());
    }
    Err(KmsError::Validation(format!(
        "The current key {} and the new key {} of an alias must have the same key type and key usage.",
        from.arn(),
        to.arn()
    )))
}

/// The key an alias names now, after asking the policies.
pub(crate) async fn held_by_alias(
    call: &mut Call<'_>,
    alias: &Alias,
    action: &'static str,
) -> Result<Key, KmsError> {
    let name = alias.target.parse().map_err(|error| KmsError::internal(&error))?;
    let place = own_place(call, name);
    hold_at(call, &place, &Asked::plain(action)).await
}
