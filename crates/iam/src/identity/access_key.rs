//! An access key: its secret is shown once, when it is made, and stored sealed. It cannot be stored as a digest: verifying a signature
//! (SigV4) takes the secret itself.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use keywatch_api::iam::access_keys::AccessKeyStatus;
use keywatch_api::{AccountId, SecretText};
use keywatch_crypto::root_key::CannotUnseal;
use keywatch_crypto::{Binding, Random, RootKeyring};
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// 240 random bits are 40 characters of base64, the length of AWS's secrets.
const SECRET_BYTES: usize = 30;
const PURPOSE: &str = "access-key";

/// A long-term key of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessKeyRecord {
    pub(crate) account: AccountId,
    /// The owner as it was named when the key was made or the user last renamed.
    pub(crate) user_name: String,
    /// `AIDA…`
    pub(crate) user_id: String,
    pub(crate) status: AccessKeyStatus,
    pub(crate) created: Timestamp,
    /// Base64 of the sealed secret.
    sealed: String,
}

impl Versioned for AccessKeyRecord {
    const MARKER: &'static str = "iam.access_key/1";
}

impl AccessKeyRecord {
    /// An active key of `user`, made `now`.
    pub(crate) fn seal(
        account: &AccountId,
        (user_name, user_id): (&str, &str),
        access_key_id: &str,
        secret: &SecretText,
        now: Timestamp,
        (keyring, random): (&RootKeyring, &mut dyn Random),
    ) -> Self {
        let sealed = keyring
            .seal(&binding(access_key_id), secret.expose().as_bytes(), random)
            .expect("a secret access key is shorter than what can be sealed");
        Self {
            account: account.clone(),
            user_name: user_name.to_owned(),
            user_id: user_id.to_owned(),
            status: AccessKeyStatus::Active,
            created: now,
            sealed: BASE64.encode(sealed),
        }
    }

    /// The secret, with which signatures are verified.
    pub(crate) fn secret(
        &self,
        access_key_id: &str,
        keyring: &RootKeyring,
    ) -> Result<SecretText, CannotUnseal> {
        let sealed = BASE64.decode(&self.sealed).map_err(|_| CannotUnseal::Malformed)?;
        let secret = keyring.open(&binding(access_key_id), &sealed)?;
        let text = str::from_utf8(secret.expose()).map_err(|_| CannotUnseal::Malformed)?;
        Ok(SecretText::new(text.to_owned()))
    }
}

/// A fresh secret access key: 40 characters of base64.
pub(crate) fn new_secret(random: &mut dyn Random) -> SecretText {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    random.fill(&mut *bytes);
    SecretText::new(BASE64.encode(*bytes))
}

fn binding(access_key_id: &str) -> Binding<'_> {
    Binding::Other { purpose: PURPOSE, owner: access_key_id }
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::{RootKey, SystemRandom};

    use super::*;

    #[test]
    fn a_secret_opens_only_as_its_own_key() {
        let keyring = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        let secret = new_secret(&mut SystemRandom);
        assert_eq!(secret.expose().len(), 40);
        let account = "111111111111".parse().unwrap();
        let chance: (&RootKeyring, &mut dyn Random) = (&keyring, &mut SystemRandom);
        let record =
            AccessKeyRecord::seal(&account, ("u", "AIDA"), "AKIA1", &secret, Timestamp::UNIX_EPOCH, chance);
        assert_eq!(record.secret("AKIA1", &keyring).unwrap().expose(), secret.expose());
        assert_eq!(record.secret("AKIA2", &keyring).unwrap_err(), CannotUnseal::NotAuthentic);
        let stored = serde_json::to_string(&record).unwrap();
        assert!(!stored.contains(secret.expose()), "a dump of the database must not leak the secret");
        let other = RootKeyring::new(RootKey::generate(&mut SystemRandom));
        assert!(matches!(record.secret("AKIA1", &other), Err(CannotUnseal::UnknownRootKey(_))));
    }
}
