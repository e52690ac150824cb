//! `AttachUserPolicy`: attaches a managed policy to a user. Attaching it twice changes nothing.

use keywatch_api::iam::policies::UserAttachmentRequest;

use super::attachments::attach;
use super::{Iam, IamError, users};
use crate::Call;

pub(crate) async fn attach_user_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UserAttachmentRequest,
) -> Result<(), IamError> {
    let keys = [("iam:PolicyARN", request.policy_arn.as_str())];
    let mut user = users::user_for_with(call, "AttachUserPolicy", &request.user_name, &keys).await?;
    attach(call, &mut user.attached, &request.policy_arn, "User").await?;
    users::put(call, &user)
}
