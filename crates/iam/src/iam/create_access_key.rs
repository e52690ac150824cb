//! `CreateAccessKey`: makes a key pair for a user. Its answer is the only one that ever shows the secret.

use keywatch_api::iam::access_keys::{AccessKey, CreateAccessKeyRequest, CreateAccessKeyResponse};
use keywatch_crypto::{Random, RootKeyring, SystemRandom};

use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::{ACCESS_KEY, AccessKeyRecord, IdPrefix, new_id, new_secret, whole_seconds};

/// "Access keys assigned to an IAM user: 2"
const ACCESS_KEYS_MAX: usize = 2;

pub(crate) async fn create_access_key(
    call: &mut Call<'_>,
    iam: &Iam,
    request: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResponse, IamError> {
    let mut user = users::user_or_caller(call, "CreateAccessKey", request.user_name).await?;
    if user.access_keys.len() >= ACCESS_KEYS_MAX {
        let text = format!("Cannot exceed quota for AccessKeysPerUser: {ACCESS_KEYS_MAX}");
        return Err(IamError::LimitExceeded(text));
    }
    let access_key_id = new_id(IdPrefix::LongTermKey, &mut SystemRandom);
    let secret = new_secret(&mut SystemRandom);
    let seal: (&RootKeyring, &mut dyn Random) = (&iam.keyring, &mut SystemRandom);
    let owner = (user.name.as_str(), user.id.as_str());
    let now = whole_seconds(call.now);
    let key = AccessKeyRecord::seal(call.account(), owner, &access_key_id, &secret, now, seal);
    user.access_keys.push(access_key_id.clone());
    call.tx.insert(ACCESS_KEY, &access_key_id, &key)?;
    users::put(call, &user)?;
    Ok(CreateAccessKeyResponse {
        access_key: AccessKey {
            user_name: user.name,
            access_key_id,
            status: key.status,
            secret_access_key: secret,
            create_date: key.created.into(),
        },
    })
}
