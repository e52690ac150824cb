//! `GetContextKeysForPrincipalPolicy`: the condition keys that the policies of a user, group or role ask for.

use std::collections::BTreeSet;

use keywatch_api::iam::simulation::{GetContextKeysForPrincipalPolicyRequest, GetContextKeysResponse};

use super::authorize::{Target, authorize};
use super::{Iam, IamError, principals, simulate};
use crate::Call;
use crate::policy::PolicyKind;

pub(crate) async fn get_context_keys_for_principal_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: GetContextKeysForPrincipalPolicyRequest,
) -> Result<GetContextKeysResponse, IamError> {
    let arn = principals::parse(&request.policy_source_arn)?;
    authorize(call, "GetContextKeysForPrincipalPolicy", &Target::new(arn))?;
    let mut sources = principals::find(call, &request.policy_source_arn).await?.policies;
    let given = request.policy_input_list.as_deref().unwrap_or_default();
    sources.extend(simulate::sources(PolicyKind::Identity, "PolicyInputList", given)?);
    let keys: BTreeSet<String> = sources.iter().flat_map(|source| source.document.context_keys()).collect();
    Ok(GetContextKeysResponse { context_key_names: keys.into_iter().collect() })
}
