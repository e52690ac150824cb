//! Finding, authorising and writing managed policies, the account's own and those of AWS.

use keywatch_api::Arn;
use keywatch_api::iam::policies::Policy;

use super::IamError;
use super::authorize::{Target, authorize};
use super::holders;
use crate::Call;
use crate::identity::aws_managed::{self, AwsManaged};
use crate::identity::{POLICY, PolicyRecord, VersionError, name_key};
use crate::policy::{PolicyDocument, PolicyKind};

/// A managed policy.
#[derive(Debug)]
pub(super) enum Managed {
    Own(PolicyRecord),
    Aws(&'static AwsManaged),
}

/// The policy with that ARN, after the caller was found to be allowed `action` on it.
pub(super) async fn policy_for(call: &mut Call<'_>, action: &str, arn: &str) -> Result<Managed, IamError> {
    let parsed = parse(arn)?;
    let found = find(call, arn).await?;
    let tags = match &found {
        Some(Managed::Own(policy)) => Some(&policy.tags),
        Some(Managed::Aws(_)) | None => None,
    };
    authorize(call, action, &Target::tagged(parsed, tags))?;
    found.ok_or_else(|| no_such_policy(arn))
}

/// As [`policy_for`], for what can only be done to the account's own policies.
pub(super) async fn own_policy_for(
    call: &mut Call<'_>,
    action: &str,
    arn: &str,
) -> Result<PolicyRecord, IamError> {
    match policy_for(call, action, arn).await? {
        Managed::Own(policy) => Ok(policy),
        Managed::Aws(_) => {
            let who = &call.caller.arn;
            let text =
                format!("User: {who} is not authorized to perform: iam:{action} on resource: policy {arn}");
            Err(crate::AccessDenied(text).into())
        }
    }
}

/// The policy with that ARN, if there is one.
pub(super) async fn find(call: &mut Call<'_>, arn: &str) -> Result<Option<Managed>, IamError> {
    if let Some(policy) = aws_managed::find(arn) {
        return Ok(Some(Managed::Aws(policy)));
    }
    let key = name_key(call.account(), arn.rsplit('/').next().unwrap_or_default());
    let found: Option<PolicyRecord> = call.tx.get(POLICY, &key).await?;
    let found = found.filter(|policy| policy.arn(call.account()).to_string() == arn);
    Ok(found.map(Managed::Own))
}

/// Writes a policy that was read in this call.
pub(super) fn put(call: &mut Call<'_>, policy: &PolicyRecord) -> Result<(), IamError> {
    let key = name_key(call.account(), &policy.name);
    Ok(call.tx.put(POLICY, &key, policy)?)
}

/// The policy as `GetPolicy` shows it. Uses of AWS's policies are counted, those of own ones are kept.
pub(super) async fn shown(call: &mut Call<'_>, policy: &Managed) -> Result<Policy, IamError> {
    Ok(match policy {
        Managed::Own(policy) => policy.shown(call.account()),
        Managed::Aws(policy) => {
            let holders = holders::all(call).await?;
            let attachments = holders.iter().filter(|holder| holder.has_attached(&policy.arn)).count();
            let boundaries = holders.iter().filter(|holder| holder.is_bounded_by(&policy.arn)).count();
            policy.shown(count(attachments), count(boundaries))
        }
    })
}

pub(super) fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// `arn:aws:iam::…:policy/…`
pub(super) fn parse(arn: &str) -> Result<Arn, IamError> {
    let invalid = || IamError::InvalidInput(format!("ARN {arn} is not valid."));
    let parsed: Arn = arn.parse().map_err(|_| invalid())?;
    let is_policy =
        parsed.service == "iam" && parsed.region.is_empty() && parsed.resource.starts_with("policy/");
    if is_policy { Ok(parsed) } else { Err(invalid()) }
}

/// Without white space; "Managed policy length: 6,144 characters".
const DOCUMENT_CHARACTERS_MAX: usize = 6_144;

/// Whether a text may be a version of a managed policy.
pub(super) fn check_document(text: &str) -> Result<(), IamError> {
    let document = PolicyDocument::parse(PolicyKind::Identity, text)?;
    if document.size_without_white_space() > DOCUMENT_CHARACTERS_MAX {
        let text = format!("Cannot exceed quota for PolicySize: {DOCUMENT_CHARACTERS_MAX}");
        return Err(IamError::LimitExceeded(text));
    }
    Ok(())
}

/// Recorded.
pub(super) fn no_such_policy(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} was not found."))
}

pub(super) fn not_attachable(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable."))
}

/// Why a version cannot be had, added or removed, in AWS's words.
pub(super) fn version_error(error: VersionError, arn: &str, version: &str) -> IamError {
    match error {
        VersionError::None => {
            IamError::NoSuchEntity(format!("Policy {arn} version {version} does not exist or is not attachable."))
        }
        VersionError::TooMany => IamError::LimitExceeded(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
                .to_owned(),
        ),
        VersionError::Default => IamError::DeleteConflict("Cannot delete the default version of a policy."),
    }
}
