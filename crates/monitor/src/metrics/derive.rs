//! # Derived metrics: what a CloudTrail record adds
//! One record of KMS becomes **derived** facts: points of `AWS/KMS` and `AWS/Usage`, and beginnings and ends of countdowns. A pure
//! function of the record's bytes and of who imported it, so records imported from AWS count exactly like our own.
//! **Invariants:** a call is counted once even when its record is delivered to two accounts; refused calls add nothing to
//! `AWS/KMS`. What an imported record adds belongs to the account that imported it, whatever the record says: nobody adds to
//! the metrics of others. The ARN in the dimensions tells whose key it is. `AWS/Usage` stays free of other accounts' calls,
//! which count against quotas of theirs.
//! **Not here:** where the facts go (`series.rs`).
//!
//! Source: KMS Developer Guide, "Monitoring KMS keys with Amazon CloudWatch"; CloudWatch User Guide, "AWS usage metrics".

use std::borrow::Cow;

use jiff::{civil::DateTime, tz::TimeZone};
use keywatch_api::kms::KEY_USES;
use keywatch_iam::record::OwnRecord;
use serde::Deserialize;

use super::{Second, Unit, series::MetricRef, statistic_set::StatisticSet};
use keywatch_history::Text;

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
        call_count(&record, importer, operation, time, &mut each);
        if record.error_code.is_some() {
            return;
        }
        successful_request(&record, importer, operation, time, &mut each);
    }
    countdown(&record, importer, operation, time, &mut each);
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
}

impl<'a> Record<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        // Nearly all records are of our own calls that used a key.
        match OwnRecord::of(record) {
            Some(own) if own.event_source != KMS_SOURCE => None,
            Some(own) if KEY_USES.contains(&own.event_name) => Self::of_use(&own),
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
            error_code: own.failed.then(|| "".into()),
            recipient_account_id: Some(own.recipient.into()),
            user_identity: own.signer.map(|signer| UserIdentity { account_id: Some(signer.account.into()) }),
            resources: Some(own.resource_arns().map(|arn| Resource { arn: Some(arn.into()) }).collect()),
            request_parameters: Option::deserialize(&mut parameters).ok()?,
            ..Self::default()
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity<'a> {
    #[serde(borrow)]
    account_id: Option<Text<'a>>,
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

fn successful_request(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    if !KEY_USES.contains(&operation) {
        return;
    }
    let parameters = record.request_parameters.as_ref();
    let mut keys = key_arns(record);
    let mut point = |key: &KeyArn<'_>, dimensions: &[(&str, &str)]| {
        // Of a call across accounts the owner of the key has a record of its own; only that one counts.
        if record.shared_event_id.is_some() && record.recipient_account_id.as_deref() != Some(key.account) {
            return;
        }
        let partition = key.partition(importer);
        let metric = MetricRef {
            partition: &partition,
            namespace: KMS_NAMESPACE,
            name: SUCCESSFUL_REQUEST,
            dimensions,
        };
        each(Derived::Point { metric, time, unit: Unit::Count, value: 1.0 });
    };
    if operation == "ReEncrypt" {
        let first = keys.next();
        let named = |id: Option<&Text<'_>>| id.map(|id| id.to_string());
        let source = first
            .as_ref()
            .map(|key| key.arn.to_owned())
            .or_else(|| named(parameters.and_then(|p| p.source_key_id.as_ref())));
        let destination = keys.next().or(first).map(|key| key.arn.to_owned());
        let destination =
            destination.or_else(|| named(parameters.and_then(|p| p.destination_key_id.as_ref())));
        if let (Some(source), Some(destination)) = (source, destination)
            && let Some(key) = KeyArn::parse(&destination)
        {
            let dimensions = [
                ("DestinationKeyArn", destination.as_str()),
                ("Operation", operation),
                ("SourceKeyArn", &source),
            ];
            point(&key, &dimensions);
        }
    } else if let Some(key) = keys.next() {
        point(&key, &[("KeyArn", key.arn), ("Operation", operation)]);
    }
}

fn call_count(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    let caller = record.user_identity.as_ref().and_then(|identity| identity.account_id.as_deref());
    let recipient = record.recipient_account_id.as_deref();
    // Of a call across accounts the caller's record counts, as the caller's quota does.
    if record.shared_event_id.is_some() && caller != recipient {
        return;
    }
    let (Some(account), Some(region)) = (recipient.or(caller), record.aws_region.as_deref()) else { return };
    if importer.is_some_and(|importer| importer != account) {
        return;
    }
    let resource = usage_resource(operation, record.request_parameters.as_ref());
    let partition = partition(account, region);
    let dimensions =
        [("Class", "None"), ("Resource", resource.as_ref()), ("Service", "KMS"), ("Type", "API")];
    let metric = MetricRef {
        partition: &partition,
        namespace: USAGE_NAMESPACE,
        name: CALL_COUNT,
        dimensions: &dimensions,
    };
    each(Derived::Point { metric, time, unit: Unit::None, value: 1.0 });
}

