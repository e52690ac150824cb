//! `GetKeyPolicy`: the text as it was put.

use keywatch_api::kms::policies::{GetKeyPolicyRequest, GetKeyPolicyResponse};
use keywatch_iam::Call;
use keywatch_iam::policy::{KeyList, Values};

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::key_policy::POLICY_NAME;

pub(crate) async fn get_key_policy(
    call: &mut Call<'_>,
    kms: &Kms,
    request: GetKeyPolicyRequest,
) -> Result<GetKeyPolicyResponse, KmsError> {
    let name = request.policy_name.0.0;
    let more = KeyList::default().with("kms:PolicyName", Values::one(name.clone()));
    let asked = Asked::with("kms:GetKeyPolicy", &more);
    let open = reach(call, kms, &request.key_id, Reach::Own, &asked).await?;
    if name != POLICY_NAME {
        return Err(KmsError::NotFound("No such policy exists".to_owned()));
    }
    Ok(GetKeyPolicyResponse { policy: open.key.policy.clone(), policy_name: name })
}
