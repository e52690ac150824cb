//! What one KMS record says: which keys, who, and why it was refused. Pure functions of the record.
//!
//! A **key name** is an ARN: of the key where the record or the request tells it, else of the alias that was
//! used. A **principal name** is an ARN where there is one, else the service or the bare identifier.
//! **Not here:** counting.
//!
//! Source: AWS KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail".

use super::record::{Identity, Record, Text, text};
use std::borrow::Cow;

/// The keys of one record, each once: mostly one, two of a `ReEncrypt`.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    first: Option<Cow<'a, [u8]>>,
    more: Vec<Cow<'a, [u8]>>,
}

impl<'a> Keys<'a> {
    fn add(&mut self, key: Cow<'a, [u8]>) {
        match self.first {
            None => self.first = Some(key),
            Some(_) if self.iter().any(|known| *known == *key) => {}
            Some(_) => self.more.push(key),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.first.iter().chain(&self.more).map(|key| &**key)
    }

    fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

/// The keys that a record is about.
pub(super) fn keys<'a>(record: &Record<'a>) -> Keys<'a> {
    let mut keys = Keys::default();
    let mut aliases = Keys::default();
    for arn in record.resources.arns() {
        match arn_kind(&arn) {
            Some(ArnKind::Key) => keys.add(arn),
            Some(ArnKind::Alias) => aliases.add(arn),
            None => {}
        }
    }
    if keys.is_empty() {
        add_requested(record, &mut keys);
    } else if record.request.destination.is_some() && *record.event_name() == *b"ReEncrypt" {
        add_destination(record, &mut keys);
    }
    if keys.is_empty() { aliases } else { keys }
}

/// The keys that the request, the response, the event's details or the error's text name.
fn add_requested<'a>(record: &Record<'a>, keys: &mut Keys<'a>) {
    let request = &record.request;
    for value in request.keys.iter().chain([&request.destination]) {
        if let Some(key) = text(*value).and_then(|reference| key_arn(record, reference)) {
            keys.add(key);
        }
    }
    if !keys.is_empty() {
        return;
    }
    let member = |value: Option<keywatch_logfiles::Value<'a>>, name| value?.get(name);
    let response = record.response_elements;
    let named = text(member(member(response, "keyMetadata"), "arn"))
        .or_else(|| text(member(response, "keyId")))
        .or_else(|| text(member(record.service_event_details, "keyId")))
        .or_else(|| text(record.error_message).and_then(arn_in_front));
    if let Some(key) = named.and_then(|reference| key_arn(record, reference)) {
        keys.add(key);
    }
}

/// The second key of a `ReEncrypt` whose resources tell only the first.
fn add_destination<'a>(record: &Record<'a>, keys: &mut Keys<'a>) {
    if let Some(arn) = text(record.request.destination).and_then(|reference| key_arn(record, reference))
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
fn arn_kind(arn: &[u8]) -> Option<ArnKind> {
    let after = |text: &'_ [u8]| text.iter().position(|byte| *byte == b':').map(|colon| colon + 1);
    let rest = arn.strip_prefix(b"arn:")?;
    let rest = rest[after(rest)?..].strip_prefix(b"kms:")?;
    let rest = &rest[after(rest)?..];
    let resource = &rest[after(rest)?..];
    let named = |prefix: &[u8]| resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    if named(b"key/") {
        Some(ArnKind::Key)
    } else if named(b"alias/") {
        Some(ArnKind::Alias)
    } else {
        None
    }
}

/// The ARN for what a `KeyId` field holds: an ARN, a key ID or an alias name of the record's account and
/// region. `None` for what no key can have.
fn key_arn<'a>(record: &Record<'a>, reference: Cow<'a, [u8]>) -> Option<Cow<'a, [u8]>> {
    if arn_kind(&reference).is_some() {
        return Some(reference);
    }
    let reference = String::from_utf8_lossy(&reference);
    let resource = if is_key_id(&reference) {
        format!("key/{reference}")
    } else if reference.starts_with("alias/") && reference.len() > "alias/".len() {
        reference.into_owned()
    } else {
        return None;
    };
    let (region, account) = (text(record.region)?, record.account()?);
    let (region, account) = (String::from_utf8_lossy(&region), String::from_utf8_lossy(&account));
    let arn = format!("arn:{}:kms:{region}:{account}:{resource}", partition(&region));
    Some(Cow::Owned(arn.into_bytes()))
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
fn arn_in_front(message: Cow<'_, [u8]>) -> Option<Cow<'_, [u8]>> {
    let arn = message.split(|byte| *byte == b' ').next()?;
    arn_kind(arn).is_some().then(|| Cow::Owned(arn.to_vec()))
}

/// Who made a request: an ARN where there is one.
pub(super) fn principal<'a>(identity: &Identity<'a>) -> Cow<'a, [u8]> {
    let arn = text(identity.arn).filter(|arn| !arn.is_empty());
    arn.or_else(|| text(identity.invoked_by)).unwrap_or_else(|| {
        match (text(identity.principal_id), text(identity.account)) {
            (Some(id), Some(account)) if id != account => [&account[..], &id].join(&b'/').into(),
            (Some(id), _) => id,
            (None, Some(account)) => account,
            (None, None) => text(identity.kind).unwrap_or(Cow::Borrowed(b"(unknown)")),
        }
    })
}

/// The role behind an assumed-role session, which is what policies name.
pub(super) fn issuer<'a>(identity: &Identity<'a>) -> Text<'a> {
    text(identity.session?.get("sessionIssuer")?.get("arn"))
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
pub(super) fn blocked_by(code: &[u8], message: Option<&[u8]>) -> Option<BlockedBy> {
    let is_disabled = matches!(code, b"DisabledException" | b"Disabled");
    if !is_disabled && !matches!(code, b"KMSInvalidStateException" | b"KMSInvalidState") {
        return None;
    }
    let message = String::from_utf8_lossy(message.unwrap_or_default());
    let message = message.trim_end_matches('.');
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

    const KEY: &str = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";
    const ALIAS: &str = "arn:aws:kms:us-west-2:111122223333:alias/a";

    /// Hands a record with these members to `look`.
    #[track_caller]
    fn with_record(members: &str, look: impl FnOnce(&Record<'_>)) {
        let text = format!(
            r#"{{"eventVersion":"1.11","eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","awsRegion":"us-west-2","recipientAccountId":"111122223333",{members}}}"#
        );
        let mut record = Record::default();
        assert_eq!(record.read(text.as_bytes()), Ok(text.len()), "{members}");
        look(&record);
    }

    #[track_caller]
    fn check_keys(members: &str, want: &[&str]) {
        with_record(members, |record| {
            let keys = keys(record);
            let found: Vec<_> = keys.iter().map(String::from_utf8_lossy).collect();
            assert_eq!(found, want, "{members}");
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
                assert_eq!(String::from_utf8_lossy(&principal(&record.identity)), want);
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
            let found = blocked_by(code.as_bytes(), message.map(str::as_bytes));
            assert_eq!(found, want, "{code} {message:?}");
        }
    }
}
