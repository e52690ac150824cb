//! Confirmation tokens: 256 hexadecimal digits that prove that somebody reads what an endpoint is sent. Only a digest is
//! kept to compare with; until its message has left, the token itself waits sealed under the root key.
//!
//! A token is good for 48 hours, and using it again in that time gives the same answer (SNS API reference, "ConfirmSubscription").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use keywatch_crypto::digest::{constant_time_eq, sha256};
use keywatch_crypto::{Binding, Random, RootKeyring, SystemRandom};
use keywatch_store::{Kind, StoreError, Versioned};
use serde::{Deserialize, Serialize};

use super::topic::{SubscriptionRecord, TopicName};

pub(crate) const TOKEN: Kind = Kind("sns.token");
pub(crate) const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(48);

const TOKEN_BYTES: usize = 128;
/// AWS's tokens begin with these digits.
const HEAD: [u8; 5] = [0x23, 0x36, 0x41, 0x2f, 0x37];
const PURPOSE: &str = "sns-confirmation-token";

/// What a token confirms. Its key is the topic's key and the token's digest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    /// SHA-256 of the token, hexadecimal.
    pub(crate) digest: String,
    pub(crate) subscription: String,
    pub(crate) expires: Timestamp,
    /// The subscription that comes back when this token follows an unsubscription.
    pub(crate) restores: Option<SubscriptionRecord>,
}

impl Versioned for TokenRecord {
    const MARKER: &'static str = "sns.token/1";
}

/// A fresh token and its row.
pub(crate) struct NewToken {
    text: String,
    pub(crate) key: String,
    pub(crate) record: TokenRecord,
}

impl NewToken {
    pub(crate) fn new(
        topic: &TopicName,
        subscription: &str,
        now: Timestamp,
        restores: Option<SubscriptionRecord>,
    ) -> Self {
        let mut bytes = [0; TOKEN_BYTES];
        SystemRandom.fill(&mut bytes);
        bytes[..HEAD.len()].copy_from_slice(&HEAD);
        let text = hex::encode(bytes);
        let digest = hex::encode(sha256(text.as_bytes()));
        let key = token_key(topic, &digest);
        let record = TokenRecord {
            digest,
            subscription: subscription.to_owned(),
            expires: now + TOKEN_LIFETIME,
            restores,
        };
        Self { text, key, record }
    }

    /// The token, sealed for the delivery that will carry it.
    pub(crate) fn sealed(&self, keyring: &RootKeyring) -> String {
        let binding = Binding::Other { purpose: PURPOSE, owner: &self.record.subscription };
        let sealed = keyring
            .seal(&binding, self.text.as_bytes(), &mut SystemRandom)
            .expect("a token is shorter than the longest secret");
        BASE64.encode(sealed)
    }
}

/// Opens a sealed token.
pub(crate) fn unseal(keyring: &RootKeyring, subscription: &str, sealed: &str) -> Result<String, StoreError> {
    let corrupt = || StoreError::corrupt("a sealed confirmation token");
    let bytes = BASE64.decode(sealed).map_err(|_| corrupt())?;
    let binding = Binding::Other { purpose: PURPOSE, owner: subscription };
    let secret = keyring.open(&binding, &bytes).map_err(|_| corrupt())?;
    String::from_utf8(secret.expose().to_vec()).map_err(|_| corrupt())
}

/// Whether a text has the form of a token.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 2 * TOKEN_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Where the row of a presented token would be.
pub(crate) fn key_of(topic: &TopicName, token: &str) -> String {
    token_key(topic, &hex::encode(sha256(token.as_bytes())))
}

fn token_key(topic: &TopicName, digest: &str) -> String {
    format!("{}/{digest}", topic.key())
}

impl TokenRecord {
    /// Whether `token` is this record's and still good.
    pub(crate) fn accepts(&self, token: &str, now: Timestamp) -> bool {
        let presented = hex::encode(sha256(token.as_bytes()));
        constant_time_eq(presented.as_bytes(), self.digest.as_bytes()) && now < self.expires
    }
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::RootKey;

    use super::*;

    #[test]
    fn a_token_is_good_for_two_days_and_comes_back_from_its_seal() {
        let topic = TopicName::parse("arn:aws:sns:us-east-1:111122223333:t", "TopicArn").unwrap();
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let new = NewToken::new(&topic, "id", now, None);
        assert!(is_token(&new.text) && new.text.starts_with("2336412f37"), "{}", new.text);
        assert_eq!(key_of(&topic, &new.text), new.key);
        assert!(new.record.accepts(&new.text, now));
        assert!(new.record.accepts(&new.text, now + SignedDuration::from_secs(172_799)));
        assert!(!new.record.accepts(&new.text, now + TOKEN_LIFETIME));
        assert!(!new.record.accepts(&NewToken::new(&topic, "id", now, None).text, now));
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let sealed = new.sealed(&keyring);
        assert_eq!(unseal(&keyring, "id", &sealed).unwrap(), new.text);
        assert!(unseal(&keyring, "other", &sealed).is_err());
        assert!(!serde_json::to_string(&new.record).unwrap().contains(&new.text));
    }
}
