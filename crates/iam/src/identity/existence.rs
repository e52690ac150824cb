//! Whether the principals a policy names exist. AWS refuses key and trust policies that name nobody, because such a name could later be
//! taken by somebody else. Only principals of accounts that are served here can be looked up; those of other accounts are believed.

use keywatch_api::{AccountId, Arn};
use keywatch_store::{StoreError, Transaction};

use super::{ROLE, RoleRecord, USER, UserRecord, name_key};
use crate::policy::{PolicyDocument, PrincipalName};

/// The first user or role of `account` that `document` names and that does not exist, as the document spells it.
pub async fn missing_principal(
    tx: &mut Transaction<'_>,
    account: &AccountId,
    document: &PolicyDocument,
) -> Result<Option<String>, StoreError> {
    for statement in document.statements() {
        for name in statement.principals.iter().flat_map(|principals| principals.named()) {
            if let PrincipalName::Arn(arn) = name
                && !principal_exists(tx, account, arn).await?
            {
                return Ok(Some(arn.clone()));
            }
        }
    }
    Ok(None)
}

/// Whether `arn` names a user, a role or a role's session of `account` that exists, the root user of any account, or anything of
/// another account.
pub async fn principal_exists(
    tx: &mut Transaction<'_>,
    account: &AccountId,
    arn: &str,
) -> Result<bool, StoreError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(false) };
    if parsed.account != account.as_str() {
        return Ok(true);
    }
    let mut steps = parsed.resource.split('/');
    let kind = steps.next().unwrap_or_default();
    Ok(match (parsed.service.as_str(), kind) {
        ("iam", "root") | ("sts", "federated-user") => true,
        ("iam", "user") => {
            let key = name_key(account, steps.next_back().unwrap_or_default());
            tx.get::<UserRecord>(USER, &key).await?.is_some_and(|user| user.arn(account) == parsed)
        }
        ("iam", "role") => {
            let key = name_key(account, steps.next_back().unwrap_or_default());
            tx.get::<RoleRecord>(ROLE, &key).await?.is_some_and(|role| role.arn(account) == parsed)
        }
        ("sts", "assumed-role") => {
            let name = steps.next().unwrap_or_default();
            tx.get::<RoleRecord>(ROLE, &name_key(account, name)).await?.is_some_and(|role| role.name == name)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{World, account, encoded};

    #[tokio::test]
    async fn of_the_own_account() {
        let world = World::new().await;
        world.ask("CreateUser&UserName=Alice&Path=%2Fp%2F").await;
        let trust = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
        world.ask(&format!("CreateRole&RoleName=R&AssumeRolePolicyDocument={}", encoded(trust))).await;
        for (arn, exists) in [
            ("arn:aws:iam::111111111111:user/p/Alice", true),
            ("arn:aws:iam::111111111111:user/Alice", false),
            ("arn:aws:iam::111111111111:user/p/alice", false),
            ("arn:aws:iam::111111111111:role/R", true),
            ("arn:aws:iam::111111111111:role/S", false),
            ("arn:aws:sts::111111111111:assumed-role/R/any", true),
            ("arn:aws:sts::111111111111:assumed-role/S/any", false),
            ("arn:aws:iam::111111111111:root", true),
            ("arn:aws:iam::222222222222:user/unknown", true),
            ("arn:aws:iam::111111111111:group/g", false),
            ("Alice", false),
        ] {
            let mut tx = Transaction::new(&world.store);
            assert_eq!(principal_exists(&mut tx, &account(), arn).await.unwrap(), exists, "{arn}");
        }
    }
}
