//! `TagPolicy`: adds tags to a policy, or changes the values of those it has.

use keywatch_api::iam::policies::TagPolicyRequest;

use super::authorize::{Target, authorize};
use super::policies::{self, Managed};
use super::{Iam, IamError};
use crate::Call;

pub(crate) async fn tag_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: TagPolicyRequest,
) -> Result<(), IamError> {
    let arn = policies::parse(&request.policy_arn)?;
    let found = match policies::find(call, &request.policy_arn).await? {
        Some(Managed::Own(policy)) => Some(policy),
        Some(Managed::Aws(_)) | None => None,
    };
    let tags = found.as_ref().map(|policy| &policy.tags);
    authorize(call, "TagPolicy", &Target { new_tags: &request.tags, ..Target::tagged(arn, tags) })?;
    let mut policy = found.ok_or_else(|| policies::no_such_policy(&request.policy_arn))?;
    policy.tags.set(&request.tags)?;
    policies::put(call, &policy)
}
