//! `keywatch admin revoke`: ends a session, or makes a user's access key inactive.

use keywatch_api::iam::IamOperation;
use keywatch_iam::revocation::revoke_session;
use keywatch_store::Transaction;

use super::AdminError;
use super::offline::Offline;

pub async fn revoke(offline: &Offline, access_key_id: &str) -> Result<(), AdminError> {
    if access_key_id.starts_with("ASIA") {
        let mut tx = Transaction::new(&offline.store);
        revoke_session(&mut tx, access_key_id, offline.now).await?;
        let details = serde_json::json!({ "accessKeyId": access_key_id }).to_string();
        return offline.commit(tx, "RevokeSession", &details).await;
    }
    let answer = offline.ask(IamOperation::GetAccessKeyLastUsed, &[("AccessKeyId", access_key_id)]).await?;
    let user = answer.split_once("<UserName>").and_then(|(_, rest)| rest.split_once('<'));
    let (user, _) = user.ok_or_else(|| AdminError::Failed("the answer has no UserName".to_owned()))?;
    let members = [("UserName", user), ("AccessKeyId", access_key_id), ("Status", "Inactive")];
    offline.ask(IamOperation::UpdateAccessKey, &members).await.map(drop)
}