/// The `Resource` of a call in `AWS/Usage`: the shared request quota it counts against, or the operation itself.
fn usage_resource<'a>(operation: &'a str, parameters: Option<&Parameters<'_>>) -> Cow<'a, str> {
    let algorithm =
        parameters.and_then(|p| p.signing_algorithm.as_deref().or(p.encryption_algorithm.as_deref()));
    match operation {
        "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
            match parameters.and_then(|parameters| parameters.key_pair_spec.as_deref()) {
                Some(spec) => Cow::Owned(format!("GenerateDataKeyPair-{spec}")),
                None => Cow::Borrowed(operation),
            }
        }
        "DeriveSharedSecret" => Cow::Borrowed("CryptographicOperationsEcc"),
        "Sign" | "Verify" | "Encrypt" | "Decrypt" => match algorithm {
            Some(name) if name.starts_with("RSA") => Cow::Borrowed("CryptographicOperationsRsa"),
            Some(name) if name.starts_with("ECDSA") || name.starts_with("ED25519") => {
                Cow::Borrowed("CryptographicOperationsEcc")
            }
            Some("SYMMETRIC_DEFAULT") => Cow::Borrowed("CryptographicOperationsSymmetric"),
            // Records before 2020 do not name the algorithm of a symmetric key.
            None if matches!(operation, "Encrypt" | "Decrypt") => {
                Cow::Borrowed("CryptographicOperationsSymmetric")
            }
            _ => Cow::Borrowed(operation),
        },
        "ReEncrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateMac"
        | "VerifyMac"
        | "GenerateRandom" => Cow::Borrowed("CryptographicOperationsSymmetric"),
        _ => Cow::Borrowed(operation),
    }
}

