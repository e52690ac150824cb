//! Shapes of grants.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::member::{GrantToken, is_alias_name, is_marker};
use super::sets::GrantOperation;
use crate::{SecretText, WireTime, shape};

const ACCOUNT_DIGITS: usize = 12;

shape! {
    /// `CreateGrant`. One of the grantees is required, which the handler sees to.
    pub struct CreateGrantRequest: Pascal {
        key_id: String [len 1..=2048],
        grantee_principal: Option<String> [len 1..=256] [pattern is_principal, "^[\\w+=,.@:/-]+$"],
        retiring_principal: Option<String> [len 1..=256] [pattern is_principal, "^[\\w+=,.@:/-]+$"],
        operations: Vec<GrantOperation>,
        constraints: Option<GrantConstraints>,
        #[serde(skip_serializing)]
        grant_tokens: Option<Vec<GrantToken>> [len 0..=10],
        name: Option<String> [len 1..=256] [pattern is_alias_name, "^[a-zA-Z0-9:/_-]+$"],
        dry_run: Option<bool>,
        grantee_service_principal: Option<String> [len 1..=128] [pattern is_service_principal, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$"],
        retiring_service_principal: Option<String> [len 1..=128] [pattern is_service_principal, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$"],
    }
}

shape! {
    /// When a grant holds. An absent member constrains nothing.
    #[derive(Clone, Default, PartialEq, Eq, Deserialize)]
    pub struct GrantConstraints: Pascal {
        #[serde(skip_serializing_if = "Option::is_none")]
        encryption_context_subset: Option<BTreeMap<String, String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encryption_context_equals: Option<BTreeMap<String, String>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        source_arn: Option<String> [len 20..=512] [pattern is_source_arn, "^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$"],
    }
}

shape! {
    /// `ListGrants`
    pub struct ListGrantsRequest: Pascal {
        limit: Option<i32> [range 1..=100],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
        key_id: String [len 1..=2048],
        grant_id: Option<String> [len 1..=128],
        grantee_principal: Option<String> [len 1..=256] [pattern is_principal, "^[\\w+=,.@:/-]+$"],
        grantee_service_principal: Option<String> [len 1..=128] [pattern is_service_principal, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$"],
    }
}

shape! {
    /// `ListRetirableGrants`. One of the principals is required, which the handler sees to.
    pub struct ListRetirableGrantsRequest: Pascal {
        limit: Option<i32> [range 1..=100],
        marker: Option<String> [len 1..=1024] [pattern is_marker, "[\\u0020-\\u00FF]*"],
        retiring_principal: Option<String> [len 1..=256] [pattern is_principal, "^[\\w+=,.@:/-]+$"],
        retiring_service_principal: Option<String> [len 1..=128] [pattern is_service_principal, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$"],
    }
}

shape! {
    /// `RetireGrant`: a token, or a key and a grant of it.
    pub struct RetireGrantRequest: Pascal {
        #[serde(skip_serializing)]
        grant_token: Option<SecretText> [len 1..=8192],
        key_id: Option<String> [len 1..=2048],
        grant_id: Option<String> [len 1..=128],
        dry_run: Option<bool>,
    }
}

shape! {
    /// `RevokeGrant`
    pub struct RevokeGrantRequest: Pascal {
        key_id: String [len 1..=2048],
        grant_id: String [len 1..=128],
        dry_run: Option<bool>,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantResponse {
    pub grant_token: SecretText,
    /// 64 hexadecimal digits.
    pub grant_id: String,
}

/// Answer of `ListGrants` and `ListRetirableGrants`.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGrantsResponse {
    pub grants: Vec<GrantListEntry>,
    pub next_marker: Option<String>,
    pub truncated: bool,
}

#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantListEntry {
    /// The key's ARN.
    pub key_id: String,
    pub grant_id: String,
    /// Empty when the grant has none.
    pub name: String,
    pub creation_date: WireTime,
    pub grantee_principal: Option<String>,
    pub grantee_service_principal: Option<String>,
    pub retiring_principal: Option<String>,
    pub retiring_service_principal: Option<String>,
    /// `arn:aws:iam::A:root`
    pub issuing_account: String,
    pub operations: Vec<GrantOperation>,
    pub constraints: Option<GrantConstraints>,
}

/// `[\w+=,.@:/-]+`
fn is_principal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b))
}

/// At least three labels of letters, digits and hyphens.
fn is_service_principal(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    text.split('.').count() >= 3 && text.split('.').all(label)
}

/// `arn:aws…:service:region:account:resource`
fn is_source_arn(text: &str) -> bool {
    let lower = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else { return false };
    arn == "arn"
        && partition.strip_prefix("aws").is_some_and(|rest| rest.bytes().all(lower))
        && !service.is_empty()
        && service.bytes().all(lower)
        && region.bytes().all(lower)
        && account.len() == ACCOUNT_DIGITS
        && account.bytes().all(|b| b.is_ascii_digit())
        && !resource.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepts: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(accepts(text), "{text:?}");
        }
        for text in bad {
            assert!(!accepts(text), "{text:?}");
        }
    }

    #[test]
    fn patterns() {
        check(is_principal, &["arn:aws:iam::111122223333:role/a+b=c,d.e@f_g-h"], &["", "a b", "a|b"]);
        check(is_service_principal, &["rds.amazonaws.com", "a-1.b.c.d"], &["rds.com", "a..b.c", "a.b.c_"]);
        check(
            is_source_arn,
            &["arn:aws:rds:eu-west-1:111122223333:db:x", "arn:aws-cn:s3::111122223333:b"],
            &["arn:aws:s3:::b", "arn:gcp:s3::111122223333:b", "arn:aws:s3::111122223333:"],
        );
    }
}
