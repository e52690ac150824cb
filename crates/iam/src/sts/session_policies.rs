//! What limits and marks a session: policies given as text or by ARN, and tags.

use keywatch_api::AccountId;
use keywatch_api::iam::Tag;
use keywatch_api::sts::PolicyDescriptor;

use super::StsError;
use crate::Call;
use crate::identity::{TagError, check_keys, managed_exists};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::session::Session;

/// "You can provide up to 10 managed policy ARNs." (STS API reference)
const ARNS_MAX: usize = 10;

/// Texts and ARNs of a session's policies; those named by ARN must be AWS's or the account's own.
pub(super) async fn read(
    call: &mut Call<'_>,
    account: &AccountId,
    text: Option<&str>,
    arns: Option<&[PolicyDescriptor]>,
) -> Result<(Vec<String>, Vec<String>), StsError> {
    let arns: Vec<String> = arns.unwrap_or_default().iter().filter_map(|policy| policy.arn.clone()).collect();
    if arns.len() > ARNS_MAX {
        let text = format!("A session can have up to {ARNS_MAX} managed policies.");
        return Err(StsError::Validation(text));
    }
    for arn in &arns {
        if !managed_exists(&mut call.tx, account, arn).await? {
            let text = format!("Policy ARN {arn} does not exist or is not attachable.");
            return Err(StsError::MalformedPolicyDocument(text));
        }
    }
    if let Some(text) = text {
        PolicyDocument::parse(PolicyKind::Identity, text)?;
    }
    Ok((text.map(str::to_owned).into_iter().collect(), arns))
}

/// Percent of the room that policies and tags take; more than all of it is refused.
pub(super) fn packed_size(session: &Session) -> Result<Option<i32>, StsError> {
    let packed = session.packed_percent();
    if let Some(percent) = packed.filter(|percent| *percent > 100) {
        let text =
            format!("Packed size of session policy and tags consumes {percent}% of the allotted space.");
        return Err(StsError::PackedPolicyTooLarge(text));
    }
    Ok(packed.and_then(|percent| i32::try_from(percent).ok()))
}

/// Recorded: the text about duplicates.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), StsError> {
    check_keys(tags).map_err(|error| match error {
        TagError::Reserved => {
            StsError::InvalidParameterValue("System tags cannot be added by the requester.")
        }
        TagError::Duplicate | TagError::TooMany => StsError::InvalidParameterValue(
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
    })
}
