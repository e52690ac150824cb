//! Which records a look-up asks for. A search for raw bytes throws most records out before one is parsed.

use keywatch_api::cloudtrail::{LookupAttribute, LookupAttributeKey as Key};
use memchr::memmem::Finder;

use super::Facts;

/// At most one attribute, as CloudTrail allows.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    wanted: Option<(Key, &'a str)>,
    /// A text every matching record contains.
    needle: Option<Finder<'a>>,
}

impl<'a> Filter<'a> {
    pub(crate) fn new(attribute: Option<&'a LookupAttribute>) -> Self {
        let wanted = attribute.map(|a| (a.attribute_key, a.attribute_value.as_str()));
        Filter { wanted, needle: wanted.and_then(|(key, value)| needle(key, value)) }
    }

    /// The facts of a record that is asked for.
    pub(crate) fn accept<'r>(&self, record: &'r [u8]) -> Option<Facts<'r>> {
        if self.needle.as_ref().is_some_and(|needle| needle.find(record).is_none()) {
            return None;
        }
        Facts::read(record).filter(|facts| self.accepts(facts))
    }

    fn accepts(&self, facts: &Facts<'_>) -> bool {
        let Some((key, value)) = self.wanted else { return true };
        match key {
            Key::EventId => facts.event_id == value,
            Key::EventName => facts.event_name == value,
            Key::EventSource => facts.event_source == value,
            Key::ReadOnly => facts.read_only.map_or("", |is| if is { "true" } else { "false" }) == value,
            Key::Username => facts.user_name() == Some(value),
            Key::AccessKeyId => facts.access_key_id() == Some(value),
            Key::ResourceType => facts.resources().iter().any(|r| r.kind.as_deref() == Some(value)),
            // A resource is asked for by its ARN or by the name at the ARN's end.
            Key::ResourceName => facts.resources().iter().filter_map(|r| r.arn.as_deref()).any(|arn| {
                arn == value
                    || arn.rsplit(['/', ':']).next() == Some(value)
                    || arn.ends_with(&format!(":{value}"))
            }),
        }
    }
}

/// The longest run of the value that JSON writes in one way only; short ones are not worth a search.
fn needle<'a>(key: Key, value: &'a str) -> Option<Finder<'a>> {
    let derived = key == Key::ReadOnly || (key == Key::Username && value == "root");
    if derived {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@=,+ ".contains(c);
    let longest = value.split(|c: char| !plain(c)).max_by_key(|run| run.len())?;
    (longest.len() >= 3).then(|| Finder::new(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA1","userName":"al\/ice","accessKeyId":"AKIA1"},"eventTime":"2026-01-01T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventID":"e-1","readOnly":true,"resources":[{"accountId":"1","type":"AWS::KMS::Key","ARN":"arn:aws:kms:us-east-1:111122223333:key/k-1"},{"ARN":"arn:aws:kms:us-east-1:111122223333:alias/a/b","type":"AWS::KMS::Key"}]}"#;

    #[track_caller]
    fn check(key: Key, value: &str, want: bool) {
        let attribute = LookupAttribute { attribute_key: key, attribute_value: value.to_owned() };
        assert_eq!(Filter::new(Some(&attribute)).accept(RECORD.as_bytes()).is_some(), want, "{key} {value}");
    }

    #[test]
    fn every_attribute() {
        check(Key::EventId, "e-1", true);
        check(Key::EventId, "e-2", false);
        check(Key::EventName, "Decrypt", true);
        check(Key::EventName, "decrypt", false);
        check(Key::EventSource, "kms.amazonaws.com", true);
        check(Key::EventSource, "kms", false);
        check(Key::ReadOnly, "true", true);
        check(Key::ReadOnly, "false", false);
        check(Key::Username, "al/ice", true);
        check(Key::Username, "ice", false);
        check(Key::AccessKeyId, "AKIA1", true);
        check(Key::AccessKeyId, "AKIA", false);
        check(Key::ResourceType, "AWS::KMS::Key", true);
        check(Key::ResourceType, "AWS::S3::Bucket", false);
        check(Key::ResourceName, "arn:aws:kms:us-east-1:111122223333:key/k-1", true);
        check(Key::ResourceName, "k-1", true);
        check(Key::ResourceName, "alias/a/b", true);
        check(Key::ResourceName, "k", false);
    }

    #[test]
    fn names_of_other_identities() {
        for (identity, want) in [
            (r#"{"type":"Root","principalId":"1"}"#, Some("root")),
            (r#"{"type":"AssumedRole","principalId":"AROA1:session"}"#, Some("session")),
            (r#"{"type":"AWSService","invokedBy":"events.amazonaws.com"}"#, Some("events.amazonaws.com")),
            (r#"{"type":"Unknown"}"#, None),
        ] {
            let record = format!(r#"{{"userIdentity":{identity}}}"#);
            assert_eq!(Facts::read(record.as_bytes()).unwrap().user_name(), want, "{identity}");
        }
    }

    #[test]
    fn without_attribute_every_record() {
        assert!(Filter::new(None).accept(RECORD.as_bytes()).is_some());
        assert!(Filter::new(None).accept(b"no record").is_none());
    }
}
