//! The members of a record that questions are asked about, borrowed from its text.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Text;

/// A record, as far as questions care. Unknown members are stepped over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts<'a> {
    #[serde(rename = "eventID", borrow, default)]
    pub event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub event_source: Cow<'a, str>,
    #[serde(default)]
    pub read_only: Option<bool>,
    #[serde(borrow, default)]
    pub user_identity: Option<UserIdentity<'a>>,
    #[serde(rename = "sourceIPAddress", borrow, default)]
    pub source_address: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub user_agent: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub error_code: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub resources: Option<Vec<Resource<'a>>>,
    #[serde(borrow, default)]
    request_parameters: Option<&'a RawValue>,
}

/// Who called.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    principal_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    arn: Option<Text<'a>>,
    #[serde(borrow, default)]
    account_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    user_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    access_key_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    invoked_by: Option<Text<'a>>,
    #[serde(borrow, default)]
    session_context: Option<SessionContext<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(borrow, default)]
    session_issuer: Option<SessionIssuer<'a>>,
}

#[derive(Debug, Deserialize)]
struct SessionIssuer<'a> {
    #[serde(borrow, default)]
    arn: Option<Text<'a>>,
}

/// What a call was about.
#[derive(Debug, Deserialize)]
pub struct Resource<'a> {
    #[serde(rename = "ARN", borrow, default)]
    pub arn: Option<Text<'a>>,
    #[serde(rename = "type", borrow, default)]
    pub kind: Option<Text<'a>>,
}

impl<'a> Facts<'a> {
    /// `None` for text that is no record.
    pub fn read(record: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(record).ok()
    }

    /// `Username`: a user's name, `root`, a role's session name, or the service that acted.
    pub fn user_name(&self) -> Option<&str> {
        let identity = self.user_identity.as_ref()?;
        if let Some(name) = &identity.user_name {
            return Some(name);
        }
        match &*identity.kind {
            "Root" => Some("root"),
            "AWSService" => identity.invoked_by.as_deref(),
            _ => identity.principal_id.as_deref()?.split_once(':').map(|(_, session)| session),
        }
    }

    /// The caller's ARN; where a record has none, the service, the principal id or the account that called.
    pub fn principal(&self) -> Option<&str> {
        let identity = self.user_identity.as_ref()?;
        let named = [&identity.arn, &identity.invoked_by, &identity.principal_id, &identity.account_id];
        named.into_iter().find_map(|name| name.as_deref())
    }

    /// The ARN of the role or user whose session called.
    pub fn session_issuer(&self) -> Option<&str> {
        self.user_identity.as_ref()?.session_context.as_ref()?.session_issuer.as_ref()?.arn.as_deref()
    }

    pub fn access_key_id(&self) -> Option<&str> {
        self.user_identity.as_ref()?.access_key_id.as_deref()
    }

    pub fn resources(&self) -> &[Resource<'a>] {
        self.resources.as_deref().unwrap_or_default()
    }

    /// The names, not the values, of the encryption context that the request bore.
    pub fn context_keys(&self) -> Vec<String> {
        let Some(parameters) = self.request_parameters.map(RawValue::get) else { return Vec::new() };
        if memmem::find(parameters.as_bytes(), b"ncryptionContext\"").is_none() {
            return Vec::new();
        }
        let Ok(parameters) = serde_json::from_str::<serde_json::Value>(parameters) else { return Vec::new() };
        let names = ["encryptionContext", "sourceEncryptionContext", "destinationEncryptionContext"];
        let contexts = names.iter().filter_map(|name| parameters.get(name)?.as_object());
        let mut keys: Vec<String> = contexts.flat_map(|context| context.keys().cloned()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_identities() {
        for (identity, user, principal) in [
            (r#"{"type":"Root","principalId":"1","arn":"arn:root"}"#, Some("root"), Some("arn:root")),
            (
                r#"{"type":"AssumedRole","principalId":"AROA1:session"}"#,
                Some("session"),
                Some("AROA1:session"),
            ),
            (
                r#"{"type":"AWSService","invokedBy":"events.amazonaws.com"}"#,
                Some("events.amazonaws.com"),
                Some("events.amazonaws.com"),
            ),
            (r#"{"type":"IAMUser","userName":"al\/ice","arn":"arn:u"}"#, Some("al/ice"), Some("arn:u")),
            (r#"{"type":"Unknown"}"#, None, None),
            (r#"{"type":"AWSAccount","accountId":"111122223333"}"#, None, Some("111122223333")),
        ] {
            let record = format!(r#"{{"userIdentity":{identity}}}"#);
            let facts = Facts::read(record.as_bytes()).unwrap();
            assert_eq!((facts.user_name(), facts.principal()), (user, principal), "{identity}");
        }
    }

    #[track_caller]
    fn check_context(parameters: &str, want: &[&str]) {
        let record = format!(r#"{{"requestParameters":{parameters}}}"#);
        assert_eq!(Facts::read(record.as_bytes()).unwrap().context_keys(), want, "{parameters}");
    }

    #[test]
    fn context_keys_are_named() {
        check_context("null", &[]);
        check_context(r#"{"keyId":"k"}"#, &[]);
        check_context(r#"{"encryptionContext":{"b":"1","a":"2"}}"#, &["a", "b"]);
        check_context(
            r#"{"sourceEncryptionContext":{"a":"1"},"destinationEncryptionContext":{"c":"1","a":"2"}}"#,
            &["a", "c"],
        );
        check_context(r#"{"encryptionContext":"a"}"#, &[]);
        check_context(r#""encryptionContext""#, &[]);
    }

    #[test]
    fn session_issuers() {
        let record = r#"{"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"arn:role"}}}}"#;
        assert_eq!(Facts::read(record.as_bytes()).unwrap().session_issuer(), Some("arn:role"));
        let record = r#"{"userIdentity":{"sessionContext":{"attributes":{}}}}"#;
        assert_eq!(Facts::read(record.as_bytes()).unwrap().session_issuer(), None);
        assert!(Facts::read(b"no record").is_none());
    }
}
