//! `CreateGroup`: makes a group without members and permissions.

use keywatch_api::iam::groups::{CreateGroupRequest, GroupResponse};
use keywatch_crypto::SystemRandom;

use super::authorize::{Target, authorize};
use super::quotas::{self, Counted};
use super::{Iam, IamError};
use crate::Call;
use crate::identity::{
    GROUP, GroupRecord, IdPrefix, InlinePolicies, group_arn, name_key, new_id, whole_seconds,
};

pub(crate) async fn create_group(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: CreateGroupRequest,
) -> Result<GroupResponse, IamError> {
    let path = request.path.unwrap_or_else(|| "/".to_owned());
    let arn = group_arn(call.account(), &path, &request.group_name);
    authorize(call, "CreateGroup", &Target::new(arn))?;
    let group = GroupRecord {
        name: request.group_name,
        path,
        id: new_id(IdPrefix::Group, &mut SystemRandom),
        created: whole_seconds(call.now),
        policies: InlinePolicies::default(),
        attached: Vec::new(),
        members: 0,
    };
    let key = name_key(call.account(), &group.name);
    if call.tx.get::<GroupRecord>(GROUP, &key).await?.is_some() {
        return Err(IamError::EntityAlreadyExists(format!("Group with name {} already exists.", group.name)));
    }
    quotas::take(call, Counted::Groups).await?;
    call.tx.insert(GROUP, &key, &group)?;
    Ok(GroupResponse { group: group.shown(call.account()) })
}
