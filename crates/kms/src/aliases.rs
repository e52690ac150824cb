//! # Aliases
//! An **alias** is a row that names a key of its own account and Region. **Predefined** aliases (`alias/aws/…`) exist in every
//! account; each gets its AWS managed key when it is first needed.
//! Sources: KMS developer guide, "Aliases in AWS KMS"; API reference, `DescribeKey`: a predefined alias without a key makes one.

use jiff::Timestamp;
use keywatch_api::{AccountId, Region};
use keywatch_store::{Kind, Versioned};
use serde::{Deserialize, Serialize};

use crate::error::KmsError;

/// Aliases: `account/region/alias/name`.
pub(crate) const ALIASES: Kind = Kind("kms.alias");
/// Aliases of one key ("Resource quotas"); those of AWS do not count, and no key has both.
pub(crate) const ALIASES_PER_KEY_MAX: usize = 50;
const PREFIX: &str = "alias/";
const RESERVED: &str = "alias/aws/";

/// Aliases of every account, in the order of lists.
pub(crate) const PREDEFINED: &[&str] = &[
    "alias/aws/acm",
    "alias/aws/dynamodb",
    "alias/aws/ebs",
    "alias/aws/elasticfilesystem",
    "alias/aws/es",
    "alias/aws/glue",
    "alias/aws/kinesisvideo",
    "alias/aws/lambda",
    "alias/aws/rds",
    "alias/aws/redshift",
    "alias/aws/s3",
    "alias/aws/secretsmanager",
    "alias/aws/sns",
    "alias/aws/sqs",
    "alias/aws/ssm",
    "alias/aws/xray",
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alias {
    /// A key's id.
    pub(crate) target: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Versioned for Alias {
    const MARKER: &'static str = "kms.alias/1";
}

/// The key of an alias's row.
pub(crate) fn row(account: &AccountId, region: &Region, name: &str) -> String {
    format!("{account}/{region}/{name}")
}

/// Checks a name that a caller wants to give, move or delete.
pub(crate) fn check_name(name: &str) -> Result<(), KmsError> {
    if !name.starts_with(PREFIX) {
        return Err(KmsError::Validation(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html".to_owned(),
        ));
    }
    if name == PREFIX {
        return Err(KmsError::InvalidAliasName("An alias needs a name after its prefix."));
    }
    Ok(())
}

/// Whether a name belongs to AWS.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(check_name("alias/a"), Ok(()));
        assert!(matches!(check_name("fakealias"), Err(KmsError::Validation(_))));
        assert!(matches!(check_name("alias/"), Err(KmsError::InvalidAliasName(_))));
        assert!(is_reserved("alias/aws/s3") && !is_reserved("alias/awsome"));
    }

    #[test]
    fn predefined_aliases_are_in_order() {
        assert!(PREDEFINED.is_sorted());
        assert!(PREDEFINED.iter().all(|name| is_reserved(name)));
    }
}
