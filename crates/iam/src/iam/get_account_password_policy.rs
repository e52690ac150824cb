//! `GetAccountPasswordPolicy`: what passwords must be like, if that was set.

use keywatch_api::iam::account::{EmptyRequest, GetAccountPasswordPolicyResponse};

use super::authorize::authorize_account;
use super::{Iam, IamError, passwords, quotas};
use crate::Call;

pub(crate) async fn get_account_password_policy(
    call: &mut Call<'_>,
    _iam: &Iam,
    _request: EmptyRequest,
) -> Result<GetAccountPasswordPolicyResponse, IamError> {
    authorize_account(call, "GetAccountPasswordPolicy")?;
    let rules = quotas::account(call).await?.password_rules;
    let rules = rules.ok_or_else(|| passwords::no_policy(call))?;
    Ok(GetAccountPasswordPolicyResponse { password_policy: rules.shown() })
}
