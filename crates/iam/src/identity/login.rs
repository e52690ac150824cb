//! A user's console password: kept as a digest only (Argon2id, RFC 9106), with digests of former ones where the password policy forbids
//! their return.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use jiff::Timestamp;
use keywatch_api::SecretText;
use keywatch_api::iam::account::LoginProfile;
use keywatch_crypto::Random;
use keywatch_store::Versioned;
use serde::{Deserialize, Serialize};

const SALT_BYTES: usize = 16;
/// "PasswordReusePrevention: 1 to 24"
const FORMER_MAX: usize = 24;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LoginRecord {
    pub(crate) created: Timestamp,
    pub(crate) reset_required: bool,
    /// When the password last changed.
    changed: Timestamp,
    /// In PHC form.
    digest: String,
    /// Newest first.
    former: Vec<String>,
}

impl std::fmt::Debug for LoginRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginRecord").field("created", &self.created).finish_non_exhaustive()
    }
}

impl Versioned for LoginRecord {
    const MARKER: &'static str = "iam.login/1";
}

impl LoginRecord {
    pub(crate) fn new(
        password: &SecretText,
        reset_required: bool,
        now: Timestamp,
        random: &mut dyn Random,
    ) -> Self {
        Self {
            created: now,
            reset_required,
            changed: now,
            digest: digest(password, random),
            former: Vec::new(),
        }
    }

    /// Whether this is the password.
    pub(crate) fn verify(&self, password: &SecretText) -> bool {
        is_digest_of(&self.digest, password)
    }

    /// Whether this is the password or one of the `last` ones, the present one included.
    pub(crate) fn was(&self, password: &SecretText, last: usize) -> bool {
        let known = std::iter::once(&self.digest).chain(&self.former);
        known.take(last).any(|digest| is_digest_of(digest, password))
    }

    pub(crate) fn change(&mut self, password: &SecretText, now: Timestamp, random: &mut dyn Random) {
        let before = std::mem::replace(&mut self.digest, digest(password, random));
        self.former.insert(0, before);
        self.former.truncate(FORMER_MAX);
        self.changed = now;
    }

    pub(crate) fn shown(&self, user_name: &str) -> LoginProfile {
        LoginProfile {
            user_name: user_name.to_owned(),
            create_date: self.created.into(),
            password_reset_required: self.reset_required,
        }
    }
}

fn digest(password: &SecretText, random: &mut dyn Random) -> String {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).expect("sixteen bytes are a salt");
    let digest = Argon2::default().hash_password(password.expose().as_bytes(), &salt);
    digest.expect("the default parameters are valid").to_string()
}

fn is_digest_of(digest: &str, password: &SecretText) -> bool {
    let Ok(known) = PasswordHash::new(digest) else { return false };
    Argon2::default().verify_password(password.expose().as_bytes(), &known).is_ok()
}

#[cfg(test)]
mod tests {
    use keywatch_crypto::SystemRandom;

    use super::*;

    #[test]
    fn only_digests_are_kept() {
        let text = |password: &str| SecretText::new(password.to_owned());
        let mut login = LoginRecord::new(&text("first!"), true, Timestamp::UNIX_EPOCH, &mut SystemRandom);
        assert!(login.verify(&text("first!")) && !login.verify(&text("First!")));
        assert!(!serde_json::to_string(&login).unwrap().contains("first!"));
        login.change(&text("second!"), Timestamp::UNIX_EPOCH, &mut SystemRandom);
        assert!(login.verify(&text("second!")) && !login.verify(&text("first!")));
        assert!(login.was(&text("first!"), 2) && !login.was(&text("first!"), 1));
    }
}
