//! # Grant tokens
//! What `CreateGrant` gives out beside the id: a name of the grant that only this server can have made. It is sealed, so no two
//! tokens of a grant are alike and all of them are as good as each other. Nothing of it is kept here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keywatch_api::SecretText;
use keywatch_api::kms::member::GrantToken;
use keywatch_crypto::{Binding, RootKeyring, SystemRandom};

use crate::error::KmsError;

const BINDING: Binding<'static> = Binding::Other { purpose: "grant-token", owner: "" };

/// A new token of `grant`.
pub(crate) fn seal(keyring: &RootKeyring, grant_row: &str) -> Result<SecretText, KmsError> {
    let sealed = keyring
        .seal(&BINDING, grant_row.as_bytes(), &mut SystemRandom)
        .map_err(|error| KmsError::internal(&error))?;
    Ok(SecretText::new(BASE64.encode(sealed)))
}

/// The key's row and the grant's id of a token that was given out here, whether or not the grant still is.
pub(crate) fn open(keyring: &RootKeyring, token: &SecretText) -> Result<(String, String), KmsError> {
    let sealed = BASE64.decode(token.expose()).map_err(|_| KmsError::InvalidGrantToken)?;
    let plain = keyring.open(&BINDING, &sealed).map_err(|_| KmsError::InvalidGrantToken)?;
    let text = std::str::from_utf8(plain.expose()).map_err(|_| KmsError::InvalidGrantToken)?;
    let (key_row, id) = text.split_once('|').ok_or(KmsError::InvalidGrantToken)?;
    Ok((key_row.to_owned(), id.to_owned()))
}

/// Refuses tokens that were not given out here. Those that were have nothing to add: grants count at once.
pub(crate) fn check(keyring: &RootKeyring, tokens: &Option<Vec<GrantToken>>) -> Result<(), KmsError> {
    for token in tokens.iter().flatten() {
        open(keyring, &token.0)?;
    }
    Ok(())
}
