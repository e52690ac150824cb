//! Whether the caller may: IAM's own actions under the caller's identity policies.

use keywatch_api::Arn;
use keywatch_api::iam::Tag;

use super::IamError;
use crate::identity::Tags;
use crate::policy::{KeyList, ResourceSide, Values};
use crate::{Call, Question};

/// What an action is asked to act on.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) arn: Arn,
    /// Tags it has.
    pub(super) tags: Option<&'a Tags>,
    /// Tags the request gives.
    pub(super) new_tags: &'a [Tag],
    /// Tag keys the request takes away.
    pub(super) tag_keys: &'a [String],
    /// Keys of this action alone: `iam:PolicyARN`, `iam:PermissionsBoundary`.
    pub(super) keys: &'a [(&'static str, &'a str)],
}

impl<'a> Target<'a> {
    pub(super) fn new(arn: Arn) -> Self {
        Self { arn, tags: None, new_tags: &[], tag_keys: &[], keys: &[] }
    }

    pub(super) fn tagged(arn: Arn, tags: Option<&'a Tags>) -> Self {
        Self { tags, ..Self::new(arn) }
    }
}

/// An action that has no resource. `action` is the operation's name without `iam:`.
pub(super) fn authorize_account(call: &Call<'_>, action: &str) -> Result<(), IamError> {
    Ok(call.authorize_own(&format!("iam:{action}"), "*")?)
}

/// `action` is the operation's name without `iam:`.
pub(super) fn authorize(call: &Call<'_>, action: &str, target: &Target<'_>) -> Result<(), IamError> {
    call.authorize(&Question {
        action: &format!("iam:{action}"),
        resource: &target.arn.to_string(),
        owner: call.account(),
        side: ResourceSide::None,
        granted: false,
        keys: &keys(target),
    })?;
    Ok(())
}

/// IAM user guide, "Actions, resources, and condition keys for AWS IAM".
fn keys(target: &Target<'_>) -> KeyList<'static> {
    let mut keys = KeyList::default();
    for (key, value) in target.keys {
        keys = keys.with(*key, Values::one((*value).to_owned()));
    }
    for (key, value) in target.tags.map(Tags::pairs).unwrap_or_default() {
        keys = keys
            .with(format!("iam:ResourceTag/{key}"), Values::one(value.clone()))
            .with(format!("aws:ResourceTag/{key}"), Values::one(value));
    }
    for tag in target.new_tags {
        keys = keys.with(format!("aws:RequestTag/{}", tag.key), Values::one(tag.value.clone()));
    }
    let named: Vec<String> =
        target.new_tags.iter().map(|tag| tag.key.clone()).chain(target.tag_keys.iter().cloned()).collect();
    if named.is_empty() { keys } else { keys.with("aws:TagKeys", Values::many(named)) }
}
