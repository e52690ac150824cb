//! `GetKeyLastUsage`: the last successful cryptographic operation on a key of the caller's account, exact at once.

use keywatch_api::kms::keys::KeyRequest;
use keywatch_api::kms::last_usage::{GetKeyLastUsageResponse, KeyLastUsageData};
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, own_place, reach};
use crate::error::KmsError;
use crate::key_ref::{KeyPlace, KeyRef};
use crate::last_usage::{Usage, days_without};

pub(crate) async fn get_key_last_usage(
    call: &mut Call<'_>,
    kms: &Kms,
    request: KeyRequest,
) -> Result<GetKeyLastUsageResponse, KmsError> {
    let open = reach(call, kms, &request.key_id, Reach::Own, &Asked::plain("kms:GetKeyLastUsage")).await?;
    let usage = Box::pin(kms.usages().of(call.tx.store, &open.key)).await?;
    Ok(GetKeyLastUsageResponse {
        key_id: open.arn.clone(),
        key_last_usage: usage.map(shown).unwrap_or_default(),
        // Records go back to the key's first day.
        tracking_start_date: open.key.created.into(),
        key_creation_date: open.key.created.into(),
    })
}

fn shown(usage: Usage) -> KeyLastUsageData {
    KeyLastUsageData {
        operation: Some(usage.operation),
        timestamp: Some(usage.at.into()),
        cloud_trail_event_id: Some(usage.event_id),
        kms_request_id: Some(usage.request_id),
    }
}

/// `kms:TrailingDaysWithoutKeyUsage` of the key a request names; nothing for a key that is not there.
pub(crate) async fn unused_days(
    call: &Call<'_>,
    kms: &Kms,
    key_id: &str,
) -> Result<KeyList<'static>, KmsError> {
    let place: KeyPlace = match KeyRef::parse(key_id, &call.region) {
        Ok(KeyRef::Id(name)) => own_place(call, name),
        Ok(KeyRef::Arn(place)) => place,
        Ok(KeyRef::Alias(_) | KeyRef::AliasArn { .. }) | Err(_) => return Ok(KeyList::default()),
    };
    let Some(open) = kms.open().get(call.tx.store, kms.keyring(), &place).await? else {
        return Ok(KeyList::default());
    };
    let usage = Box::pin(kms.usages().of(call.tx.store, &open.key)).await?;
    let days = days_without(usage.map(|usage| usage.at), open.key.created, call.now);
    Ok(KeyList::default().with("kms:TrailingDaysWithoutKeyUsage", Values::one(days.to_string())))
}

#[cfg(test)]
mod tests;