fn countdown(
    record: &Record<'_>,
    importer: Option<&str>,
    operation: &str,
    time: Second,
    each: &mut impl FnMut(Derived<'_>),
) {
    if !matches!(
        operation,
        "ImportKeyMaterial" | "DeleteImportedKeyMaterial" | "DeleteExpiredKeyMaterial" | "DeleteKey"
    ) {
        return;
    }
    let Some(key) = key_arns(record).next() else { return };
    if record.shared_event_id.is_some() && record.recipient_account_id.as_deref() != Some(key.account) {
        return;
    }
    let partition = key.partition(importer);
    let dimensions = [("KeyId", key.id)];
    let metric = MetricRef {
        partition: &partition,
        namespace: KMS_NAMESPACE,
        name: SECONDS_UNTIL_EXPIRATION,
        dimensions: &dimensions,
    };
    let details = [&record.response_elements, &record.service_event_details, &record.request_parameters];
    let material = details.into_iter().flatten().find_map(|details| details.key_material_id.as_deref());
    match operation {
        "ImportKeyMaterial" => {
            let valid_to =
                record.request_parameters.as_ref().and_then(|parameters| parameters.valid_to.as_deref());
            // Without a material id (older records, asymmetric keys) the key has one material.
            let subject = material.unwrap_or_default();
            match valid_to.and_then(seconds) {
                Some(expires) => each(Derived::CountdownStarted { metric, subject, from: time, expires }),
                None => each(Derived::CountdownEnded { metric, subject: Some(subject), at: time }),
            }
        }
        "DeleteKey" => each(Derived::CountdownEnded { metric, subject: None, at: time }),
        _ => each(Derived::CountdownEnded { metric, subject: material, at: time }),
    }
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
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

    fn record(operation: &str, members: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","accountId":"111122223333"}},"eventTime":"2025-05-20T20:45:08Z",
            "eventSource":"kms.amazonaws.com","eventName":"{operation}","awsRegion":"us-west-2","eventType":"AwsApiCall",
            "recipientAccountId":"111122223333",{members}}}"#
        )
    }

    fn on_key(operation: &str, more: &str) -> String {
        record(operation, &format!(r#""resources":[{{"accountId":"111122223333","ARN":"{KEY}"}}]{more}"#))
    }

    #[test]
    fn a_use_of_a_key() {
        check(
            &on_key(
                "Decrypt",
                r#","requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"a":"\n"}}"#,
            ),
            &[
                "111122223333/us-west-2 AWS/Usage CallCount Class=None Resource=CryptographicOperationsSymmetric Service=KMS Type=API = 1",
                &format!(
                    "111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1"
                ),
            ],
        );
    }

    #[test]
    fn our_own_records_give_the_same_without_being_parsed() {
        let record = |operation: &str, parameters: &str| {
            format!(
                r#"{{"eventVersion":"1.11","userIdentity":{{"type":"Root","principalId":"p","arn":"a","accountId":"111122223333"}},"eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","eventName":"{operation}","awsRegion":"us-west-2","sourceIPAddress":"127.0.0.1","requestParameters":{parameters},"responseElements":null,"requestID":"r","eventID":"e","readOnly":true,"resources":[{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"{KEY}"}},{{"accountId":"111122223333","type":"AWS::KMS::Key","ARN":"{OTHER}"}}],"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
            )
        };
        let all = |record: &str| {
            let mut got = Vec::new();
            derive(record.as_bytes(), None, |derived| got.push(show(&derived)));
            got
        };
        for operation in ["Encrypt", "Decrypt", "ReEncrypt", "Sign", "GenerateDataKeyPair", "DescribeKey"] {
            for parameters in [
                "null",
                r#"{"keyId":"k","signingAlgorithm":"RSASSA_PSS_SHA_256"}"#,
                r#"{"keyPairSpec":"RSA_2048"}"#,
            ] {
                let ours = record(operation, parameters);
                assert!(OwnRecord::of(ours.as_bytes()).is_some());
                let parsed = ours.replacen('{', "{ ", 1);
                assert!(OwnRecord::of(parsed.as_bytes()).is_none());
                assert_eq!(all(&ours), all(&parsed), "{ours}");
                assert!(!all(&ours).is_empty());
                for refused in [&ours, &parsed] {
                    let refused = refused.replace(
                        r#""requestParameters""#,
                        r#""errorCode":"AccessDenied","requestParameters""#,
                    );
                    assert_eq!(all(&refused).len(), 1, "{refused}");
                }
            }
        }
    }

    #[test]
    fn what_is_imported_belongs_to_the_importer() {
        let of = |importer: &str| {
            let mut got = Vec::new();
            derive(on_key("Decrypt", "").as_bytes(), Some(importer), |derived| got.push(show(&derived)));
            got
        };
        let want =
            format!("444455556666/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1");
        assert_eq!(of("444455556666"), [want]);
        assert_eq!(of("111122223333").len(), 2, "an account's own calls count against its quotas");
    }

    #[test]
    fn re_encrypt_names_both_keys() {
        let dimensions = format!("DestinationKeyArn={OTHER} Operation=ReEncrypt SourceKeyArn={KEY}");
        let want = format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest {dimensions} = 1");
        let both = record("ReEncrypt", &format!(r#""resources":[{{"ARN":"{KEY}"}},{{"ARN":"{OTHER}"}}]"#));
        check_kms(&both, &[&want]);
        let same = want.replace(OTHER, KEY);
        check_kms(&on_key("ReEncrypt", ""), &[&same]);
    }

    #[test]
    fn refused_calls_and_management_add_no_use() {
        check_kms(&on_key("Decrypt", r#","errorCode":"AccessDenied""#), &[]);
        check_kms(&on_key("DescribeKey", ""), &[]);
        check_kms(&on_key("Decrypt", "").replace("kms.amazonaws.com", "s3.amazonaws.com"), &[]);
        check_kms(&record("GenerateRandom", r#""resources":[]"#), &[]);
        check_kms("not json", &[]);
        check_kms(r#"{"eventSource":5}"#, &[]);
    }

    #[test]
    fn the_key_may_be_named_only_by_the_parameters() {
        let want =
            format!("111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Encrypt = 1");
        check_kms(&record("Encrypt", &format!(r#""requestParameters":{{"keyId":"{KEY}"}}"#)), &[&want]);
        check_kms(&record("Encrypt", r#""requestParameters":{"keyId":"alias/x"}"#), &[]);
    }

    #[test]
    fn a_call_across_accounts_counts_once_on_each_side() {
        let shared = r#","sharedEventID":"5c1a0b3e""#;
        let owner = on_key("Decrypt", shared)
            .replace(r#""type":"IAMUser","accountId":"111122223333""#, r#""accountId":"444455556666""#);
        check(
            &owner,
            &[&format!(
                "111122223333/us-west-2 AWS/KMS SuccessfulRequest KeyArn={KEY} Operation=Decrypt = 1"
            )],
        );
        let caller =
            owner.replace(r#""recipientAccountId":"111122223333""#, r#""recipientAccountId":"444455556666""#);
        check(
            &caller,
            &[
                "444455556666/us-west-2 AWS/Usage CallCount Class=None Resource=CryptographicOperationsSymmetric Service=KMS Type=API = 1",
            ],
        );
    }

    #[test]
    fn resources_of_usage() {
        for (operation, parameters, want) in [
            ("DescribeKey", "{}", "DescribeKey"),
            ("GenerateDataKeyPair", r#"{"keyPairSpec":"RSA_2048"}"#, "GenerateDataKeyPair-RSA_2048"),
            ("Sign", r#"{"signingAlgorithm":"ECDSA_SHA_256"}"#, "CryptographicOperationsEcc"),
            ("Verify", r#"{"signingAlgorithm":"RSASSA_PSS_SHA_256"}"#, "CryptographicOperationsRsa"),
            ("Decrypt", r#"{"encryptionAlgorithm":"RSAES_OAEP_SHA_256"}"#, "CryptographicOperationsRsa"),
            ("Encrypt", "{}", "CryptographicOperationsSymmetric"),
            ("GenerateRandom", "null", "CryptographicOperationsSymmetric"),
        ] {
            let mut got = Vec::new();
            let text = record(operation, &format!(r#""errorCode":"X","requestParameters":{parameters}"#));
            derive(text.as_bytes(), None, |derived| got.push(show(&derived)));
            assert!(got.len() == 1 && got[0].contains(&format!("Resource={want} ")), "{operation}: {got:?}");
        }
    }

    #[test]
    fn countdowns() {
        let import = |parameters: &str| {
            on_key(
                "ImportKeyMaterial",
                &format!(r#","requestParameters":{parameters},"responseElements":{{"keyMaterialId":"m1"}}"#),
            )
        };
        let metric = "111122223333/us-west-2 AWS/KMS SecondsUntilKeyMaterialExpiration KeyId=1234abcd-12ab-34cd-56ef-1234567890ab";
        let at = 1_747_773_908;
        for valid_to in ["May 21, 2025, 5:47:45 AM", "May 21, 2025 5:47:45 AM", "2025-05-21T05:47:45Z"] {
            let text =
                import(&format!(r#"{{"validTo":"{valid_to}","expirationModel":"KEY_MATERIAL_EXPIRES"}}"#));
            check_kms(&text, &[&format!("{metric} m1 from {at} to 1747806465")]);
        }
        check_kms(
            &import(r#"{"expirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}"#),
            &[&format!("{metric} Some(\"m1\") ended {at}")],
        );
        let service = |name: &str, details: &str| {
            on_key(name, &format!(r#","serviceEventDetails":{details}"#))
                .replace("AwsApiCall", "AwsServiceEvent")
        };
        check(
            &service("DeleteExpiredKeyMaterial", r#"{"keyMaterialId":"m1"}"#),
            &[&format!("{metric} Some(\"m1\") ended {at}")],
        );
        check(&service("DeleteKey", "null"), &[&format!("{metric} None ended {at}")]);
        check_kms(
            &on_key("DeleteImportedKeyMaterial", r#","responseElements":{"keyMaterialId":"m1"}"#),
            &[&format!("{metric} Some(\"m1\") ended {at}")],
        );
    }

    fn show(derived: &Derived<'_>) -> String {
        let name = |metric: &MetricRef<'_>| {
            let mut text = format!("{} {} {}", metric.partition, metric.namespace, metric.name);
            for (name, value) in metric.dimensions {
                text += &format!(" {name}={value}");
            }
            assert!(metric.dimensions.is_sorted_by(|a, b| a.0 < b.0), "{text}");
            text
        };
        match derived {
            Derived::Point { metric, value, .. } => format!("{} = {value}", name(metric)),
            Derived::CountdownStarted { metric, subject, from, expires } => {
                format!("{} {subject} from {from} to {expires}", name(metric))
            }
            Derived::CountdownEnded { metric, subject, at } => {
                format!("{} {subject:?} ended {at}", name(metric))
            }
        }
    }

    #[track_caller]
    fn check(record: &str, want: &[&str]) {
        let mut got = Vec::new();
        derive(record.as_bytes(), None, |derived| got.push(show(&derived)));
        assert_eq!(got, want);
    }

    /// Only what concerns `AWS/KMS`.
    #[track_caller]
    fn check_kms(record: &str, want: &[&str]) {
        let mut got = Vec::new();
        derive(record.as_bytes(), None, |derived| got.push(show(&derived)));
        got.retain(|text| !text.contains("AWS/Usage"));
        assert_eq!(got, want);
    }
}
