//! What a `KeyId` field may hold: an id, a key's ARN, an alias's name or its ARN. The only place that takes such a text apart.

use keywatch_api::{AccountId, Arn, Region};
use keywatch_crypto::KeyName;

use crate::error::KmsError;

/// A `KeyId`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyRef<'a> {
    Id(KeyName),
    Arn(KeyPlace),
    /// A name that begins with `alias/`.
    Alias(&'a str),
    AliasArn {
        account: AccountId,
        region: Region,
        name: String,
    },
}

/// Where a key is: the name space and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyPlace {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: KeyName,
}

impl KeyPlace {
    pub(crate) fn arn(&self) -> Arn {
        Arn::kms_key(&self.region, &self.account, &self.name.to_string())
    }

    /// From the key of a row: `account/region/id`.
    pub(crate) fn of_row(row: &str) -> Option<Self> {
        let mut parts = row.splitn(3, '/');
        let (account, region, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(KeyPlace {
            account: account.parse().ok()?,
            region: region.parse().ok()?,
            name: name.parse().ok()?,
        })
    }

    /// The key of the row that holds it: `account/region/id`.
    pub(crate) fn row(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }
}

impl<'a> KeyRef<'a> {
    /// Reads a `KeyId` of a request that arrived in `region`.
    pub(crate) fn parse(text: &'a str, region: &Region) -> Result<Self, KmsError> {
        if text.starts_with("alias/") {
            return Ok(KeyRef::Alias(text));
        }
        if Arn::is_arn(text) {
            return parse_arn(text, region);
        }
        text.parse().map(KeyRef::Id).map_err(|_| invalid_id(text))
    }
}

/// The refusal of a text that is no key id.
pub(crate) fn invalid_id(text: &str) -> KmsError {
    KmsError::NotFound(format!("Invalid keyId '{text}'"))
}

fn parse_arn<'a>(text: &str, region: &Region) -> Result<KeyRef<'a>, KmsError> {
    let invalid = || KmsError::NotFound(format!("Invalid arn {text}"));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    if arn.service != "kms" || arn.partition != "aws" {
        return Err(invalid());
    }
    if arn.region != region.as_str() {
        return Err(KmsError::NotFound(format!("Invalid arn {}", arn.region)));
    }
    let account: AccountId = arn.account.parse().map_err(|_| invalid())?;
    if arn.resource.starts_with("alias/") {
        return Ok(KeyRef::AliasArn { account, region: region.clone(), name: arn.resource });
    }
    let id = arn.resource.strip_prefix("key/").ok_or_else(invalid)?;
    let name = id.parse().map_err(|_| invalid_id(id))?;
    Ok(KeyRef::Arn(KeyPlace { account, region: region.clone(), name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    fn parse(text: &str) -> Result<KeyRef<'_>, String> {
        KeyRef::parse(text, &"us-west-2".parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(parse(ID), Ok(KeyRef::Id(ID.parse().unwrap())));
        assert_eq!(parse("alias/a"), Ok(KeyRef::Alias("alias/a")));
        let arn = format!("arn:aws:kms:us-west-2:111122223333:key/{ID}");
        let Ok(KeyRef::Arn(place)) = parse(&arn) else { panic!("a key's ARN") };
        assert_eq!(place.arn().to_string(), arn);
        assert_eq!(place.row(), format!("111122223333/us-west-2/{ID}"));
        assert_eq!(KeyPlace::of_row(&place.row()), Some(place));
        assert_eq!(KeyPlace::of_row("111122223333/us-west-2"), None);
        let Ok(KeyRef::AliasArn { account, name, .. }) =
            parse("arn:aws:kms:us-west-2:111122223333:alias/a/b")
        else {
            panic!("an alias's ARN")
        };
        assert_eq!((account.as_str(), name.as_str()), ("111122223333", "alias/a/b"));
    }

    #[track_caller]
    fn refuses(text: &str, want: &str) {
        assert_eq!(parse(text).unwrap_err(), want);
    }

    #[test]
    fn refusals_read_as_recorded_from_aws() {
        refuses("fake-key-id", "Invalid keyId 'fake-key-id'");
        refuses("134f2428cec14b25a1ae9048164dba47", "Invalid keyId '134f2428cec14b25a1ae9048164dba47'");
        refuses("mrk-fake-key-id", "Invalid keyId 'mrk-fake-key-id'");
        refuses(&format!("arn:aws:kms:eu-west-1:111122223333:key/{ID}"), "Invalid arn eu-west-1");
        refuses("arn:aws:kms:us-west-2:111122223333:key/x", "Invalid keyId 'x'");
        refuses("arn:aws:sns:us-west-2:111122223333:t", "Invalid arn arn:aws:sns:us-west-2:111122223333:t");
    }
}
