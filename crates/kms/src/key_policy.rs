//! Key policies: the default one, what a policy must satisfy, and the check that nobody locks the key away.
//! Sources: KMS developer guide, "Key policies in AWS KMS", "Default key policy"; API reference, `PutKeyPolicy`.

use std::sync::Arc;

use keywatch_api::AccountId;
use keywatch_iam::policy::{
    ConditionKeys, Environment, Policies, PolicyDocument, PolicyError, PolicyKind, Request, ResourceSide,
    evaluate,
};
use keywatch_iam::{Call, missing_principal};

use crate::conditions::{CallerKeys, KeyKeys};
use crate::error::KmsError;
use crate::key::Key;

/// The only name a key's policy has.
pub(crate) const POLICY_NAME: &str = "default";
/// Names the policy of a sharing service, which is read only.
pub(crate) const RAM_POLICY_NAME: &str = "AWS_RAM";
/// "Key policy document size": 32 KB.
pub(crate) const POLICY_BYTES_MAX: usize = 32_768;
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The policy of a key that was created without one: the account decides by its own policies.
pub(crate) fn default_policy(account: &AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// Reads a policy that a caller wants a key to have; whom it names must exist.
pub(crate) async fn accepted(call: &mut Call<'_>, text: &str) -> Result<PolicyDocument, KmsError> {
    let policy = parse(text)?;
    let account = call.account().clone();
    match missing_principal(&mut call.tx, &account, &policy).await? {
        Some(_) => Err(invalid_principals()),
        None => Ok(policy),
    }
}

fn invalid_principals() -> KmsError {
    KmsError::MalformedPolicy("Policy contains a statement with one or more invalid principals.".to_owned())
}

/// Reads a policy, whoever it names.
pub(crate) fn parse(text: &str) -> Result<PolicyDocument, KmsError> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(KmsError::LimitExceeded(format!(
            "The key policy document must not exceed {POLICY_BYTES_MAX} bytes."
        )));
    }
    PolicyDocument::parse(PolicyKind::Key, text).map_err(|error| match error {
        PolicyError::Principal(_) => invalid_principals(),
        other => KmsError::MalformedPolicy(other.to_string()),
    })
}

/// The lock-out safety check: the policy must let whoever sets it set the next one. It is about the key's policy alone: what the
/// caller's own policies lack, the account can give at any time.
pub(crate) fn check_not_locked_out(
    call: &Call<'_>,
    key: &Key,
    policy: &PolicyDocument,
    more: &dyn ConditionKeys,
) -> Result<(), KmsError> {
    let willing =
        PolicyDocument::parse(PolicyKind::Identity, ALLOW_ALL).map_err(|e| KmsError::internal(&e))?;
    let arn = key.arn().to_string();
    let keys = KeyKeys { caller: CallerKeys::of(call, more), key, alias: None, context: None };
    let request = Request {
        subject: &call.caller.subject(),
        action: "kms:PutKeyPolicy",
        resource: &arn,
        resource_account: key.account.as_str(),
        environment: &Environment {
            now: call.now,
            region: call.region.as_str(),
            source_ip: call.origin.source_ip,
            user_agent: call.origin.user_agent,
            secure_transport: call.origin.secure_transport,
            via_service: call.origin.via_service,
        },
        keys: &keys,
    };
    let policies = Policies {
        identity: &[Arc::new(willing)],
        resource: ResourceSide::Required(policy),
        ..Policies::default()
    };
    if evaluate(&request, &policies).is_allowed() {
        return Ok(());
    }
    Err(KmsError::MalformedPolicy(
        "The new key policy will not allow you to update the key policy in the future.".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_a_policy() {
        let text = default_policy(&"111122223333".parse().unwrap());
        let document = parse(&text).unwrap();
        assert_eq!(document.statements().len(), 1);
        assert_eq!(document.statements()[0].sid.as_deref(), Some("Enable IAM User Permissions"));
    }

    #[test]
    fn refusals() {
        for (text, want) in [
            ("{", "MalformedPolicy"),
            (
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#,
                "MalformedPolicy",
            ),
            (&format!("{{{}}}", " ".repeat(POLICY_BYTES_MAX)), "LimitExceeded"),
        ] {
            let error = format!("{:?}", parse(text).unwrap_err());
            assert!(error.starts_with(want), "{error}");
        }
    }
}
