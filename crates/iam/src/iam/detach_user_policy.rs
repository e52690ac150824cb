//! `DetachUserPolicy`: detaches a managed policy from a user.

use keywatch_api::iam::policies::UserAttachmentRequest;

use super::attachments::detach;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn detach_user_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut user = users::user_for_with(call, "DetachUserPolicy", &request.user_name, &keys).await?;
    detach(call, &mut user.attached, &request.policy_arn).await?;
    users::put(call, &user)
}
