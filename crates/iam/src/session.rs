//! # Sessions: temporary credentials
//! A **session** is an identity for a while: a user or the root user again (`GetSessionToken`) or a role (`AssumeRole`). Its **token** is the
//! whole session, its secret included, sealed under the root keyring and bound to its access key id. Nothing about a session is stored, so
//! issuing one writes nothing but its record, sessions survive restarts, and every node of a cluster reads them.
//! **Invariant:** a token opens only with its own access key id, and only while a root key of its time is in the ring.
//! **Not here:** whether the identity behind a session still exists (`credentials`), who may have one (`sts`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use keywatch_api::{AccountId, SecretText};
use keywatch_crypto::{Binding, Random, RootKeyring};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::identity::{IdPrefix, new_id, new_secret};

const PURPOSE: &str = "session-token";
/// Tokens longer than this are none of ours.
const TOKEN_LENGTH_MAX: usize = 32 * 1024;
/// Bytes of session policies and tags that one session may carry; `PackedPolicySize` is a share of it.
pub(crate) const PACKED_BYTES_MAX: usize = 4096;

/// What a session is, apart from its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account: AccountId,
    pub(crate) identity: SessionIdentity,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    /// Text of the session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) policies: Vec<String>,
    /// ARNs of managed policies that are session policies too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) policy_arns: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<(String, String)>,
    /// Keys among the tags that go on to the sessions of roles this session assumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) transitive_tag_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_identity: Option<String>,
}

/// Whose session it is. Ids tell a name that was made again from the one the session belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SessionIdentity {
    Root,
    User {
        name: String,
        id: String,
    },
    /// The root user under another name.
    RootFederated {
        federated_name: String,
    },
    /// A user under another name.
    Federated {
        name: String,
        id: String,
        federated_name: String,
    },
    Role {
        name: String,
        id: String,
        session_name: String,
    },
}

/// Credentials as they are handed out.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretText,
    pub(crate) token: SecretText,
}

/// A token that is not one of ours, or not of this access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidToken;

/// The sealed form.
#[derive(Serialize, Deserialize)]
struct Sealed {
    version: u8,
    secret: String,
    session: Session,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

const SEALED_VERSION: u8 = 1;

impl Session {
    /// Makes the credentials of this session.
    pub(crate) fn issue(self, keyring: &RootKeyring, random: &mut dyn Random) -> Issued {
        let access_key_id = new_id(IdPrefix::TemporaryKey, random);
        let secret = new_secret(random);
        let sealed = Sealed { version: SEALED_VERSION, secret: secret.expose().to_owned(), session: self };
        let json = Zeroizing::new(serde_json::to_vec(&sealed).expect("a session has a form in JSON"));
        let token = keyring
            .seal(&binding(&access_key_id), &json, random)
            .expect("a session is shorter than what can be sealed");
        Issued { access_key_id, secret, token: SecretText::new(BASE64.encode(token)) }
    }

    /// Reads a token. Whether the session has expired is for the caller to see.
    pub(crate) fn open(
        token: &str,
        access_key_id: &str,
        keyring: &RootKeyring,
    ) -> Result<(Self, SecretText), InvalidToken> {
        if token.len() > TOKEN_LENGTH_MAX {
            return Err(InvalidToken);
        }
        let sealed = BASE64.decode(token).map_err(|_| InvalidToken)?;
        let json = keyring.open(&binding(access_key_id), &sealed).map_err(|_| InvalidToken)?;
        let mut opened: Sealed = serde_json::from_slice(json.expose()).map_err(|_| InvalidToken)?;
        if opened.version != SEALED_VERSION {
            return Err(InvalidToken);
        }
        Ok((opened.session.clone(), SecretText::new(std::mem::take(&mut opened.secret))))
    }

    /// Percent of [`PACKED_BYTES_MAX`] that policies and tags take; `None` when there are none.
    pub(crate) fn packed_percent(&self) -> Option<usize> {
        let policies = self.policies.iter().chain(&self.policy_arns).map(String::len);
        let tags = self.tags.iter().map(|(key, value)| key.len() + value.len());
        let bytes: usize = policies.chain(tags).sum();
        (bytes > 0).then(|| (bytes * 100).div_ceil(PACKED_BYTES_MAX))
    }
}

fn binding(access_key_id: &str) -> Binding<'_> {
    Binding::Other { purpose: PURPOSE, owner: access_key_id }
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::{RootKey, SystemRandom};

    use super::*;

    fn session() -> Session {
        let (name, id) = ("r".to_owned(), "AROA1".to_owned());
        Session {
            account: "111111111111".parse().unwrap(),
            identity: SessionIdentity::Role { name, id, session_name: "s".to_owned() },
            issued: Timestamp::UNIX_EPOCH,
            expires: Timestamp::from_second(3600).unwrap(),
            policies: vec!["{}".to_owned()],
            policy_arns: Vec::new(),
            tags: vec![("k".to_owned(), "v".to_owned())],
            transitive_tag_keys: vec!["k".to_owned()],
            source_identity: Some("me".to_owned()),
        }
    }

    #[test]
    fn a_token_opens_only_for_its_own_key() {
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let issued = session().issue(&keyring, &mut SystemRandom);
        assert!(issued.access_key_id.starts_with("ASIA"));
        let token = issued.token.expose();
        let (opened, secret) = Session::open(token, &issued.access_key_id, &keyring).unwrap();
        assert_eq!((opened, secret.expose()), (session(), issued.secret.expose()));

        let other = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let long = "A".repeat(TOKEN_LENGTH_MAX + 4);
        for (token, id, keyring) in [
            (token, "ASIAOTHER", &keyring),
            (token, issued.access_key_id.as_str(), &other),
            (&token[4..], issued.access_key_id.as_str(), &keyring),
            ("", issued.access_key_id.as_str(), &keyring),
            ("not base64!", issued.access_key_id.as_str(), &keyring),
            (long.as_str(), issued.access_key_id.as_str(), &keyring),
        ] {
            assert_eq!(Session::open(token, id, keyring).unwrap_err(), InvalidToken, "{id} {token}");
        }
    }

    #[test]
    fn tokens_outlive_a_rotation_of_the_root_key() {
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let issued = session().issue(&keyring, &mut SystemRandom);
        let keyring = keyring.rotate(RootKey::generate(&mut SystemRandom)).unwrap();
        assert!(Session::open(issued.token.expose(), &issued.access_key_id, &keyring).is_ok());
    }

    #[test]
    fn packed_size_counts_policies_and_tags() {
        assert_eq!(session().packed_percent(), Some(1));
        let none = Session { policies: Vec::new(), tags: Vec::new(), ..session() };
        assert_eq!(none.packed_percent(), None);
        let full = Session { policies: vec!["x".repeat(PACKED_BYTES_MAX)], tags: Vec::new(), ..session() };
        assert_eq!(full.packed_percent(), Some(100));
    }
}
