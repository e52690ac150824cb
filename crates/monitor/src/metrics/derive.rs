//! # Derived metrics: what a CloudTrail record adds
//! One record of KMS becomes **derived** facts: points of `AWS/KMS`, `AWS/Usage` and `Keywatch/KMS` (`kms.rs`, `usage.rs`, `insight.rs`),
//! beginnings and ends of countdowns, and uses of what a key material may do. What is not a record adds to `AWS/Logs` and `AWS/SNS`
//! (`services.rs`). A pure function of the record's bytes and of who imported it, so records imported from AWS count exactly like our own.
//! **Invariants:** a call is counted once even when its record is delivered to two accounts; refused calls add nothing to
//! `AWS/KMS`. What an imported record adds belongs to the account that imported it, whatever the record says: nobody adds to
//! the metrics of others. The ARN in the dimensions tells whose key it is. `AWS/Usage` stays free of other accounts' calls,
//! which count against quotas of theirs.
//! **Not here:** where the facts go (`series.rs`).
//!
//! Source: KMS Developer Guide, "Monitoring KMS keys with Amazon CloudWatch"; CloudWatch User Guide, "AWS usage metrics".

use jiff::{civil::DateTime, tz::TimeZone};
use keywatch_api::kms::KEY_USES;
use keywatch_iam::record::OwnRecord;
use serde::Deserialize;

use super::{Second, Unit, series::MetricRef, statistic_set::StatisticSet};
use keywatch_history::Text;

mod insight;
mod kms;
pub mod services;
mod usage;

const KMS_SOURCE: &str = "kms.amazonaws.com";
pub const KMS_NAMESPACE: &str = "AWS/KMS";
pub const USAGE_NAMESPACE: &str = "AWS/Usage";
pub const SUCCESSFUL_REQUEST: &str = "SuccessfulRequest";
pub const SECONDS_UNTIL_EXPIRATION: &str = "SecondsUntilKeyMaterialExpiration";
pub const CALL_COUNT: &str = "CallCount";

/// One fact a record adds.
#[derive(Debug, Clone, PartialEq)]
pub enum Derived<'a> {
    /// One sample at `time`.
    Point { metric: MetricRef<'a>, time: Second, unit: Unit, value: f64 },
    /// Material `subject` expires at `expires`.
    CountdownStarted { metric: MetricRef<'a>, subject: &'a str, from: Second, expires: Second },
    /// So many more of the `most` uses that a key material is good for; the metric shows the percentage that is used up.
    Used { metric: MetricRef<'a>, time: Second, uses: f64, most: f64 },
    /// Material `subject`, or all of the key's, does not expire any more.
    CountdownEnded { metric: MetricRef<'a>, subject: Option<&'a str>, at: Second },
}

/// Calls `each` with everything the record adds; `importer` is the account that imported it, if it is not our own.
/// A record that is no CloudTrail record, or not about KMS, adds nothing.
pub fn derive(record: &[u8], importer: Option<&str>, mut each: impl FnMut(Derived<'_>)) {
    let Some(record) = Record::read(record) else { return };
    if record.event_source.as_deref() != Some(KMS_SOURCE) {
        return;
    }
    let Some(time) = record.event_time.as_deref().and_then(seconds) else { return };
    let Some(operation) = record.event_name.as_deref() else { return };
    if record.event_type.as_deref() != Some("AwsServiceEvent") {
        usage::call_count(&record, importer, operation, time, &mut each);
        insight::requests(&record, importer, operation, time, &mut each);
        if record.error_code.is_some() {
            return;
        }
        kms::successful_request(&record, importer, operation, time, &mut each);
        insight::material_uses(&record, importer, operation, time, &mut each);
        insight::decrypt_share(&record, importer, operation, time, &mut each);
    }
    kms::countdown(&record, importer, operation, time, &mut each);
}

/// The members of a record that matter here. Everything is optional: imported records are not ours.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    event_source: Option<Text<'a>>,
    #[serde(borrow)]
    event_name: Option<Text<'a>>,
    #[serde(borrow)]
    event_time: Option<Text<'a>>,
    #[serde(borrow)]
    event_type: Option<Text<'a>>,
    #[serde(borrow)]
    aws_region: Option<Text<'a>>,
    #[serde(borrow)]
    error_code: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_account_id: Option<Text<'a>>,
    #[serde(borrow, rename = "sharedEventID")]
    shared_event_id: Option<Text<'a>>,
    #[serde(borrow)]
    user_identity: Option<UserIdentity<'a>>,
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow)]
    request_parameters: Option<Parameters<'a>>,
    #[serde(borrow)]
    response_elements: Option<Parameters<'a>>,
    #[serde(borrow)]
    service_event_details: Option<Parameters<'a>>,
    #[serde(borrow)]
    additional_event_data: Option<Materials<'a>>,
}

