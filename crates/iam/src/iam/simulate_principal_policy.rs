//! `SimulatePrincipalPolicy`: what the policies of a user, group or role would decide, with further ones given in the request.

use keywatch_api::iam::simulation::{SimulatePolicyResponse, SimulatePrincipalPolicyRequest};

use super::authorize::{Target, authorize};
use super::page::PageRequest;
use super::simulate::{self, Simulation};
use super::{Iam, IamError, principals};
use crate::Call;
use crate::policy::{PolicyKind, Subject, SubjectKind};

pub(crate) async fn simulate_principal_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: SimulatePrincipalPolicyRequest,
) -> Result<SimulatePolicyResponse, IamError> {
    let arn = principals::parse(&request.policy_source_arn)?;
    authorize(call, "SimulatePrincipalPolicy", &Target::new(arn))?;
    let principal = principals::find(call, &request.policy_source_arn).await?;
    let mut identity = principal.policies;
    let given = request.policy_input_list.as_deref().unwrap_or_default();
    identity.extend(simulate::sources(PolicyKind::Identity, "PolicyInputList", given)?);
    let given = simulate::boundary(request.permissions_boundary_policy_input_list.as_deref())?;
    let subject = Subject {
        kind: SubjectKind::User,
        account: call.account().as_str(),
        arn: request.caller_arn.as_deref().unwrap_or(&request.policy_source_arn),
        user_id: &principal.id,
        user_name: principal.user_name.as_deref(),
        tags: &principal.tags,
        ..Subject::ANONYMOUS
    };
    let question = format!("SimulatePrincipalPolicy {}", request.policy_source_arn);
    let wanted = PageRequest::new(question, request.marker.as_deref(), request.max_items)?;
    let simulation = Simulation {
        subject,
        identity,
        boundary: given.or(principal.boundary),
        resource: simulate::resource(request.resource_policy.as_ref())?,
        resource_owner: request.resource_owner.as_deref(),
        actions: &request.action_names,
        resources: request.resource_arns.as_deref().unwrap_or_default(),
        context: request.context_entries.as_deref().unwrap_or_default(),
        names_organization: true,
    };
    simulation.run(call, &wanted)
}
