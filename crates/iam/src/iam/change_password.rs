//! `ChangePassword`: the calling user changes its own console password.

use keywatch_api::iam::account::ChangePasswordRequest;

use super::authorize::authorize_account;
use super::{Iam, IamError, passwords, users};
use crate::Call;
use crate::CallerKind;
use crate::identity::{LOGIN, whole_seconds};

pub(crate) async fn change_password(
    call: &mut Call<'_>,
    iam: &Iam,
    request: ChangePasswordRequest,
) -> Result<(), IamError> {
    let CallerKind::User { name } = &call.caller.kind else {
        authorize_account(call, "ChangePassword")?;
        return Err(IamError::InvalidUserType("Only IAM Users can change their own password"));
    };
    let name = name.clone();
    let rules = passwords::rules(call).await?;
    let user = match users::user_for(call, "ChangePassword", &name).await {
        // The password policy may let every user change its own password.
        Err(IamError::AccessDenied(_)) if rules.users_may_change => {
            users::find(call, &name).await?.ok_or_else(|| users::no_such_user(&name))?
        }
        found => found?,
    };
    let (login, now) = (passwords::login_of(call, &user).await?, whole_seconds(call.now));
    let changing = move || {
        if !login.verify(&request.old_password) {
            return Err(IamError::PasswordPolicyViolation("The old password was incorrect.".to_owned()));
        }
        passwords::changed(login, &request.new_password, &rules, now)
    };
    let mut login = iam.digests.run(changing).await??;
    login.reset_required = false;
    let key = passwords::key(call, &user);
    Ok(call.tx.put(LOGIN, &key, &login)?)
}
