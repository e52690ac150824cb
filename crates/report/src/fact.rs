//! What one KMS record says: which keys, who, and why it was refused. Pure functions of the record.
//!
//! A **key name** is an ARN: of the key where the record or the request tells it, else of the alias that was
//! used. A **principal name** is an ARN where there is one, else the service or the bare identifier.
//! **Not here:** counting.
//!
//! Source: AWS KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail".

use keywatch_logfiles::{RawRecord, Value};
use std::borrow::Cow;

pub(super) const KMS_SOURCE: &str = "kms.amazonaws.com";

/// The keys of one record, each once: mostly one, two of a `ReEncrypt`.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    first: Option<Cow<'a, str>>,
    more: Vec<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    fn add(&mut self, key: Cow<'a, str>) {
        if self.iter().any(|known| *known == *key) {
            return;
        }
        match self.first {
            None => self.first = Some(key),
            Some(_) => self.more.push(key),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.more).map(|key| &**key)
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// What is looked at in a request's parameters, found in one pass.
#[derive(Debug, Default)]
pub(super) struct Request<'a> {
    keys: [Option<Value<'a>>; 2],
    destination: Option<Value<'a>>,
    contexts: [Option<Value<'a>>; 2],
    /// The encryption or signing algorithm; of a `ReEncrypt` the one that is not symmetric, if any.
    pub(super) algorithm: Option<Cow<'a, str>>,
    pub(super) key_pair_spec: Option<Cow<'a, str>>,
}

/// Looks at a record's `requestParameters`.
pub(super) fn request<'a>(record: &RawRecord<'a>) -> Request<'a> {
    let mut request = Request::default();
    for (name, value) in record.request_parameters.iter().flat_map(Value::members).map_while(Result::ok) {
        match name {
            b"keyId" | b"sourceKeyId" => request.keys[0] = Some(value),
            b"targetKeyId" => request.keys[1] = Some(value),
            b"destinationKeyId" => request.destination = Some(value),
            b"encryptionContext" | b"sourceEncryptionContext" => request.contexts[0] = Some(value),
            b"destinationEncryptionContext" => request.contexts[1] = Some(value),
            b"keyPairSpec" => request.key_pair_spec = value.as_str(),
            b"encryptionAlgorithm" | b"signingAlgorithm" => request.algorithm = value.as_str(),
            b"sourceEncryptionAlgorithm" | b"destinationEncryptionAlgorithm" => {
                let asymmetric = value.as_str().filter(|algorithm| algorithm != "SYMMETRIC_DEFAULT");
                request.algorithm = asymmetric.or(request.algorithm);
            }
            _ => {}
        }
    }
    request
}

impl<'a> Request<'a> {
    /// The names in the encryption contexts, values left out.
    pub(super) fn context_names(&self) -> impl Iterator<Item = &'a [u8]> {
        let contexts = self.contexts.iter().flatten();
        contexts.flat_map(|context| context.members().map_while(Result::ok)).map(|(name, _)| name)
    }
}

/// The keys that a record is about.
pub(super) fn keys<'a>(record: &RawRecord<'a>, request: &Request<'a>) -> Keys<'a> {
    let mut keys = Keys::default();
    let mut aliases = Keys::default();
    for resource in record.resources.iter().flat_map(Value::elements).map_while(Result::ok) {
        if let Some(arn) = resource_arn(&resource) {
            match arn_kind(&arn) {
                Some(ArnKind::Key) => keys.add(arn),
                Some(ArnKind::Alias) => aliases.add(arn),
                None => {}
            }
        }
    }
    if keys.is_empty() {
        add_requested(record, request, &mut keys);
    } else if record.event_name == "ReEncrypt" {
        add_destination(record, request, &mut keys);
    }
    if keys.is_empty() { aliases } else { keys }
}

/// The ARN of a resource of type `AWS::KMS::Key`, which also aliases have; old records give no type.
fn resource_arn<'a>(resource: &Value<'a>) -> Option<Cow<'a, str>> {
    let (mut arn, mut is_kms) = (None, true);
    for (name, value) in resource.members().map_while(Result::ok) {
        match name {
            b"ARN" | b"arn" => arn = value.as_str(),
            b"type" => is_kms = value.as_str().is_none_or(|kind| kind == "AWS::KMS::Key"),
            _ => {}
        }
    }
    arn.filter(|_| is_kms)
}

