//! `GetSessionToken`: temporary credentials of the calling user or root user itself. Takes no permission.

use jiff::SignedDuration;
use keywatch_api::sts::{GetSessionTokenRequest, GetSessionTokenResponse};

use super::{StsError, issue};
use crate::iam::Iam;
use crate::identity::whole_seconds;
use crate::session::{Session, SessionIdentity};
use crate::{Call, CallerKind};

const SECONDS_DEFAULT: i32 = 43_200;
/// The root user's sessions end after an hour whatever is asked (STS API reference, `DurationSeconds`).
const ROOT_SECONDS_MAX: i32 = 3_600;

pub(crate) async fn get_session_token(
    call: &mut Call<'_>,
    iam: &Iam,
    request: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, StsError> {
    if call.caller.session_since.is_some() {
        let text = "Cannot call GetSessionToken with session credentials";
        return Err(StsError::AccessDenied(text.to_owned()));
    }
    if request.serial_number.is_some() || request.token_code.is_some() {
        // No user here has a second factor.
        let text = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        return Err(StsError::AccessDenied(text.to_owned()));
    }
    let asked = request.duration_seconds.unwrap_or(SECONDS_DEFAULT);
    let (identity, seconds) = match &call.caller.kind {
        CallerKind::User { name } => {
            let (name, id) = (name.clone(), call.caller.user_id.clone());
            (SessionIdentity::User { name, id }, asked)
        }
        CallerKind::Root => (SessionIdentity::Root, asked.min(ROOT_SECONDS_MAX)),
        CallerKind::Federated { .. } | CallerKind::Role { .. } | CallerKind::Service => {
            let text = "Cannot call GetSessionToken with session credentials";
            return Err(StsError::AccessDenied(text.to_owned()));
        }
    };
    let now = whole_seconds(call.now);
    let session = Session {
        account: call.account().clone(),
        identity,
        issued: now,
        expires: now + SignedDuration::from_secs(i64::from(seconds)),
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let response = GetSessionTokenResponse { credentials: issue(session, iam) };
    // A read by CloudTrail's count, whose record shows the answer all the same (secrets are withheld from it).
    call.notes.note_response(&response);
    Ok(response)
}
