//! `RemoveUserFromGroup`: ends a membership.

use keywatch_api::iam::groups::MembershipRequest;

use super::{Iam, IamError, groups, users};
use crate::Call;

pub(crate) async fn remove_user_from_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: MembershipRequest,
) -> Result<(), IamError> {
    let mut group = groups::group_for(call, "RemoveUserFromGroup", &request.group_name).await?;
    let found = users::find(call, &request.user_name).await?;
    let mut user = found.ok_or_else(|| users::no_such_user(&request.user_name))?;
    let Some(place) = user.groups.iter().position(|name| *name == group.name) else {
        let text = format!("User {} is not in group {}.", user.name, group.name);
        return Err(IamError::NoSuchEntity(text));
    };
    user.groups.remove(place);
    group.members = group.members.saturating_sub(1);
    users::put(call, &user)?;
    groups::put(call, &group)
}
