//! Trails by name or ARN, and what their names may be.

use keywatch_iam::Call;
use keywatch_store::{Partition, Scan};

use super::error::CloudTrailError;
use super::record::{TRAIL, TrailRecord, key};

/// "5 trails per Region", which cannot be raised.
pub(crate) const TRAILS_PER_REGION_MAX: usize = 5;
/// Trails of all Regions of an account that are looked through.
const TRAILS_PER_ACCOUNT_MAX: usize = 1000;

/// `a-Z`, digits, `.`, `_`, `-`; 3 to 128; begins and ends with a letter or digit; no two separators together; no address.
pub(crate) fn check_name(name: &str) -> Result<(), CloudTrailError> {
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let separators = |c: char| "._-".contains(c);
    let adjacent = name.as_bytes().windows(2).any(|pair| pair.iter().all(|b| separators(char::from(*b))));
    let why = if !(3..=128).contains(&name.len()) {
        "Trail name must be between 3 and 128 characters."
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || separators(c)) {
        "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_)."
    } else if !alphanumeric(name.chars().next()) {
        "Trail name must start with a letter or number."
    } else if !alphanumeric(name.chars().next_back()) {
        "Trail name must end with a letter or number."
    } else if adjacent {
        "Trail name cannot have adjacent periods, hyphens or underscores."
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        "Trail name cannot be an IP address."
    } else {
        return Ok(());
    };
    Err(CloudTrailError::InvalidTrailName(why))
}

/// The trail that a name or an ARN means, its row's key, for this account.
pub(crate) async fn find(call: &mut Call<'_>, given: &str) -> Result<(String, TrailRecord), CloudTrailError> {
    let not_found = || CloudTrailError::TrailNotFound(given.to_owned());
    let key = if given.starts_with("arn:") {
        let arn: keywatch_api::Arn = given.parse().map_err(|_| not_found())?;
        let name = arn.resource.strip_prefix("trail/").ok_or_else(not_found)?;
        if arn.account != call.account().as_str() {
            return Err(not_found());
        }
        key(&Partition::new(&arn.account, &arn.region), name)
    } else {
        check_name(given)?;
        key(&call.partition(), given)
    };
    let record = call.tx.get::<TrailRecord>(TRAIL, &key).await?;
    // Other Regions see a shadow of a multi-Region trail, and nothing of any other.
    let seen = record.filter(|record| record.is_multi_region || record.home_region == call.region.as_str());
    seen.map(|record| (key, record)).ok_or_else(not_found)
}

/// As [`find`], for operations that only the home Region may do.
pub(crate) async fn find_at_home(
    call: &mut Call<'_>,
    given: &str,
) -> Result<(String, TrailRecord), CloudTrailError> {
    let (key, record) = find(call, given).await?;
    if record.home_region == call.region.as_str() {
        Ok((key, record))
    } else {
        Err(CloudTrailError::InvalidHomeRegion(record.home_region))
    }
}

/// The account's trails, of every Region, by key.
pub(crate) async fn of_account(call: &mut Call<'_>) -> Result<Vec<TrailRecord>, CloudTrailError> {
    let prefix = format!("{}/", call.account());
    let rows =
        call.tx.scan(TRAIL, Scan { prefix: &prefix, after: None, limit: TRAILS_PER_ACCOUNT_MAX }).await?;
    Ok(rows.into_iter().map(|(_, record)| record).collect())
}

/// Asks for `action` on a trail.
pub(crate) fn authorize(call: &Call<'_>, action: &str, trail: &TrailRecord) -> Result<(), CloudTrailError> {
    Ok(call.authorize_own(action, &trail.arn())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, good) in [
            ("trail", true),
            ("a.b-c_d", true),
            ("ab", false),
            ("-ab", false),
            ("ab-", false),
            ("a..b", false),
            ("192.168.0.1", false),
            ("a b", false),
            (&"a".repeat(129), false),
        ] {
            assert_eq!(check_name(name).is_ok(), good, "{name}");
        }
    }
}
