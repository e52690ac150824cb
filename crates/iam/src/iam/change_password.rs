//! `ChangePassword`: the calling user changes its own console password.

use keywatch_api::iam::account::ChangePasswordRequest;
use keywatch_crypto::SystemRandom;

use super::authorize::authorize_account;
use super::{Iam, IamError, passwords, quotas, users};
use crate::Call;
use crate::CallerKind;
use crate::identity::{LOGIN, PasswordRules, whole_seconds};

pub(crate) async fn change_password(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ChangePasswordRequest,
) -> Result<(), IamError> {
    let CallerKind::User { name } = &call.caller.kind else {
        authorize_account(call, "ChangePassword")?;
        return Err(IamError::InvalidUserType("Only IAM Users can change their own password"));
    };
    let name = name.clone();
    let rules = quotas::account(call).await?.password_rules.unwrap_or(PasswordRules::DEFAULT);
    let user = match users::user_for(call, "ChangePassword", &name).await {
        // The password policy may let every user change its own password.
        Err(IamError::AccessDenied(_)) if rules.users_may_change => {
            users::find(call, &name).await?.ok_or_else(|| users::no_such_user(&name))?
        }
        found => found?,
    };
    let mut login = passwords::login_of(call, &user).await?;
    if !login.verify(&request.old_password) {
        return Err(IamError::PasswordPolicyViolation("The old password was incorrect.".to_owned()));
    }
    passwords::check(call, &request.new_password, Some(&login)).await?;
    login.change(&request.new_password, whole_seconds(call.now), &mut SystemRandom);
    login.reset_required = false;
    let key = passwords::key(call, &user);
    Ok(call.tx.put(LOGIN, &key, &login)?)
}