/// The keys that the request, the response, the event's details or the error's text name.
fn add_requested<'a>(record: &RawRecord<'a>, request: &Request<'a>, keys: &mut Keys<'a>) {
    for value in request.keys.iter().chain([&request.destination]).flatten() {
        if let Some(key) = value.as_str().and_then(|reference| key_arn(record, reference)) {
            keys.add(key);
        }
    }
    if !keys.is_empty() {
        return;
    }
    let response = record.response_elements.as_ref();
    let metadata = response.and_then(|response| response.get("keyMetadata"));
    let named = metadata
        .and_then(|metadata| metadata.get_str("arn"))
        .or_else(|| response.and_then(|response| response.get_str("keyId")))
        .or_else(|| record.service_event_details?.get_str("keyId"))
        .or_else(|| record.error_message.clone().and_then(arn_in_front));
    if let Some(key) = named.and_then(|reference| key_arn(record, reference)) {
        keys.add(key);
    }
}

/// The second key of a `ReEncrypt` whose resources tell only the first.
fn add_destination<'a>(record: &RawRecord<'a>, request: &Request<'a>, keys: &mut Keys<'a>) {
    let reference = request.destination.and_then(|value| value.as_str());
    if let Some(arn) = reference.and_then(|reference| key_arn(record, reference))
        && arn_kind(&arn) == Some(ArnKind::Key)
    {
        keys.add(arn);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ArnKind {
    Key,
    Alias,
}

/// Whether an ARN is one of KMS, and of what. Text that only looks like one is none.
fn arn_kind(arn: &str) -> Option<ArnKind> {
    let mut parts = arn.splitn(6, ':');
    if parts.next() != Some("arn") || parts.nth(1) != Some("kms") {
        return None;
    }
    let resource = parts.nth(2)?;
    let named = |prefix| resource.strip_prefix(prefix).is_some_and(|name: &str| !name.is_empty());
    if named("key/") {
        Some(ArnKind::Key)
    } else if named("alias/") {
        Some(ArnKind::Alias)
    } else {
        None
    }
}

/// The ARN for what a `KeyId` field holds: an ARN, a key ID or an alias name of the record's account and
/// region. `None` for what no key can have.
fn key_arn<'a>(record: &RawRecord<'a>, reference: Cow<'a, str>) -> Option<Cow<'a, str>> {
    if arn_kind(&reference).is_some() {
        return Some(reference);
    }
    let resource = if is_key_id(&reference) {
        format!("key/{reference}")
    } else if reference.starts_with("alias/") && reference.len() > "alias/".len() {
        reference.into_owned()
    } else {
        return None;
    };
    let region = record.region.as_deref()?;
    let account = record.account.as_deref()?;
    Some(format!("arn:{}:kms:{region}:{account}:{resource}", partition(region)).into())
}

/// A UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key.
fn is_key_id(text: &str) -> bool {
    match text.strip_prefix("mrk-") {
        Some(digits) => digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
        None => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
    }
}

/// The partition of a region, by the prefix of its name.
fn partition(region: &str) -> &'static str {
    let partitions =
        [("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-isob-", "aws-iso-b"), ("us-iso-", "aws-iso")];
    partitions.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, name)| name)
}

/// The first word of an error's text: KMS begins many with the key's ARN.
fn arn_in_front(message: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let arn = message.split(' ').next()?.to_owned();
    arn_kind(&arn).is_some().then_some(arn.into())
}

/// Who made a request.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    pub(super) principal: Cow<'a, str>,
    pub(super) account: Option<Cow<'a, str>>,
}

