//! The key a question is about, which need not be kept here.

use keywatch_api::{AccountId, Arn, Region};
use keywatch_iam::Call;

use super::EvidenceError;
use crate::Kms;
use crate::error::KmsError;
use crate::key::{KEYS, Key};
use crate::key_ref::invalid_id;

/// A key by name.
pub(super) struct Named {
    pub(super) arn: String,
    pub(super) region: String,
    /// The key itself, when it is one of the caller's account and kept here.
    pub(super) key: Option<Key>,
}

/// Finds what `text` names: an id or an alias in the caller's account and Region, or an ARN of any account and Region.
pub(super) async fn named(call: &mut Call<'_>, kms: &Kms, text: &str) -> Result<Named, EvidenceError> {
    let (account, region) = (call.account().clone(), call.region.clone());
    let (account, region, resource) = if Arn::is_arn(text) {
        arn_parts(text)?
    } else if text.starts_with("alias/") {
        (account, region, text.to_owned())
    } else {
        (account, region, format!("key/{text}"))
    };
    let id = match resource.strip_prefix("key/") {
        Some(id) => id.to_owned(),
        None => {
            let target = kms.open().alias_target(call.tx.store, &account, &region, &resource).await?;
            let absent = || {
                KmsError::NotFound(format!(
                    "Alias {} is not found.",
                    Arn::kms_alias(&region, &account, &resource)
                ))
            };
            target.ok_or_else(absent)?.to_string()
        }
    };
    let key = if account == *call.account() {
        call.tx.get::<Key>(KEYS, &format!("{account}/{region}/{id}")).await?
    } else {
        None
    };
    Ok(Named { arn: Arn::kms_key(&region, &account, &id).to_string(), region: region.to_string(), key })
}

fn arn_parts(text: &str) -> Result<(AccountId, Region, String), KmsError> {
    let invalid = || KmsError::NotFound(format!("Invalid arn {text}"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let known = arn.resource.starts_with("key/") || arn.resource.starts_with("alias/");
    if arn.service != "kms" || arn.partition != "aws" || !known {
        return Err(invalid_id(text));
    }
    let account = arn.account.parse().map_err(|_| invalid())?;
    Ok((account, arn.region.parse().map_err(|_| invalid())?, arn.resource))
}
