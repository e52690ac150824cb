//! `AssumeRole`: temporary credentials of a role whose trust policy lets the caller in.

use jiff::SignedDuration;
use keywatch_api::iam::Tag;
use keywatch_api::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser};
use keywatch_api::{AccountId, Arn};

use super::{StsError, issue, session_policies};
use crate::credentials::session_arn;
use crate::iam::Iam;
use crate::identity::{ROLE, RoleRecord, name_key, whole_seconds};
use crate::policy::{KeyList, PolicyDocument, PolicyKind, ResourceSide, Values};
use crate::session::{Session, SessionIdentity};
use crate::{Call, CallerKind, Question};

const SECONDS_DEFAULT: i32 = 3_600;
/// A role that assumes a role (STS API reference, "role chaining").
const CHAINED_SECONDS_MAX: i32 = 3_600;

/// Tags, and the keys of those that are transitive.
type SessionTags = (Vec<(String, String)>, Vec<String>);

pub(crate) async fn assume_role(
    call: &mut Call<'_>,
    iam: &Iam,
    request: AssumeRoleRequest,
) -> Result<AssumeRoleResponse, StsError> {
    let (arn, account) = role_reference(&request.role_arn)?;
    check_tags(&request)?;
    let (tags, transitive_tag_keys) = session_tags(call, &request)?;
    let source_identity = source_identity(call, &request)?;
    let role = admitted(call, &request, &arn, &account).await?;
    call.notes.resource(&arn, "AWS::IAM::Role");
    let seconds = duration(call, &request, &role)?;
    let now = whole_seconds(call.now);
    let (policies, policy_arns) =
        session_policies::read(call, &account, request.policy.as_deref(), request.policy_arns.as_deref())
            .await?;
    let session = Session {
        account: account.clone(),
        identity: SessionIdentity::Role {
            name: role.name.clone(),
            id: role.id.clone(),
            session_name: request.role_session_name.clone(),
        },
        issued: now,
        expires: now + SignedDuration::from_secs(i64::from(seconds)),
        policies,
        policy_arns,
        tags,
        transitive_tag_keys,
        source_identity: source_identity.clone(),
    };
    let packed = session_policies::packed_size(&session)?;
    let response = AssumeRoleResponse {
        assumed_role_user: AssumedRoleUser {
            assumed_role_id: format!("{}:{}", role.id, request.role_session_name),
            arn: session_arn(&account, &role.name, &request.role_session_name).to_string(),
        },
        credentials: issue(session, iam),
        packed_policy_size: packed,
        source_identity,
    };
    // A read by CloudTrail's count, whose record shows the answer all the same (secrets are withheld from it).
    call.notes.note_response(&response);
    Ok(response)
}

