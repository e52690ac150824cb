//! Finding console passwords, and checking new ones against the account's rules.

use jiff::Timestamp;
use keywatch_api::SecretText;
use keywatch_crypto::SystemRandom;

use super::{IamError, quotas};
use crate::Call;
use crate::identity::{LOGIN, LoginRecord, PasswordRules, UserRecord};

/// The key of the user's login row; ids, unlike names, stay.
pub(super) fn key(call: &Call<'_>, user: &UserRecord) -> String {
    format!("{}/{}", call.account(), user.id)
}

pub(super) async fn find(call: &mut Call<'_>, user: &UserRecord) -> Result<Option<LoginRecord>, IamError> {
    let key = key(call, user);
    Ok(call.tx.get(LOGIN, &key).await?)
}

/// The user's login, or AWS's words for none.
pub(super) async fn login_of(call: &mut Call<'_>, user: &UserRecord) -> Result<LoginRecord, IamError> {
    find(call, user).await?.ok_or_else(|| {
        IamError::NoSuchEntity(format!("Login Profile for User {} cannot be found.", user.name))
    })
}

/// What the account wants of passwords.
pub(super) async fn rules(call: &mut Call<'_>) -> Result<PasswordRules, IamError> {
    Ok(quotas::account(call).await?.password_rules.unwrap_or(PasswordRules::DEFAULT))
}

/// `login` with its next password; slow, since it makes a digest, and one more for each former password that must not return.
pub(super) fn changed(
    mut login: LoginRecord,
    password: &SecretText,
    rules: &PasswordRules,
    now: Timestamp,
) -> Result<LoginRecord, IamError> {
    check(rules, password, Some(&login))?;
    login.change(password, now, &mut SystemRandom);
    Ok(login)
}

/// Whether `password` may become the password of `login`, or of a new one.
pub(super) fn check(
    rules: &PasswordRules,
    password: &SecretText,
    login: Option<&LoginRecord>,
) -> Result<(), IamError> {
    if !rules.accept(password.expose()) {
        let text = "Password does not conform to the account password policy.";
        return Err(IamError::PasswordPolicyViolation(text.to_owned()));
    }
    let last = rules.reuse_prevention.and_then(|last| usize::try_from(last).ok()).unwrap_or(0);
    if login.is_some_and(|login| login.was(password, last)) {
        let text = "Policy constraint violation with password reuse prevention during password change.";
        return Err(IamError::PasswordPolicyViolation(text.to_owned()));
    }
    Ok(())
}

pub(super) fn no_policy(call: &Call<'_>) -> IamError {
    let account = call.account();
    IamError::NoSuchEntity(format!("The Password Policy with domain name {account} cannot be found."))
}
