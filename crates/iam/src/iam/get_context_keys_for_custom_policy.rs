//! `GetContextKeysForCustomPolicy`: the condition keys that policies given in the request ask for.

use std::collections::BTreeSet;

use keywatch_api::iam::simulation::{GetContextKeysForCustomPolicyRequest, GetContextKeysResponse};

use super::authorize::authorize_account;
use super::simulate;
use super::{Iam, IamError};
use crate::Call;
use crate::policy::PolicyKind;

pub(crate) async fn get_context_keys_for_custom_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GetContextKeysForCustomPolicyRequest,
) -> Result<GetContextKeysResponse, IamError> {
    authorize_account(call, "GetContextKeysForCustomPolicy")?;
    let sources = simulate::sources(PolicyKind::Identity, "PolicyInputList", &request.policy_input_list)?;
    let keys: BTreeSet<String> = sources.iter().flat_map(|source| source.document.context_keys()).collect();
    Ok(GetContextKeysResponse { context_key_names: keys.into_iter().collect() })
}