/// The role's ARN and account. Recorded: the text for what is no ARN of a role.
fn role_reference(text: &str) -> Result<(Arn, AccountId), StsError> {
    let invalid = || StsError::Validation(format!("{text} is invalid"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let account = arn.account.parse().map_err(|_| invalid())?;
    let is_role = arn.service == "iam" && arn.region.is_empty() && arn.resource.starts_with("role/");
    if is_role { Ok((arn, account)) } else { Err(invalid()) }
}

/// The role, once its trust policy and the caller's own policies let the caller in. A role that does not exist is refused as one
/// that does not trust the caller: nobody learns which roles there are.
async fn admitted(
    call: &mut Call<'_>,
    request: &AssumeRoleRequest,
    arn: &Arn,
    account: &AccountId,
) -> Result<RoleRecord, StsError> {
    if call.caller.is_root() {
        return Err(StsError::AccessDenied("Roles may not be assumed by root accounts.".to_owned()));
    }
    let denied = |action: &str| {
        let who = &call.caller.arn;
        let text = format!("User: {who} is not authorized to perform: {action} on resource: {arn}");
        StsError::AccessDenied(text)
    };
    let name = arn.resource.rsplit('/').next().unwrap_or_default();
    let found: Option<RoleRecord> = call.tx.get(ROLE, &name_key(account, name)).await?;
    let Some(role) = found.filter(|role| role.arn(account) == *arn) else {
        return Err(denied("sts:AssumeRole"));
    };
    let trust = PolicyDocument::parse(PolicyKind::Trust, &role.trust)
        .map_err(|error| StsError::InternalFailure(format!("a stored trust policy is not one: {error}")))?;
    let keys = keys(request, &role);
    let has_tags = request.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    for (action, asked) in [
        ("sts:AssumeRole", true),
        ("sts:TagSession", has_tags),
        ("sts:SetSourceIdentity", request.source_identity.is_some()),
    ] {
        let question = Question {
            action,
            resource: &request.role_arn,
            owner: account,
            side: ResourceSide::Required(&trust),
            granted: false,
            keys: &keys,
        };
        if asked && call.authorize(&question).is_err() {
            return Err(denied(action));
        }
    }
    if request.serial_number.is_some() || request.token_code.is_some() {
        // No user here has a second factor.
        let text = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        return Err(StsError::AccessDenied(text.to_owned()));
    }
    Ok(role)
}

/// IAM user guide, "Available keys for AWS STS", and the tags of the request and the role.
fn keys(request: &AssumeRoleRequest, role: &RoleRecord) -> KeyList<'static> {
    let mut keys =
        KeyList::default().with("sts:RoleSessionName", Values::one(request.role_session_name.clone()));
    if let Some(id) = &request.external_id {
        keys = keys.with("sts:ExternalId", Values::one(id.clone()));
    }
    if let Some(identity) = &request.source_identity {
        keys = keys.with("sts:SourceIdentity", Values::one(identity.clone()));
    }
    for (key, value) in role.tags.pairs() {
        keys = keys
            .with(format!("aws:ResourceTag/{key}"), Values::one(value.clone()))
            .with(format!("iam:ResourceTag/{key}"), Values::one(value));
    }
    let tags = request.tags.as_deref().unwrap_or_default();
    for Tag { key, value } in tags {
        keys = keys.with(format!("aws:RequestTag/{key}"), Values::one(value.clone()));
    }
    if !tags.is_empty() {
        keys = keys.with("aws:TagKeys", Values::many(tags.iter().map(|tag| tag.key.clone())));
    }
    match &request.transitive_tag_keys {
        Some(transitive) if !transitive.is_empty() => {
            keys.with("sts:TransitiveTagKeys", Values::many(transitive.clone()))
        }
        _ => keys,
    }
}

fn check_tags(request: &AssumeRoleRequest) -> Result<(), StsError> {
    let tags = request.tags.as_deref().unwrap_or_default();
    session_policies::check_tags(tags)?;
    let transitive = request.transitive_tag_keys.as_deref().unwrap_or_default();
    let requested = |key: &String| tags.iter().any(|tag| tag.key.to_lowercase() == key.to_lowercase());
    if transitive.iter().all(requested) {
        Ok(())
    } else {
        Err(StsError::InvalidParameterValue(
            "The specified transitive tag key must be included in the requested tags.",
        ))
    }
}

/// The session's tags with the keys of those that are transitive: what the request gives, and what the calling session hands on.
/// IAM user guide, "Chaining roles with session tags": inherited tags cannot be given again.
fn session_tags(call: &Call<'_>, request: &AssumeRoleRequest) -> Result<SessionTags, StsError> {
    let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
    let given = request.tags.as_deref().unwrap_or_default();
    let mut transitive = call.caller.transitive_tag_keys.clone();
    if given.iter().any(|tag| transitive.iter().any(|key| same(key, &tag.key))) {
        return Err(StsError::InvalidParameterValue(
            "One of the specified tag keys conflicts with a tag inherited from the calling session.",
        ));
    }
    let is_transitive = |key: &str| transitive.iter().any(|inherited| same(inherited, key));
    let inherited = call.caller.tags.iter().filter(|(key, _)| is_transitive(key)).cloned();
    let tags = inherited.chain(given.iter().map(|tag| (tag.key.clone(), tag.value.clone()))).collect();
    transitive.extend(request.transitive_tag_keys.iter().flatten().cloned());
    Ok((tags, transitive))
}

/// A source identity stays with whatever roles the session assumes, and cannot be changed.
fn source_identity(call: &Call<'_>, request: &AssumeRoleRequest) -> Result<Option<String>, StsError> {
    match (&call.caller.source_identity, &request.source_identity) {
        (Some(known), Some(asked)) if known != asked => {
            let text = "A source identity that is set cannot be changed during role chaining.";
            Err(StsError::AccessDenied(text.to_owned()))
        }
        (known, asked) => Ok(asked.clone().or_else(|| known.clone())),
    }
}

fn duration(call: &Call<'_>, request: &AssumeRoleRequest, role: &RoleRecord) -> Result<i32, StsError> {
    let seconds = request.duration_seconds.unwrap_or(SECONDS_DEFAULT);
    let is_chained = matches!(call.caller.kind, CallerKind::Role { .. });
    if is_chained && seconds > CHAINED_SECONDS_MAX {
        let text = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining";
        return Err(StsError::Validation(text.to_owned()));
    }
    if seconds > role.session_seconds_max {
        let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(StsError::Validation(text.to_owned()));
    }
    Ok(seconds)
}
