//! `PutKeyPolicy`: a key's new policy, unless it would lock the caller out.

use keywatch_api::kms::policies::PutKeyPolicyRequest;
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, hold};
use crate::error::KmsError;
use crate::key::Key;
use crate::key_policy::{POLICY_NAME, RAM_POLICY_NAME, accepted, check_not_locked_out};
use crate::rows;

pub(crate) async fn put_key_policy(
    call: &mut Call<'_>,
    _kms: &Kms,
    request: PutKeyPolicyRequest,
) -> Result<(), KmsError> {
    let name = request.policy_name.0.0;
    let bypass = request.bypass_policy_lockout_safety_check.0;
    let more = KeyList::default()
        .with("kms:PolicyName", Values::one(name.clone()))
        .with("kms:BypassPolicyLockoutSafetyCheck", Values::bool(bypass));
    let key = hold(call, &request.key_id, &Asked::with("kms:PutKeyPolicy", &more)).await?;
    match name.as_str() {
        POLICY_NAME => {}
        RAM_POLICY_NAME => {
            return Err(KmsError::Validation(
                "The AWS_RAM policy can only be managed by the RAM service".to_owned(),
            ));
        }
        _ => return Err(KmsError::NotFound("No such policy exists".to_owned())),
    }
    let policy = accepted(call, &request.policy).await?;
    if !bypass {
        check_not_locked_out(call, &key, &policy, &more)?;
    }
    rows::change(&mut call.tx, key, |key| Ok(Key { policy: request.policy, ..key }))?;
    // Unlike others of its kind this record shows no key id.
    call.notes.set_response(None);
    Ok(())
}

#[cfg(test)]
mod tests;
