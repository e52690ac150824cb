//! `SimulateCustomPolicy`: what policies given in the request would decide.

use keywatch_api::iam::simulation::{SimulateCustomPolicyRequest, SimulatePolicyResponse};

use super::authorize::authorize_account;
use super::page::PageRequest;
use super::simulate::{self, Simulation};
use super::{Iam, IamError};
use crate::Call;
use crate::policy::{PolicyKind, Subject, SubjectKind};

pub(crate) async fn simulate_custom_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: SimulateCustomPolicyRequest,
) -> Result<SimulatePolicyResponse, IamError> {
    authorize_account(call, "SimulateCustomPolicy")?;
    let resource = simulate::resource(request.resource_policy.as_ref())?;
    if resource.is_some() && request.caller_arn.is_none() {
        return Err(IamError::InvalidInput("CallerArn is required when ResourcePolicy is given.".to_owned()));
    }
    let arn = request.caller_arn.as_deref().unwrap_or_default();
    let subject = Subject {
        kind: SubjectKind::User,
        account: call.account().as_str(),
        arn,
        user_name: arn.rsplit('/').next().filter(|name| !name.is_empty()),
        ..Subject::ANONYMOUS
    };
    let wanted =
        PageRequest::new("SimulateCustomPolicy".to_owned(), request.marker.as_deref(), request.max_items)?;
    let simulation = Simulation {
        subject,
        identity: simulate::sources(PolicyKind::Identity, "PolicyInputList", &request.policy_input_list)?,
        boundary: simulate::boundary(request.permissions_boundary_policy_input_list.as_deref())?,
        resource,
        resource_owner: request.resource_owner.as_deref(),
        actions: &request.action_names,
        resources: request.resource_arns.as_deref().unwrap_or_default(),
        context: request.context_entries.as_deref().unwrap_or_default(),
        names_organization: false,
    };
    simulation.run(call, &wanted)
}