/// Looks at a record's `userIdentity`.
pub(super) fn caller<'a>(record: &RawRecord<'a>) -> Caller<'a> {
    let (mut arn, mut invoked_by, mut principal_id, mut account, mut kind) = (None, None, None, None, None);
    for (name, value) in record.user_identity.iter().flat_map(Value::members).map_while(Result::ok) {
        match name {
            b"arn" => arn = value.as_str().filter(|arn| !arn.is_empty()),
            b"invokedBy" => invoked_by = Some(value),
            b"principalId" => principal_id = Some(value),
            b"accountId" => account = value.as_str(),
            b"type" => kind = Some(value),
            _ => {}
        }
    }
    let text = |value: Option<Value<'a>>| value.and_then(|value| value.as_str());
    let principal =
        arn.or_else(|| text(invoked_by)).unwrap_or_else(|| match (text(principal_id), &account) {
            (Some(id), Some(account)) if id != *account => format!("{account}/{id}").into(),
            (Some(id), _) => id,
            (None, Some(account)) => account.clone(),
            (None, None) => text(kind).unwrap_or(Cow::Borrowed("(unknown)")),
        });
    Caller { principal, account }
}

/// The role behind an assumed-role session, which is what policies name.
pub(super) fn issuer<'a>(record: &RawRecord<'a>) -> Option<Cow<'a, str>> {
    record.user_identity?.get("sessionContext")?.get("sessionIssuer")?.get_str("arn")
}

/// Why a key could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BlockedBy {
    PendingDeletion,
    Disabled,
    PendingImport,
}

impl BlockedBy {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::PendingDeletion => "pending deletion",
            Self::Disabled => "disabled",
            Self::PendingImport => "pending import",
        }
    }
}

