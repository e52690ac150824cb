//! Shapes of aliases.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{is_alias_name, is_marker};
use crate::{WireTime, shape};

shape! {
    /// `CreateAlias`, `UpdateAlias`
    pub struct AliasTargetRequest: Pascal {
        alias_name: String [len 1..=256] [pattern is_alias_name, "^[a-zA-Z0-9:/_-]+$"],
        target_key_id: String [len 1..=2048],
    }
}

shape! {
    /// `DeleteAlias`
    pub struct DeleteAliasRequest: Pascal {
        alias_name: String [len 1..=256] [pattern is_alias_name, "^[a-zA-Z0-9:/_-]+$"],
    }
}

shape! {
    /// `ListAliases`
    pub struct ListAliasesRequest: Pascal {
        key_id: Option<String> [len 1..=2048],
        limit: Option<i32> [range 1..=100],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
    }
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAliasesResponse {
    pub aliases: Vec<AliasListEntry>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}

/// A predefined alias whose key was never needed has neither target nor dates.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasListEntry {
    pub alias_name: String,
    pub alias_arn: String,
    /// A key id, not an ARN.
    pub target_key_id: Option<String>,
    pub creation_date: Option<WireTime>,
    pub last_updated_date: Option<WireTime>,
}
