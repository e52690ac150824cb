//! `keywatch admin rotate-access-key`: makes the root access key, or a new one in place of it. The old one signs nothing from the next start on.

use keywatch_store::Transaction;

use super::offline::Offline;
use super::{AdminError, print};
use crate::data_dir;
use crate::root_secrets;

pub async fn rotate_access_key(offline: &Offline) -> Result<(), AdminError> {
    let before = data_dir::read_access_key(&offline.directory)?.map(|key| key.id);
    let key = root_secrets::new_access_key();
    let details = serde_json::json!({ "accessKeyId": key.id, "replaced": before }).to_string();
    // The record first: a key nobody recorded must not come to be.
    offline.commit(Transaction::new(&offline.store), "RotateRootAccessKey", &details).await?;
    data_dir::write_access_key(&offline.directory, &key)?;
    print(&format!("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}", key.id, key.secret.expose()))
}
