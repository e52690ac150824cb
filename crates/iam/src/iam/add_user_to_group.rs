//! `AddUserToGroup`: makes a user a member of a group. Adding it twice changes nothing.

use keywatch_api::iam::groups::MembershipRequest;

use super::{Iam, IamError, groups, users};
use crate::Call;

pub(crate) async fn add_user_to_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: MembershipRequest,
) -> Result<(), IamError> {
    let mut group = groups::group_for(call, "AddUserToGroup", &request.group_name).await?;
    let found = users::find(call, &request.user_name).await?;
    let mut user = found.ok_or_else(|| users::no_such_user(&request.user_name))?;
    if user.groups.contains(&group.name) {
        return Ok(());
    }
    if user.groups.len() >= users::GROUPS_MAX {
        let text = format!("Cannot exceed quota for GroupsPerUser: {}", users::GROUPS_MAX);
        return Err(IamError::LimitExceeded(text));
    }
    user.groups.push(group.name.clone());
    group.members += 1;
    users::put(call, &user)?;
    groups::put(call, &group)
}
