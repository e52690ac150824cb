//! `AttachGroupPolicy`: attaches a managed policy to a group. Attaching it twice changes nothing.

use keywatch_api::iam::policies::GroupAttachmentRequest;

use super::attachments::attach;
use super::{Iam, IamError, groups};
use crate::Call;

pub(crate) async fn attach_group_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GroupAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut group = groups::group_for_with(call, "AttachGroupPolicy", &request.group_name, &keys).await?;
    attach(call, &mut group.attached, &request.policy_arn, "Group").await?;
    groups::put(call, &group)
}
