//! When an access key last signed: a row per key, derived from the trail by a follower and read by `GetAccessKeyLastUsed`.

use jiff::Timestamp;
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

/// Rows by access key id.
pub const KEY_USE: Kind = Kind("iam.key_use");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    pub time: Timestamp,
    /// `kms`
    pub service: String,
    pub region: String,
}

impl Versioned for KeyUse {
    const MARKER: &'static str = "iam.key_use/1";
}
