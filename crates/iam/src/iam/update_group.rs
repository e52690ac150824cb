//! `UpdateGroup`: a new name, a new path, or both. The group keeps its id, members and policies.

use keywatch_api::iam::groups::UpdateGroupRequest;

use super::authorize::{Target, authorize};
use super::{Iam, IamError, groups, holders, users};
use crate::Call;
use crate::identity::{GROUP, GroupRecord, USER, UserRecord, name_key};

pub(crate) async fn update_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: UpdateGroupRequest,
) -> Result<(), IamError> {
    let before = groups::group_for(call, "UpdateGroup", &request.group_name).await?;
    let mut group = before.clone();
    group.name = request.new_group_name.unwrap_or(group.name);
    group.path = request.new_path.unwrap_or(group.path);
    // The caller must also be allowed to act on what the group becomes.
    authorize(call, "UpdateGroup", &Target::new(group.arn(call.account())))?;
    let (old_key, new_key) = (name_key(call.account(), &before.name), name_key(call.account(), &group.name));
    if new_key == old_key {
        call.tx.put(GROUP, &new_key, &group)?;
    } else {
        if call.tx.get::<GroupRecord>(GROUP, &new_key).await?.is_some() {
            let text = format!("Group with name {} already exists.", group.name);
            return Err(IamError::EntityAlreadyExists(text));
        }
        call.tx.delete(GROUP, &old_key);
        call.tx.insert(GROUP, &new_key, &group)?;
    }
    if group.name == before.name {
        return Ok(());
    }
    let members: Vec<UserRecord> = holders::rows(call, USER).await?;
    for mut user in members {
        if let Some(name) = user.groups.iter_mut().find(|name| **name == before.name) {
            name.clone_from(&group.name);
            users::put(call, &user)?;
        }
    }
    Ok(())
}