impl<'a> Record<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        // Nearly all records are of our own calls that used a key.
        match OwnRecord::of(record) {
            Some(own) if own.event_source != KMS_SOURCE => None,
            Some(own) if KEY_USES.contains(&own.event_name) && own.error_code.is_some() == own.failed => {
                Self::of_use(&own)
            }
            _ => sonic_rs::from_slice(record).ok(),
        }
    }

    /// The members that the use of a key needs, of which only the parameters are parsed.
    fn of_use(own: &OwnRecord<'a>) -> Option<Self> {
        let mut parameters = sonic_rs::Deserializer::from_str(own.request_parameters);
        Some(Self {
            event_source: Some(own.event_source.into()),
            event_name: Some(own.event_name.into()),
            event_time: Some(own.event_time.into()),
            aws_region: Some(own.region.into()),
            error_code: own.error_code.map(Into::into),
            recipient_account_id: Some(own.recipient.into()),
            user_identity: own.signer.map(|signer| UserIdentity {
                arn: Some(signer.arn.into()),
                account_id: Some(signer.account.into()),
                invoked_by: None,
            }),
            resources: Some(own.resource_arns().map(|arn| Resource { arn: Some(arn.into()) }).collect()),
            request_parameters: Option::deserialize(&mut parameters).ok()?,
            additional_event_data: own.additional.and_then(Materials::of_members),
            ..Self::default()
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity<'a> {
    #[serde(borrow)]
    arn: Option<Text<'a>>,
    #[serde(borrow)]
    account_id: Option<Text<'a>>,
    /// The service that called, where no principal did.
    #[serde(borrow)]
    invoked_by: Option<Text<'a>>,
}

/// Which materials a call worked with, in `additionalEventData`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Materials<'a> {
    #[serde(borrow)]
    key_material_id: Option<Text<'a>>,
    #[serde(borrow)]
    destination_key_material_id: Option<Text<'a>>,
}

impl<'a> Materials<'a> {
    /// From the members of a record of ours: names and texts without escapes.
    fn of_members(members: &'a str) -> Option<Self> {
        let mut found = Self::default();
        for member in members.split(',') {
            let (name, value) = member.split_once(':')?;
            let value = value.strip_prefix('"')?.strip_suffix('"').filter(|value| !value.contains('\\'))?;
            match name {
                "\"keyMaterialId\"" => found.key_material_id = Some(value.into()),
                "\"destinationKeyMaterialId\"" => found.destination_key_material_id = Some(value.into()),
                _ => {}
            }
        }
        Some(found)
    }
}

#[derive(Debug, Deserialize)]
struct Resource<'a> {
    #[serde(borrow, rename = "ARN")]
    arn: Option<Text<'a>>,
}

/// Request, response and service event details: the names do not clash, so one shape reads all three.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(borrow)]
    key_id: Option<Text<'a>>,
    #[serde(borrow)]
    source_key_id: Option<Text<'a>>,
    #[serde(borrow)]
    destination_key_id: Option<Text<'a>>,
    #[serde(borrow)]
    key_material_id: Option<Text<'a>>,
    #[serde(borrow)]
    valid_to: Option<Text<'a>>,
    #[serde(borrow)]
    key_pair_spec: Option<Text<'a>>,
    #[serde(borrow)]
    encryption_algorithm: Option<Text<'a>>,
    #[serde(borrow)]
    signing_algorithm: Option<Text<'a>>,
}

/// A key's ARN in its parts.
#[derive(Debug, Clone, Copy)]
struct KeyArn<'a> {
    arn: &'a str,
    region: &'a str,
    account: &'a str,
    id: &'a str,
}

impl<'a> KeyArn<'a> {
    fn parse(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (scheme, _, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let id = resource.strip_prefix("key/")?;
        (scheme == "arn" && service == "kms").then_some(Self { arn, region, account, id })
    }

    /// Whose metrics the key's are: its owner's, or those of the account that imported the record.
    fn partition(&self, importer: Option<&str>) -> String {
        partition(importer.unwrap_or(self.account), self.region)
    }
}

/// As the log writes it; formatting machinery would cost more than the rest of a point.
fn partition(account: &str, region: &str) -> String {
    let mut text = String::with_capacity(account.len() + 1 + region.len());
    text.push_str(account);
    text.push('/');
    text.push_str(region);
    text
}

/// The keys a record is about, in its order: those of `resources`, or else the one its parameters name by ARN.
fn key_arns<'a>(record: &'a Record<'_>) -> impl Iterator<Item = KeyArn<'a>> {
    let listed =
        record.resources.iter().flatten().filter_map(|resource| KeyArn::parse(resource.arn.as_deref()?));
    let mut listed = listed.peekable();
    let none_listed = listed.peek().is_none();
    let named = [&record.request_parameters, &record.response_elements].into_iter().flatten();
    let named = named.filter_map(|parameters| KeyArn::parse(parameters.key_id.as_deref()?)).take(1);
    listed.chain(named.filter(move |_| none_listed))
}

/// A record's time: RFC 3339, or the way dates inside parameters are written (`May 21, 2025, 5:47:45 AM`).
fn seconds(text: &str) -> Option<Second> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_second());
    }
    ["%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %I:%M:%S %p"].into_iter().find_map(|format| {
        let civil = DateTime::strptime(format, text).ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    })
}

/// The statistic set of one derived point.
pub fn sample(value: f64) -> StatisticSet {
    StatisticSet::uniform(value, 1.0)
}

#[cfg(test)]
mod tests;