/// The key state that an error tells of, by its code and the ending of its text.
pub(super) fn blocked_by(code: &str, message: Option<&str>) -> Option<BlockedBy> {
    let is_disabled = matches!(code, "DisabledException" | "Disabled");
    if !is_disabled && !matches!(code, "KMSInvalidStateException" | "KMSInvalidState") {
        return None;
    }
    let message = message.unwrap_or_default().trim_end_matches('.');
    if message.ends_with(" is pending deletion") || message.ends_with(" is pending replica deletion") {
        Some(BlockedBy::PendingDeletion)
    } else if message.contains(" is pending import") {
        Some(BlockedBy::PendingImport)
    } else if is_disabled || message.ends_with(" is disabled") {
        Some(BlockedBy::Disabled)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywatch_logfiles::Reader;
    use std::ops::ControlFlow;

    const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";
    const ALIAS: &str = "arn:aws:kms:us-west-2:111122223333:alias/a";

    /// Hands a record with these members to `look`.
    fn with_record(members: &str, look: impl FnOnce(&RawRecord<'_>)) {
        let text = format!(
            r#"{{"Records":[{{"eventVersion":"1.11","eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","awsRegion":"us-west-2","recipientAccountId":"111122223333",{members}}}]}}"#
        );
        let mut look = Some(look);
        let summary = Reader::default().read_bytes(text.as_bytes(), &mut |record| {
            look.take().expect("one record")(&record);
            ControlFlow::Continue(())
        });
        assert_eq!((summary.records, &summary.faults), (1, &Default::default()), "{members}");
    }

    #[track_caller]
    fn check_keys(members: &str, want: &[&str]) {
        with_record(members, |record| {
            assert_eq!(keys(record, &request(record)).iter().collect::<Vec<_>>(), want, "{members}");
        });
    }

    #[test]
    fn keys_from_resources() {
        let decrypt = r#""eventName":"Decrypt""#;
        check_keys(&format!(r#"{decrypt},"resources":[{{"ARN":"{KEY}","type":"AWS::KMS::Key"}}]"#), &[KEY]);
        check_keys(&format!(r#"{decrypt},"resources":[{{"ARN":"{KEY}"}},{{"ARN":"{KEY}"}}]"#), &[KEY]);
        check_keys(
            &format!(
                r#"{decrypt},"resources":[{{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}},{{"ARN":"{KEY}"}}]"#
            ),
            &[KEY],
        );
        check_keys(
            &format!(
                r#""eventName":"CreateAlias","resources":[{{"ARN":"{ALIAS}","type":"AWS::KMS::Key"}},{{"ARN":"{KEY}","type":"AWS::KMS::Key"}}]"#
            ),
            &[KEY],
        );
        check_keys(
            &format!(r#""eventName":"DeleteAlias","resources":[{{"ARN":"{ALIAS}","type":"AWS::KMS::Key"}}]"#),
            &[ALIAS],
        );
    }

    #[test]
    fn keys_from_the_request() {
        let with = |reference: &str| {
            format!(r#""eventName":"Encrypt","requestParameters":{{"keyId":"{reference}"}},"resources":null"#)
        };
        check_keys(&with(KEY), &[KEY]);
        check_keys(&with("1234abcd-12ab-34cd-56ef-1234567890ab"), &[KEY]);
        check_keys(
            &with("mrk-1234abcd12ab34cd56ef1234567890ab"),
            &["arn:aws:kms:us-west-2:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"],
        );
        check_keys(&with("alias/a"), &[ALIAS]);
        check_keys(&with("no such thing"), &[]);
        check_keys(r#""eventName":"ListKeys","requestParameters":null"#, &[]);
    }

    #[test]
    fn both_keys_of_reencrypt() {
        check_keys(
            &format!(r#""eventName":"ReEncrypt","resources":[{{"ARN":"{KEY}"}},{{"ARN":"{OTHER}"}}]"#),
            &[KEY, OTHER],
        );
        check_keys(
            &format!(
                r#""eventName":"ReEncrypt","requestParameters":{{"destinationKeyId":"{OTHER}"}},"resources":[{{"ARN":"{KEY}"}}]"#
            ),
            &[KEY, OTHER],
        );
        check_keys(
            &format!(
                r#""eventName":"ReEncrypt","requestParameters":{{"destinationKeyId":"alias/a"}},"resources":[{{"ARN":"{KEY}"}}]"#
            ),
            &[KEY],
        );
    }

    #[test]
    fn keys_from_elsewhere() {
        check_keys(
            &format!(r#""eventName":"CreateKey","responseElements":{{"keyMetadata":{{"arn":"{KEY}"}}}}"#),
            &[KEY],
        );
        check_keys(
            r#""eventName":"RotateKey","serviceEventDetails":{"keyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}"#,
            &[KEY],
        );
        check_keys(&format!(r#""eventName":"Decrypt","errorMessage":"{KEY} is pending deletion.""#), &[KEY]);
    }

    #[test]
    fn the_partition_follows_the_region() {
        for (region, want) in [
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(partition(region), want);
        }
    }

    #[test]
    fn principals() {
        for (identity, want) in [
            (r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/a","accountId":"1"}"#, "arn:aws:iam::1:user/a"),
            (r#"{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}"#, "cloudtrail.amazonaws.com"),
            (r#"{"type":"AWSAccount","principalId":"AIDA","accountId":"444455556666"}"#, "444455556666/AIDA"),
            (r#"{"type":"Unknown"}"#, "Unknown"),
            ("null", "(unknown)"),
        ] {
            with_record(&format!(r#""eventName":"Decrypt","userIdentity":{identity}"#), |record| {
                assert_eq!(caller(record).principal, want);
            });
        }
    }

    #[test]
    fn states_told_by_errors() {
        let invalid = "KMSInvalidStateException";
        for (code, message, want) in [
            (invalid, Some("arn is pending deletion."), Some(BlockedBy::PendingDeletion)),
            (invalid, Some("arn is pending replica deletion."), Some(BlockedBy::PendingDeletion)),
            ("DisabledException", Some("arn is pending deletion."), Some(BlockedBy::PendingDeletion)),
            ("DisabledException", Some("arn is disabled."), Some(BlockedBy::Disabled)),
            ("DisabledException", None, Some(BlockedBy::Disabled)),
            (invalid, Some("arn is pending import because no key material"), Some(BlockedBy::PendingImport)),
            (invalid, Some("arn is not pending deletion."), None),
            (invalid, None, None),
            ("AccessDenied", Some("arn is pending deletion."), None),
        ] {
            assert_eq!(blocked_by(code, message), want, "{code} {message:?}");
        }
    }
}
