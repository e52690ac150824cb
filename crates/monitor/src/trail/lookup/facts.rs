//! The members of a record that event history shows or asks for, borrowed from its text.

use std::borrow::Cow;

use serde::Deserialize;

use crate::text::Text;

/// A record, as far as look-ups care. Unknown members are stepped over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts<'a> {
    #[serde(rename = "eventID", borrow, default)]
    pub(crate) event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) event_source: Cow<'a, str>,
    #[serde(default)]
    pub(crate) read_only: Option<bool>,
    #[serde(borrow, default)]
    pub(crate) user_identity: Option<UserIdentity<'a>>,
    #[serde(borrow, default)]
    pub(crate) resources: Option<Vec<Resource<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserIdentity<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    principal_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    user_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    access_key_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    invoked_by: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Resource<'a> {
    #[serde(rename = "ARN", borrow, default)]
    pub(crate) arn: Option<Text<'a>>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
}

impl<'a> Facts<'a> {
    /// `None` for text that is no record.
    pub(crate) fn read(record: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(record).ok()
    }

    /// `Username`: a user's name, `root`, a role's session name, or the service that acted.
    pub(crate) fn user_name(&self) -> Option<&str> {
        let identity = self.user_identity.as_ref()?;
        if let Some(name) = &identity.user_name {
            return Some(name);
        }
        match &*identity.kind {
            "Root" => Some("root"),
            "AWSService" => identity.invoked_by.as_deref(),
            _ => identity.principal_id.as_deref()?.split_once(':').map(|(_, session)| session),
        }
    }

    pub(crate) fn access_key_id(&self) -> Option<&str> {
        self.user_identity.as_ref()?.access_key_id.as_deref()
    }

    pub(crate) fn resources(&self) -> &[Resource<'a>] {
        self.resources.as_deref().unwrap_or_default()
    }
}
