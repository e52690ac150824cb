//! `DeleteAlias`: the name goes, the key stays.

use keywatch_api::Arn;
use keywatch_api::kms::aliases::DeleteAliasRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;

use crate::Kms;
use crate::access::authorize_own;
use crate::aliases::{self, ALIASES, Alias, check_name};
use crate::error::KmsError;
use crate::notes::note_key_id;
use crate::open_key::KEY_RESOURCE;
use crate::rows;
use crate::update_alias::held_by_alias;

const ACTION: &str = "kms:DeleteAlias";

pub(crate) async fn delete_alias(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: DeleteAliasRequest,
) -> Result<(), KmsError> {
    let name = request.alias_name;
    check_name(&name)?;
    let alias_arn = Arn::kms_alias(&call.region, call.account(), &name);
    authorize_own(call, ACTION, &alias_arn.to_string(), &NoKeys)?;
    let row = aliases::row(call.account(), &call.region, &name);
    let Some(alias) = call.tx.get::<Alias>(ALIASES, &row).await? else {
        return Err(KmsError::NotFound(format!("Alias {alias_arn} is not found.")));
    };
    let key = held_by_alias(call, &alias, ACTION).await?;
    call.notes.resource(&alias_arn, KEY_RESOURCE);
    let key = rows::change(&mut call.tx, key, |key| Ok(key.unnamed(&name)))?;
    call.tx.delete(ALIASES, &row);
    note_key_id(call, &key);
    Ok(())
}
