//! `ListKeyPolicies`: every key has one, `default`.

use keywatch_api::kms::policies::{ListKeyPoliciesRequest, ListKeyPoliciesResponse};
use keywatch_iam::Call;

use crate::Kms;
use crate::access::{Asked, Reach, reach};
use crate::error::KmsError;
use crate::key_policy::POLICY_NAME;

pub(crate) async fn list_key_policies(
    call: &mut Call<'_>,
    kms: &Kms,
    request: ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, KmsError> {
    reach(call, kms, &request.key_id, Reach::Own, &Asked::plain("kms:ListKeyPolicies")).await?;
    if request.marker.is_some() {
        // A list of one has no second page, so no marker was ever given out.
        return Err(KmsError::Validation("The marker is not valid.".to_owned()));
    }
    Ok(ListKeyPoliciesResponse {
        policy_names: vec![POLICY_NAME.to_owned()],
        next_marker: None,
        truncated: false,
    })
}
