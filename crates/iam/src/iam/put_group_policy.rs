//! `PutGroupPolicy`: adds or replaces an inline policy of a group.

use keywatch_api::iam::groups::PutGroupPolicyRequest;

use super::{Iam, IamError, groups};
use crate::Call;
use crate::policy::{PolicyDocument, PolicyKind};

pub(crate) async fn put_group_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: PutGroupPolicyRequest,
) -> Result<(), IamError> {
    let mut group = groups::group_for(call, "PutGroupPolicy", &request.group_name).await?;
    let document = PolicyDocument::parse(PolicyKind::Identity, &request.policy_document)?;
    let bytes_max = groups::POLICY_BYTES_MAX;
    group.policies.put(&request.policy_name, &document, bytes_max).map_err(|_| {
        let name = &group.name;
        IamError::LimitExceeded(format!("Maximum policy size of {bytes_max} bytes exceeded for group {name}"))
    })?;
    groups::put(call, &group)
}
