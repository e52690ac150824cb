//! `CreateAlias`: another name for a key. Needs `kms:CreateAlias` on the alias, by the caller's own policies, and on the key.

use keywatch_api::Arn;
use keywatch_api::kms::aliases::AliasTargetRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::NoKeys;

use crate::Kms;
use crate::access::{Asked, authorize_own, hold};
use crate::aliases::{self, ALIASES, ALIASES_PER_KEY_MAX, Alias, check_name, is_reserved};
use crate::error::KmsError;
use crate::key::Key;
use crate::lifecycle::Act;
use crate::notes::note_key_id;
use crate::open_key::KEY_RESOURCE;
use crate::rows;

const ACTION: &str = "kms:CreateAlias";

pub(crate) async fn create_alias(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: AliasTargetRequest,
) -> Result<(), KmsError> {
    let name = request.alias_name;
    check_name(&name)?;
    if is_reserved(&name) {
        return Err(KmsError::InvalidAliasName("Aliases that begin with alias/aws/ are reserved for AWS."));
    }
    let alias_arn = Arn::kms_alias(&call.region, call.account(), &name);
    authorize_own(call, ACTION, &alias_arn.to_string(), &NoKeys)?;
    let key = hold(call, &request.target_key_id, &Asked::plain(ACTION)).await?;
    call.notes.resource(&alias_arn, KEY_RESOURCE);

    let row = aliases::row(call.account(), &call.region, &name);
    if call.tx.get::<Alias>(ALIASES, &row).await?.is_some() {
        return Err(KmsError::AlreadyExists(format!("An alias with the name {alias_arn} already exists")));
    }
    let alias = Alias { target: key.id.clone(), created: call.now, updated: call.now };
    call.tx.insert(ALIASES, &row, &alias)?;
    let key = rows::change(&mut call.tx, key, |key| key.named(name))?;
    note_key_id(call, &key);
    Ok(())
}

impl Key {
    /// The key with one more alias.
    pub(crate) fn named(self, name: String) -> Result<Self, KmsError> {
        self.permit(Act::Change)?;
        if self.aliases.len() >= ALIASES_PER_KEY_MAX {
            return Err(KmsError::LimitExceeded(format!(
                "The key {} already has {ALIASES_PER_KEY_MAX} aliases.",
                self.arn()
            )));
        }
        let mut key = self;
        key.aliases.insert(name);
        Ok(key)
    }

    /// The key without an alias.
    pub(crate) fn unnamed(self, name: &str) -> Self {
        let mut key = self;
        key.aliases.remove(name);
        key
    }
}

#[cfg(test)]
mod tests;
