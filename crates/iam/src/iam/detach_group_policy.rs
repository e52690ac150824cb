//! `DetachGroupPolicy`: detaches a managed policy from a group.

use keywatch_api::iam::policies::GroupAttachmentRequest;

use super::attachments::detach;
use super::{Iam, IamError, groups};
use crate::Call;

pub(crate) async fn detach_group_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut group = groups::group_for_with(call, "DetachGroupPolicy", &request.group_name, &keys).await?;
    detach(call, &mut group.attached, &request.policy_arn).await?;
    groups::put(call, &group)
}
