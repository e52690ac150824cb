//! Shapes of tags. KMS spells their members `TagKey` and `TagValue`.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::member::{TagKey, is_marker};
use crate::shape;

shape! {
    pub struct Tag: Pascal {
        tag_key: String [len 1..=128],
        tag_value: String [len 0..=256],
    }
}

shape! {
    /// `TagResource`
    pub struct TagResourceRequest: Pascal {
        key_id: String [len 1..=2048],
        tags: Vec<Tag>,
    }
}

shape! {
    /// `UntagResource`
    pub struct UntagResourceRequest: Pascal {
        key_id: String [len 1..=2048],
        tag_keys: Vec<TagKey>,
    }
}

shape! {
    /// `ListResourceTags`
    pub struct ListResourceTagsRequest: Pascal {
        key_id: String [len 1..=2048],
        limit: Option<i32> [range 1..=50],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
    }
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListResourceTagsResponse {
    pub tags: Vec<Tag>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}
