//! Amazon Resource Names: `arn:partition:service:region:account:resource`, the resource kept whole.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Region};

/// An ARN taken apart. Region and account may be empty, as in `arn:aws:iam::111122223333:root` or `arn:aws:s3:::bucket`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    pub partition: String,
    pub service: String,
    pub region: String,
    pub account: String,
    pub resource: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an ARN has six parts separated by colons and begins with `arn`")]
pub struct MalformedArn;

impl Arn {
    /// An ARN in partition `aws`.
    pub fn new(service: &str, region: &str, account: &str, resource: impl Into<String>) -> Self {
        Arn {
            partition: "aws".into(),
            service: service.into(),
            region: region.into(),
            account: account.into(),
            resource: resource.into(),
        }
    }

    /// `arn:aws:kms:REGION:ACCOUNT:key/ID`
    pub fn kms_key(region: &Region, account: &AccountId, key_id: &str) -> Self {
        Arn::new("kms", region.as_str(), account.as_str(), format!("key/{key_id}"))
    }

    /// `arn:aws:kms:REGION:ACCOUNT:alias/NAME`, from a name that begins with `alias/`.
    pub fn kms_alias(region: &Region, account: &AccountId, alias_name: &str) -> Self {
        Arn::new("kms", region.as_str(), account.as_str(), alias_name)
    }

    /// `arn:aws:iam::ACCOUNT:root`
    pub fn root(account: &AccountId) -> Self {
        Arn::new("iam", "", account.as_str(), "root")
    }

    /// Whether a text looks like an ARN at all.
    pub fn is_arn(text: &str) -> bool {
        text.starts_with("arn:")
    }

    /// The part of the resource after its first `/` or `:`, or the whole of it.
    pub fn resource_name(&self) -> &str {
        self.resource.split_once(['/', ':']).map_or(self.resource.as_str(), |(_, name)| name)
    }
}

impl FromStr for Arn {
    type Err = MalformedArn;
    fn from_str(text: &str) -> Result<Self, MalformedArn> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned).ok_or(MalformedArn);
        if next()? != "arn" {
            return Err(MalformedArn);
        }
        let arn = Arn {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(MalformedArn);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl TryFrom<String> for Arn {
    type Error = MalformedArn;
    fn try_from(text: String) -> Result<Self, MalformedArn> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:iam::111122223333:root",
            "arn:aws:s3:::bucket/path/with:colon",
            "arn:aws:sns:eu-west-1:111122223333:topic:6b0e71bd-7e97-4d97-80ce-4a0994e55286",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["", "arn", "arn:aws:kms", "urn:aws:kms:r:a:key/x", "arn:aws:kms:r:a:", "arn::kms:r:a:b"]
        {
            assert_eq!(text.parse::<Arn>(), Err(MalformedArn), "{text}");
        }
    }
}
