//! `GetFederationToken`: temporary credentials of the calling user under another name, within policies given for them.

use jiff::SignedDuration;
use keywatch_api::sts::{FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse};

use super::{StsError, issue, session_policies};
use crate::credentials::federated_arn;
use crate::iam::Iam;
use crate::identity::whole_seconds;
use crate::policy::{KeyList, ResourceSide, Values};
use crate::session::{Session, SessionIdentity};
use crate::{Call, CallerKind, Question};

const SECONDS_DEFAULT: i32 = 43_200;
/// The root user's sessions end after an hour whatever is asked (STS API reference, `DurationSeconds`).
const ROOT_SECONDS_MAX: i32 = 3_600;

pub(crate) async fn get_federation_token(
    call: &mut Call<'_>,
    iam: &Iam,
    request: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, StsError> {
    let denied =
        || StsError::AccessDenied("Cannot call GetFederationToken with session credentials".to_owned());
    if call.caller.session_since.is_some() {
        return Err(denied());
    }
    let asked = request.duration_seconds.unwrap_or(SECONDS_DEFAULT);
    let federated_name = request.name.clone();
    let (identity, seconds) = match &call.caller.kind {
        CallerKind::User { name } => {
            let (name, id) = (name.clone(), call.caller.user_id.clone());
            (SessionIdentity::Federated { name, id, federated_name }, asked)
        }
        CallerKind::Root => (SessionIdentity::RootFederated { federated_name }, asked.min(ROOT_SECONDS_MAX)),
        CallerKind::Federated { .. } | CallerKind::Role { .. } | CallerKind::Service => return Err(denied()),
    };
    let tags = request.tags.as_deref().unwrap_or_default();
    session_policies::check_tags(tags)?;
    let arn = federated_arn(call.account(), &request.name);
    authorize(call, &request, &arn.to_string())?;
    let account = call.account().clone();
    let (policies, policy_arns) =
        session_policies::read(call, &account, request.policy.as_deref(), request.policy_arns.as_deref())
            .await?;
    let now = whole_seconds(call.now);
    let session = Session {
        account,
        identity,
        issued: now,
        expires: now + SignedDuration::from_secs(i64::from(seconds)),
        policies,
        policy_arns,
        tags: tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        // STS API reference, "GetFederationToken": tags of a federated user are transitive.
        transitive_tag_keys: tags.iter().map(|tag| tag.key.clone()).collect(),
        source_identity: None,
    };
    let packed_policy_size = session_policies::packed_size(&session)?;
    let response = GetFederationTokenResponse {
        federated_user: FederatedUser {
            federated_user_id: format!("{}:{}", session.account, request.name),
            arn: arn.to_string(),
        },
        credentials: issue(session, iam),
        packed_policy_size,
    };
    // A read by CloudTrail's count, whose record shows the answer all the same (secrets are withheld from it).
    call.notes.note_response(&response);
    Ok(response)
}

fn authorize(call: &Call<'_>, request: &GetFederationTokenRequest, arn: &str) -> Result<(), StsError> {
    let tags = request.tags.as_deref().unwrap_or_default();
    let mut keys = KeyList::default();
    for tag in tags {
        keys = keys.with(format!("aws:RequestTag/{}", tag.key), Values::one(tag.value.clone()));
    }
    if !tags.is_empty() {
        keys = keys.with("aws:TagKeys", Values::many(tags.iter().map(|tag| tag.key.clone())));
    }
    for (action, asked) in [("sts:GetFederationToken", true), ("sts:TagSession", !tags.is_empty())] {
        let question = Question {
            action,
            resource: arn,
            owner: call.account(),
            side: ResourceSide::None,
            granted: false,
            keys: &keys,
        };
        if asked {
            call.authorize(&question).map_err(|denied| StsError::AccessDenied(denied.0))?;
        }
    }
    Ok(())
}
