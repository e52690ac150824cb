//! `GetPolicyVersion`: a version of a managed policy with its text.

use keywatch_api::iam::policies::{PolicyVersion, PolicyVersionRequest, PolicyVersionResponse};

use super::policies::{Managed, policy_for, version_error};
use super::{Iam, IamError, percent_encoded};
use crate::Call;
use crate::identity::VersionError;

pub(crate) async fn get_policy_version(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PolicyVersionRequest,
) -> Result<PolicyVersionResponse, IamError> {
    let (arn, id) = (&request.policy_arn, &request.version_id);
    let (version, text) = match policy_for(call, "GetPolicyVersion", arn).await? {
        Managed::Own(policy) => {
            let version = policy.version(id).map_err(|error| version_error(error, arn, id))?;
            (policy.shown_version(version), percent_encoded(&version.text))
        }
        Managed::Aws(policy) if policy.version == *id => {
            (policy.shown_version(), percent_encoded(policy.document.text()))
        }
        Managed::Aws(_) => return Err(version_error(VersionError::None, arn, id)),
    };
    Ok(PolicyVersionResponse { policy_version: PolicyVersion { document: Some(text), ..version } })
}
