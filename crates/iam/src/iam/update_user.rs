//! `UpdateUser`: a new name, a new path, or both. The user keeps its id, keys and policies.

use keywatch_api::iam::users::UpdateUserRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, users};
use crate::Call;
use crate::identity::{ACCESS_KEY, AccessKeyRecord, USER, UserRecord, name_key};

pub(crate) async fn update_user(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateUserRequest,
) -> Result<(), IamError> {
    let before = users::user_for(call, "UpdateUser", &request.user_name).await?;
    let mut user = before.clone();
    user.name = request.new_user_name.unwrap_or(user.name);
    user.path = request.new_path.unwrap_or(user.path);
    // The caller must also be allowed to act on what the user becomes.
    authorize(call, "UpdateUser", &Target::tagged(user.arn(call.account()), Some(&user.tags)))?;
    let (old_key, new_key) = (name_key(call.account(), &before.name), name_key(call.account(), &user.name));
    if new_key != old_key {
        if call.tx.get::<UserRecord>(USER, &new_key).await?.is_some() {
            let text = format!("User with name {} already exists.", user.name);
            return Err(IamError::EntityAlreadyExists(text));
        }
        call.tx.delete(USER, &old_key);
        call.tx.insert(USER, &new_key, &user)?;
    } else {
        call.tx.put(USER, &new_key, &user)?;
    }
    for id in &user.access_keys {
        if let Some(mut key) = call.tx.get::<AccessKeyRecord>(ACCESS_KEY, id).await? {
            key.user_name = user.name.clone();
            call.tx.put(ACCESS_KEY, id, &key)?;
        }
    }
    Ok(())
}
