//! `UntagPolicy`: removes tags from a policy.

use keywatch_api::iam::policies::UntagPolicyRequest;

use super::authorize::{Target, authorize};
use super::policies::{self, Managed};
use super::{Iam, IamError};
use crate::Call;

pub(crate) async fn untag_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UntagPolicyRequest,
) -> Result<(), IamError> {
    let arn = policies::parse(&request.policy_arn)?;
    let found = match policies::find(call, &request.policy_arn).await? {
        Some(Managed::Own(policy)) => Some(policy),
        Some(Managed::Aws(_)) | None => None,
    };
    let tags = found.as_ref().map(|policy| &policy.tags);
    authorize(call, "UntagPolicy", &Target { tag_keys: &request.tag_keys, ..Target::tagged(arn, tags) })?;
    let mut policy = found.ok_or_else(|| policies::no_such_policy(&request.policy_arn))?;
    policy.tags.remove(&request.tag_keys);
    policies::put(call, &policy)
}
