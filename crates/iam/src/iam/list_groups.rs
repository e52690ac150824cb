//! `ListGroups`: the account's groups by name, those below a path.

use keywatch_api::Arn;
use keywatch_api::iam::ListByPathRequest;
use keywatch_api::iam::groups::ListGroupsResponse;

use super::authorize::{Target, authorize};
use super::page::PageRequest;
use super::{Iam, IamError};
use crate::Call;
use crate::identity::{GROUP, GroupRecord};

pub(crate) async fn list_groups(
    call: &mut Call<'_>,
    _iam: &Iam,
    request: ListByPathRequest,
) -> Result<ListGroupsResponse, IamError> {
    let prefix = request.path_prefix.unwrap_or_else(|| "/".to_owned());
    let arn = Arn::new("iam", "", call.account().as_str(), format!("group{prefix}"));
    authorize(call, "ListGroups", &Target::new(arn))?;
    let wanted =
        PageRequest::new(format!("ListGroups {prefix}"), request.marker.as_deref(), request.max_items)?;
    let page = wanted.scan(call, GROUP, |group: &GroupRecord| group.path.starts_with(&prefix)).await?;
    Ok(ListGroupsResponse {
        groups: page.items.iter().map(|group| group.shown(call.account())).collect(),
        is_truncated: page.marker.is_some(),
        marker: page.marker,
    })
}
